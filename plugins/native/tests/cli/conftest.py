"""A hub that was started once, and the commands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jupyterhub import orm
from jupyterhub.crypto import CryptKeeper

from hubauth_core.cli import main
from hubauth_core.cli.extending import Beside, beside
from hubauth_core.database import open_database
from hubauth_native import NativeProvider

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.JupyterHub.public_url = "https://hub.test/"
c.Authenticator.admin_users = {"root"}
c.HubAuthenticator.audit_log = "audit.jsonl"
c.HubAuthenticator.providers = {"local": {"type": "native", "argon2_memory_cost": 8, "argon2_unsafe": True}}
"""

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its secret, our store, and its tables with `root`, whom its configuration names, and `ann`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "11" * 32)
    Path("jupyterhub_config.py").write_text(CONFIG)
    secret = Path("jupyterhub_cookie_secret")
    secret.touch(0o600)
    secret.write_text("11" * 32)
    open_database("sqlite:///hubauth.sqlite").close()
    with orm.new_session_factory("sqlite:///jupyterhub.sqlite")() as session:
        session.add_all([orm.User(name="root", admin=True), orm.User(name="ann")])
        session.commit()
        session.get_bind().dispose()
    yield
    CryptKeeper.clear_instance()


@pytest.fixture
def run() -> Run:
    """`run("list", "--json")`: what `hubauth native list --json` does."""

    def run(*words: str, typed: str | None = None, code: int = 0) -> Result:
        done = CliRunner().invoke(main, ["native", *words], input=typed, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def looked() -> Iterator[Beside[NativeProvider]]:
    """The accounts, as another command would find them."""
    with beside(Path("jupyterhub_config.py"), NativeProvider) as there:
        yield there
