"""A provider as a command sees it, without a hub in the process."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyterhub import orm

from hubauth_core import LoginRefused, StoreError
from hubauth_core.cli.beside import beside
from hubauth_core.database import open_database
from hubauth_core.errors import ConfigError
from hubauth_core.hub import hub_user
from hubauth_core.mapping import hub_key
from hubauth_core.oauth2 import OIDCProvider

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.Authenticator.admin_users = {"root"}
c.HubAuthenticator.providers = {
    "uni": {"type": "oidc", "issuer": "https://uni.example", "client_id": "hub", "client_secret": "s",
            "username_prefix": ""},
    "lib": {"type": "oidc", "issuer": "https://lib.example", "client_id": "hub", "client_secret": "s"},
}
"""
PATH = Path("jupyterhub_config.py")


@pytest.fixture(autouse=True)
def _hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that was started once: its tables with two users, its secret, our store."""
    monkeypatch.chdir(tmp_path)
    PATH.write_text(CONFIG)
    secret = Path("jupyterhub_cookie_secret")
    secret.touch(0o600)
    secret.write_text("11" * 32)
    open_database("sqlite:///hubauth.sqlite").close()
    with orm.new_session_factory("sqlite:///jupyterhub.sqlite")() as session:
        session.add_all([orm.User(name="root", admin=True), orm.User(name="ann")])
        session.commit()
        session.get_bind().dispose()


def test_names_lead_where_a_first_sign_in_would_lead() -> None:
    with beside(PATH, OIDCProvider, "uni") as there:
        assert there.lead("1", "zoe") is None
        root = there.lead("1", "root")
        assert root is not None
        assert root.admin
        with pytest.raises(LoginRefused):
            there.lead("1", "ann")


async def test_an_adopted_hub_user_is_reached_and_given_once() -> None:
    with beside(PATH, OIDCProvider, "lib") as there:
        ann = there.free_hub_user("ann")
        assert ann is not None
        await there.adopt("1", "ann", ann)
        reached = there.lead("1", "ann")
        assert reached is not None
        assert hub_key(reached) == hub_key(ann)
        assert there.free_hub_user("ann") is None
        with pytest.raises(StoreError):
            await there.adopt("2", "ann", ann)


def test_the_key_is_the_hubs_own() -> None:
    with beside(PATH, OIDCProvider, "uni") as there:
        first = there.core.key("mail")
    with beside(PATH, OIDCProvider, "lib") as there:
        assert there.core.key("mail") != first
    Path("jupyterhub_cookie_secret").write_text("22" * 32)
    with beside(PATH, OIDCProvider, "uni") as there:
        assert there.core.key("mail") != first
        assert not there.core.in_hub


@pytest.mark.parametrize(
    ("name", "says"),
    [(None, "There are several providers of this type: uni, lib."), ("zoo", "There is no provider 'zoo' of this type")],
)
def test_which_provider_is_meant_has_to_be_clear(name: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says), beside(PATH, OIDCProvider, name):
        pass


@pytest.mark.parametrize(
    ("gone", "says"), [("jupyterhub_cookie_secret", "start the hub first"), ("hubauth.sqlite", "Start the hub first")]
)
def test_a_command_makes_no_file_that_is_the_hubs_to_make(gone: str, says: str) -> None:
    Path(gone).unlink()
    with pytest.raises(ConfigError, match=says), beside(PATH, OIDCProvider, "uni"):
        pass
    assert not Path(gone).exists()


def test_a_hub_without_tables_has_no_users_and_gets_none() -> None:
    Path("jupyterhub.sqlite").unlink()
    with beside(PATH, OIDCProvider, "uni") as there:
        assert there.lead("1", "ann") is None
    assert not Path("jupyterhub.sqlite").exists()


def test_a_secret_that_others_can_read_is_none() -> None:
    Path("jupyterhub_cookie_secret").chmod(0o644)
    with pytest.raises(ConfigError, match="others can read it"), beside(PATH, OIDCProvider, "uni"):
        pass


def test_hub_users_as_values() -> None:
    with orm.new_session_factory("sqlite:///jupyterhub.sqlite")() as session:
        expected = hub_user(orm.User.find(session, "ann"))
        session.get_bind().dispose()
    with beside(PATH, OIDCProvider, "uni") as there:
        assert there.hub_users.find("ann") == expected
