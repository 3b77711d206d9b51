"""`hubauth consent` writes one consent for a user of the hub's own database, and one line into the trail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jupyterhub import orm

from hubauth_core.cli import main
from hubauth_core.database import open_database
from hubauth_core.hub import hub_user
from hubauth_core.identities import Identities
from hubauth_core.mapping import hub_key

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.HubAuthenticator.audit_log = "audit.jsonl"
c.HubAuthenticator.providers = {
    "uni": {"type": "oidc", "issuer": "https://uni.example", "client_id": "hub", "client_secret": "s"}
}
"""


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("jupyterhub_config.py").write_text(CONFIG)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["consent", *arguments])
    return result.exit_code, result.output


def test_a_consent_is_for_one_user_and_one_provider() -> None:
    session = orm.new_session_factory("sqlite:///jupyterhub.sqlite")()
    session.add(orm.User(name="boss", admin=True))
    session.commit()
    code, output = run("boss", "uni")
    assert (code, output) == (0, "boss may connect one account of uni within a week.\n")
    database = open_database("sqlite:///hubauth.sqlite")
    key = hub_key(hub_user(orm.User.find(session, "boss")))
    identities = Identities(database)
    assert identities.has_consent(key, "uni")
    assert not identities.has_consent(key, "github")
    database.close()
    session.close()
    [event] = map(json.loads, Path("audit.jsonl").read_text().splitlines())
    assert (event["kind"], event["hub_user"], event["provider"]) == ("consent_given", "boss", "uni")
    assert event["actor"] == "command line"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("boss", "github"), "There is no provider 'github' in service. There are: uni."),
        (("nobody", "uni"), "The hub has no user 'nobody'."),
    ],
)
def test_who_or_what_is_not_there_is_named(arguments: tuple[str, str], says: str) -> None:
    orm.new_session_factory("sqlite:///jupyterhub.sqlite")().close()
    code, output = run(*arguments)
    assert code == 1
    assert says in output
    assert not Path("audit.jsonl").exists()


def test_a_hub_that_was_never_started_has_nobody_to_agree_to() -> None:
    code, output = run("boss", "uni")
    assert code == 1
    assert "The hub's database cannot be read" in output
