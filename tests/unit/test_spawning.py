"""What a server is given at its start: what the administrator asked for, this user's, and nothing of before."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper

from harness.people import identity
from harness.shelf import Shelf
from hubauth_core import ConfigError, Credential, HubUser, Provider, RefreshedCredential, Rotated, Secret
from hubauth_core.access import Access
from hubauth_core.database import Database
from hubauth_core.events import Audit
from hubauth_core.identities import Identities, new_id
from hubauth_core.refresh import Refresher
from hubauth_core.registry import Registry
from hubauth_core.retrieval import Retrieval
from hubauth_core.spawning import Spawning, git_config
from hubauth_core.vault import Vault

ANN = HubUser(id=1, name="ann", created=1.0)
BEN = HubUser(id=2, name="ben", created=2.0)
FORGE = "https://forge.example/team"


class Forge(Provider):
    """Brings an exchanged credential for `kafka`."""

    @property
    def resources(self) -> Mapping[str, str]:
        return {"kafka": "the cluster"}

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        return Rotated(replace(credential, access_token=Secret("renewed"), expires_at=time.time() + 300))

    async def retrieve_credential(self, credential: Credential, resource: str) -> Credential:
        return Credential(access_token=Secret(f"{credential.access_token.reveal()}-at-{resource}"))


class Spawner(SimpleNamespace):
    """What is asked of JupyterHub's spawners. It can be a key, as theirs can."""

    __hash__ = object.__hash__


class House:
    """A forge at which Ann has an identity with a token, and Ben has none."""

    def __init__(self, shelf: Shelf, database: Database) -> None:
        shelf.add_type("forge", Forge)
        self.registry: Registry = shelf.registry({"forge": {"allow_all": True, "git_urls": [FORGE]}})
        self.identities = Identities(database)
        self.vault = Vault(database, CryptKeeper(keys=[os.urandom(32)]))
        log = logging.getLogger("hubauth.test")
        audit = Audit(self.registry.emit, log)
        parts: dict[str, Any] = {"registry": self.registry, "vault": self.vault, "audit": audit}
        self.retrieval = Retrieval(
            **parts,
            access=Access(self.identities, several=False),
            identities=self.identities,
            refresher=Refresher(**parts, log=log),
        )

    async def come(self, user: HubUser, *credentials: Credential) -> None:
        person, record_id = identity("forge", str(user.id), user.name), new_id()
        sealed = await self.vault.seal(record_id, person, credentials)
        await self.identities.bind(person, user, record_id=record_id, pin=user.name, sealed=sealed)

    def spawning(self, **options: Any) -> Spawning:
        asked: dict[str, Any] = {"environment": {}, "files": {}, "git": False} | options
        log = logging.getLogger("hubauth.test")
        return Spawning(registry=self.registry, identities=self.identities, retrieval=self.retrieval, log=log, **asked)


def git_says(environment: dict[str, str], *asked: str) -> str:
    """What `git config` answers in a server with that environment."""
    return subprocess.run(["git", "config", *asked], env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
async def house(shelf: Shelf, database: Database) -> House:
    house = House(shelf, database)
    await house.come(ANN, Credential(access_token=Secret("ann-token")))
    return house


async def test_nothing_is_given_that_nobody_asked_for(house: House) -> None:
    spawner = Spawner(environment={"LANG": "C"})
    await house.spawning().equip(ANN, spawner)
    assert spawner.environment == {"LANG": "C"}


async def test_tokens_stand_in_the_variables_that_were_asked_for(house: House) -> None:
    spawner = Spawner(environment={"LANG": "C"})
    await house.spawning(environment={"FORGE": "forge", "KAFKA": "forge/kafka"}).equip(ANN, spawner)
    assert spawner.environment == {"LANG": "C", "FORGE": "ann-token", "KAFKA": "ann-token-at-kafka"}


@pytest.mark.parametrize("token", ["$(JUPYTERHUB_API_TOKEN)", "a{username}", "a b", "x" * 200_000, "a=b"])
async def test_what_spawners_would_fill_in_or_cannot_carry_is_left_out(
    house: House, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    await house.come(BEN, Credential(access_token=Secret(token)))
    spawner = Spawner(environment={})
    await house.spawning(environment={"FORGE": "forge"}).equip(BEN, spawner)
    assert spawner.environment == {}
    assert "without FORGE" in caplog.text
    assert token not in caplog.text


async def test_what_has_run_out_is_renewed_before_the_start(house: House) -> None:
    await house.come(BEN, Credential(access_token=Secret("old"), refresh_token=Secret("r"), expires_at=time.time() - 1))
    spawner = Spawner(environment={})
    await house.spawning(environment={"FORGE": "forge"}).equip(BEN, spawner)
    assert spawner.environment == {"FORGE": "renewed"}


async def test_what_cannot_be_had_keeps_no_server_from_starting(house: House) -> None:
    spawner = Spawner(environment={})
    await house.spawning(environment={"FORGE": "forge"}).equip(BEN, spawner)
    assert spawner.environment == {}


async def test_one_users_token_does_not_stay_for_another(house: House) -> None:
    """A configured environment is one object for all spawners."""
    configured: dict[str, str] = {}
    spawning = house.spawning(environment={"FORGE": "forge"}, git=True)
    ann, ben = Spawner(environment=configured), Spawner(environment=configured)
    await spawning.equip(ANN, ann)
    await spawning.equip(BEN, ben)
    assert "FORGE" not in ben.environment
    assert configured == {}


async def test_a_second_start_begins_where_the_first_did(house: House) -> None:
    spawning = house.spawning(environment={"FORGE": "forge"}, git=True)
    spawner = Spawner(environment={"FORGE": "what the administrator wrote", "GIT_CONFIG_COUNT": "1"})
    await spawning.equip(ANN, spawner)
    first = dict(spawner.environment)
    await spawning.equip(ANN, spawner)
    assert spawner.environment == first
    await house.identities.forget((ANN.id, ANN.created))
    house.registry.provider("forge").linkable = False
    await spawning.equip(ANN, spawner)
    assert spawner.environment == {"FORGE": "what the administrator wrote", "GIT_CONFIG_COUNT": "1"}


async def test_git_reads_the_settings_behind_those_that_are_there(house: House, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text('[credential "https://forge.example"]\nhelper = store\n')
    before = {**git_config([("user.name", "Ann")], 0), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    spawner = Spawner(environment=before)
    await house.spawning(git=True).equip(ANN, spawner)
    found = git_says(spawner.environment, "--get-urlmatch", "credential", f"{FORGE}/repo")
    assert "credential.helper hubauth\n" in found
    assert "credential.usehttppath true\n" in found
    assert git_says(spawner.environment, "user.name") == "Ann\n"
    assert json.loads(spawner.environment["HUBAUTH_GIT_URLS"]) == [FORGE]


async def test_who_is_not_connected_yet_keeps_their_own_helper_before_ours(house: House, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text(f'[credential "{FORGE}"]\nhelper = store\n')
    spawner = Spawner(environment={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    spawning = house.spawning(git=True)
    await spawning.equip(BEN, spawner)
    asked = ["--get-all", f"credential.{FORGE}.helper"]
    assert git_says(spawner.environment, *asked) == "store\nhubauth\n"
    await spawning.equip(ANN, spawner)
    assert git_says(spawner.environment, *asked) == "store\n\nhubauth\n", "an empty one begins the list anew"


async def test_what_nobody_can_connect_needs_no_helper(house: House) -> None:
    house.registry.provider("forge").linkable = False
    spawner = Spawner(environment={})
    await house.spawning(git=True).equip(BEN, spawner)
    assert spawner.environment == {}


async def test_the_server_is_told_which_files_to_keep_and_whom_to_ask(house: House) -> None:
    spawner = Spawner(environment={})
    await house.spawning(files={"~/t": "forge"}, api_url="http://hub/services/credentials").equip(BEN, spawner)
    assert json.loads(spawner.environment["HUBAUTH_TOKEN_FILES"](spawner)) == {"~/t": "forge"}
    assert spawner.environment["HUBAUTH_API_URL"] == "http://hub/services/credentials"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"environment": {"A": "forgery"}}, "no provider 'forgery'; there are: forge"),
        ({"environment": {"A": "forge/kafak"}}, "no resource 'kafak'; it has: kafka"),
        ({"files": {"/t": "nowhere"}}, r"spawner_files\['/t'\]"),
        ({"environment": {"A B": "forge"}}, "cannot name a variable"),
    ],
)
def test_an_option_that_names_what_is_not_there_stops_the_start(
    house: House, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        house.spawning(**options).check()
