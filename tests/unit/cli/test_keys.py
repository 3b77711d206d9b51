"""`hubauth rotate-keys`, and what `hubauth check` says of keys: how many rows are under which, never what is in one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import select

from harness.people import identity
from hubauth_core import Credential, HubUser, Secret
from hubauth_core.cli import main
from hubauth_core.cli.check import examine
from hubauth_core.database import Database, open_database
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import hub_key
from hubauth_core.schema import vault
from hubauth_core.vault import Vault

OLD, NEW, LOST = "0a" * 32, "1b" * 32, "2c" * 32
CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.db_url = {url!r}
c.HubAuthenticator.providers = {{"uni": {{"type": "oauth2", "client_id": "i", "client_secret": "s"}}}}
c.Authenticator.allow_all = True
"""


class Hub:
    """A hub's configuration and store, and what the commands say of them."""

    def __init__(self, url: str) -> None:
        self.url, self.people = url, 0
        Path("jupyterhub_config.py").write_text(CONFIG.format(url=url))
        open_database(url).close()

    def come(self, key: str, people: int = 1, *, leave: bool = False) -> None:
        """People sign in while that is the hub's key."""
        database = open_database(self.url)
        try:
            for _ in range(people):
                self.people += 1
                asyncio.run(self._come(database, bytes.fromhex(key), leave=leave))
        finally:
            database.close()

    async def _come(self, database: Database, key: bytes, *, leave: bool) -> None:
        user = HubUser(id=self.people, name=f"u{self.people}", created=1.0)
        person, record_id, store = identity("uni", user.name, user.name), new_id(), Identities(database)
        credential = Credential(access_token=Secret("canary-token"))
        sealed = await Vault(database, CryptKeeper(keys=[key])).seal(record_id, person, [credential], {"a": 1})
        await store.bind(person, user, record_id=record_id, pin=user.name, sealed=sealed)
        if leave:
            await store.forget(hub_key(user))

    def rotate(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(main, ["rotate-keys", "--json", *arguments])
        return result.exit_code, json.loads(result.stdout)

    def check(self, level: str) -> str:
        found = examine(Path("jupyterhub_config.py"))
        return "\n".join(each.text for each in found if (each.level, each.about) == (level, "credentials"))

    def blobs(self) -> list[bytes]:
        database = open_database(self.url)
        try:
            with database.read() as connection:
                return list(connection.execute(select(vault.c.blob)).scalars())
        finally:
            database.close()


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", f"{NEW};{OLD}")
    yield
    CryptKeeper.clear_instance()


@pytest.fixture
def hub() -> Hub:
    return Hub("sqlite:///hubauth.sqlite")


@pytest.mark.row("F14")
def test_all_is_written_again_and_then_the_old_key_may_go(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(empty_database)
    hub.come(OLD, 2)
    hub.come(OLD, leave=True)
    hub.come(NEW)
    code, told = hub.rotate()
    assert code == 0
    assert told == {
        "found": {
            "credential": {"first": 1, "other": 2, "unreadable": 0},
            "state": {"first": 1, "other": 2, "unreadable": 0},
            "revocation": {"first": 0, "other": 1, "unreadable": 0},
        },
        "rewritten": 5,
        "left": 0,
        "unreadable": 0,
    }
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", NEW)
    code, told = hub.rotate()
    assert (code, told["rewritten"], told["found"]["credential"]["first"]) == (0, 0, 3)


@pytest.mark.row("F14")
def test_a_dry_run_writes_nothing_and_says_what_is_left(hub: Hub) -> None:
    hub.come(OLD, 2)
    before = hub.blobs()
    code, told = hub.rotate("--dry-run")
    assert (code, told["left"], told["rewritten"]) == (1, 4, 0)
    assert hub.blobs() == before


@pytest.mark.row("F14")
def test_rows_that_no_key_opens_are_told_and_left_alone(hub: Hub) -> None:
    hub.come(LOST)
    hub.come(OLD)
    before = hub.blobs()
    code, told = hub.rotate()
    assert (code, told["unreadable"], told["rewritten"]) == (3, 2, 2)
    assert len(set(before) & set(hub.blobs())) == 2


def test_the_table_counts_and_shows_no_secret(hub: Hub) -> None:
    hub.come(OLD, 2)
    hub.come(LOST)
    result = CliRunner().invoke(main, ["rotate-keys", "-f", "jupyterhub_config.py"])
    assert result.exit_code == 3
    assert "credentials                 0            2            1" in result.stdout
    assert "4 rows were written again" in result.stdout
    assert "2 rows open with none of the keys" in result.stdout
    for secret in (OLD, NEW, "canary-token"):
        assert secret not in result.output


def test_keys_of_the_configuration_count(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.come(OLD)
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY")
    with Path("jupyterhub_config.py").open("a") as config:
        config.write(f"c.CryptKeeper.keys = [{NEW!r}, {OLD!r}]\n")
    code, told = hub.rotate()
    assert (code, told["rewritten"]) == (0, 2)


@pytest.mark.parametrize(("keys", "says"), [("", "There are no crypt keys"), ("short", "crypt keys cannot be used")])
def test_keys_that_are_none_are_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch, keys: str, says: str) -> None:
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", keys)
    result = CliRunner().invoke(main, ["rotate-keys"])
    assert result.exit_code == 1
    assert says in result.output


# hubauth check.


@pytest.mark.row("F14")
def test_check_says_which_rows_wait_for_the_command_or_for_a_key(empty_database: str) -> None:
    hub = Hub(empty_database)
    assert "stored rows" not in hub.check("warning") + hub.check("ok")
    hub.come(NEW)
    assert hub.check("warning") == ""
    assert "The first crypt key opens all 2 stored rows" in hub.check("ok")
    hub.come(OLD)
    hub.come(LOST, 2)
    told = hub.check("warning")
    assert "2 of 8 stored rows that were tried are under another crypt key" in told
    assert "hubauth rotate-keys" in told
    assert "No crypt key opens 4 of 8 stored rows" in told
    assert OLD not in told
    hub.rotate()
    assert "under another crypt key" not in hub.check("warning")


def test_check_notices_that_all_keys_are_missing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.come(OLD)
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY")
    assert "No crypt key opens 2 of 2 stored rows" in hub.check("warning")


def test_check_goes_on_where_the_store_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.format(url="postgresql+psycopg://u:hush@127.0.0.1:1/x")
    Path("jupyterhub_config.py").write_text(config)
    [told] = [each for each in examine(Path("jupyterhub_config.py")) if "were not tried" in each.text]
    assert told.level == "warning"
    assert "hush" not in told.text
