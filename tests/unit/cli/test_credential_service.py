"""`hubauth credential-service`: what it needs before it answers, and where it does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jupyterhub import orm

from harness import databases
from hubauth_core.cli import main
from hubauth_core.cli.credential_service import Place
from hubauth_core.database import open_database

KEYS = {"JUPYTERHUB_CRYPT_KEY": "0" * 64}
HUB = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "uni": {"type": "oidc", "issuer": "https://x.example", "client_id": "a", "client_secret": "s"},
}
"""
ELSEWHERE = 'c.JupyterHub.db_url = "postgresql+psycopg://hub:canary@127.0.0.1:1/hub"\n'


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("JUPYTERHUB_CRYPT_KEY", "JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)


def run(config: str, *arguments: str, environment: dict[str, str] = KEYS) -> Result:
    Path("jupyterhub_config.py").write_text(config)
    return CliRunner().invoke(main, ["credential-service", "--port", "0", *arguments], env=environment)


def refused(config: str, *, environment: dict[str, str] = KEYS) -> str:
    result = run(config, environment=environment)
    assert result.exit_code == 1
    assert "canary" not in result.output
    return result.output


@pytest.mark.parametrize(
    "config",
    [HUB, HUB + ELSEWHERE + 'c.HubAuthenticator.db_url = "sqlite:///hubauth.sqlite"\n'],
    ids=["hub", "hubauth"],
)
def test_one_file_is_not_for_several_processes(config: str) -> None:
    assert "here they are in SQLite, a file that only the hub may write to" in refused(config)
    assert not Path("hubauth.sqlite").exists()


def test_without_the_hubs_keys_there_is_nothing_to_hand_out() -> None:
    assert "Set JUPYTERHUB_CRYPT_KEY to the hub's own value" in refused(HUB + ELSEWHERE, environment={})


def test_a_hub_that_wants_certificates_of_its_own_is_not_asked() -> None:
    assert "internal_ssl" in refused(HUB + ELSEWHERE + "c.JupyterHub.internal_ssl = True\n")


def test_keys_that_cannot_be_used_are_said() -> None:
    output = refused(HUB + ELSEWHERE, environment={"JUPYTERHUB_CRYPT_KEY": "canary"})
    assert "The crypt keys cannot be used" in output


def test_another_authenticator_has_no_credentials() -> None:
    assert "not with hubauth" in refused('c.JupyterHub.authenticator_class = "dummy"\n')


def test_a_broken_provider_stops_it() -> None:
    config = HUB + ELSEWHERE + 'c.HubAuthenticator.providers["uni"]["isuer"] = "x"\n'
    assert "isuer" in refused(config)


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    assert "postgresql+psycopg://hub:***@127.0.0.1:1/hub" in refused(HUB + ELSEWHERE)


@pytest.mark.row("F23")
def test_the_hub_comes_first(postgresql_server: str) -> None:
    url = databases.new_database(postgresql_server)
    config = HUB + f"c.JupyterHub.db_url = {url!r}\n"
    assert "There is no database of hubauth yet. Start the hub first" in refused(config)
    open_database(url).close()
    assert "has no users" in refused(config)


@pytest.mark.row("F23")
def test_a_schema_of_another_version_is_not_touched(postgresql_server: str) -> None:
    url = databases.new_database(postgresql_server)
    database = open_database(url)
    database.write_now(
        lambda connection: connection.exec_driver_sql("UPDATE hubauth_alembic_version SET version_num = 'x'")
    )
    database.close()
    assert "which this hubauth-core does not know" in refused(HUB + f"c.JupyterHub.db_url = {url!r}\n")


def test_a_port_that_is_taken_is_said(postgresql_server: str) -> None:
    url = databases.new_database(postgresql_server)
    open_database(url).close()
    orm.new_session_factory(url)().close()
    taken = postgresql_server.rpartition(":")[2].partition("/")[0]
    result = run(HUB + f"c.JupyterHub.db_url = {url!r}\n", "--port", taken)
    assert result.exit_code == 1
    assert f"Cannot listen at 127.0.0.1:{taken}" in result.output


HUB_SAYS = {
    "JUPYTERHUB_SERVICE_URL": "http://127.0.0.2:9000",
    "JUPYTERHUB_SERVICE_PREFIX": "/@/space%20word/services/credentials/",
    "JUPYTERHUB_API_URL": "http://hub.example/hub/api",
}


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, ("127.0.0.1", 8090, "/", "http://127.0.0.1:8081/jupyter/hub/api")),
        ([], HUB_SAYS, ("127.0.0.2", 9000, "/@/space%20word/services/credentials", "http://hub.example/hub/api")),
        (
            ["--ip", "::1", "--port", "0", "--base-url", "a b/", "--hub-api-url", "http://x.example/api"],
            HUB_SAYS,
            ("::1", 0, "/a%20b", "http://x.example/api"),
        ),
    ],
    ids=["alone", "run by the hub", "told"],
)
def test_where_it_answers_and_whom_it_asks(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], expected: tuple[Any, ...]
) -> None:
    seen: list[tuple[Any, ...]] = []

    async def serve(authenticator: object, hub: object, hub_api_url: str, place: Place) -> None:
        seen.append((place.ip, place.port, place.base_url, hub_api_url))

    monkeypatch.setattr(import_module("hubauth_core.cli.credential_service"), "_serve", serve)
    Path("jupyterhub_config.py").write_text(HUB + 'c.JupyterHub.base_url = "/jupyter/"\n')
    result = CliRunner().invoke(main, ["credential-service", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    assert seen == [expected]
