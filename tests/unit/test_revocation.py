"""What is deleted here is revoked at its provider: soon, once, and for as long as it takes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import select

from harness.people import identity
from harness.shelf import Shelf
from hubauth_core import (
    Credential,
    CredentialError,
    HubUser,
    LoginRefused,
    Provider,
    ProviderError,
    ProviderUnavailable,
    Rotated,
    Secret,
)
from hubauth_core.database import Database
from hubauth_core.events import Audit
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import Record, hub_key
from hubauth_core.refresh import Refresher
from hubauth_core.registry import Registry
from hubauth_core.revocation import AT_ONCE, GIVE_UP, LEASE_MARGIN, LONGEST_PAUSE, SHORTEST_PAUSE, Revoker
from hubauth_core.schema import revocations
from hubauth_core.vault import Vault

ANN = HubUser(id=1, name="ann", created=1.25)
KEY, OTHER_KEY = os.urandom(32), os.urandom(32)


class Source(Provider):
    """Revokes as the test says: `answers` are given in turn, the last one for ever; None is a yes."""

    answers: list[Any] = [None]
    asked: list[Credential]
    calls: asyncio.Semaphore
    together = most = 0
    held_up: asyncio.Event | None = None
    refreshed: Any = None

    async def revoke_credential(self, credential: Credential) -> None:
        self.asked.append(credential)
        self.calls.release()
        self.together += 1
        self.most = max(self.most, self.together)
        await (self.held_up.wait() if self.held_up else asyncio.sleep(0))
        self.together -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer

    async def refresh_credential(self, credential: Credential) -> Any:
        return await self.refreshed(credential)


class House:
    """Ann came by `uni`; `now` is the time."""

    def __init__(self, shelf: Shelf, database: Database, trail: Path) -> None:
        shelf.add_type("source", Source)
        self.shelf, self.database, self.trail, self.now = shelf, database, trail, 1e9
        self.identities = Identities(database, self.clock)
        self.registry = shelf.registry({"uni": {"type": "source"}})
        self.log = logging.getLogger("hubauth.test")
        self.source.asked, self.source.calls = [], asyncio.Semaphore(0)

    def clock(self) -> float:
        return self.now

    @property
    def source(self) -> Any:
        return self.registry.provider("uni")

    def vault(self, *keys: bytes) -> Vault:
        return Vault(self.database, CryptKeeper(keys=list(keys or (KEY,))), self.clock)

    def revoker(self, *keys: bytes, registry: Registry | None = None) -> Revoker:
        """As after another start of the hub."""
        audit = Audit(lambda event: None, self.log, path=self.trail)
        registry = registry or self.registry
        vault, log = self.vault(*keys), self.log
        return Revoker(registry=registry, database=self.database, vault=vault, audit=audit, log=log, clock=self.clock)

    async def come(self, *credentials: Credential) -> Record:
        record_id, person = new_id(), identity("uni", "7", "ann")
        sealed = await self.vault().seal(record_id, person, credentials or [token("1")], {"kept": True})
        return await self.identities.bind(person, ANN, record_id=record_id, pin="ann", sealed=sealed)

    async def leave(self) -> None:
        await self.identities.forget(hub_key(ANN))

    async def come_and_leave(self, *credentials: Credential) -> None:
        await self.come(*credentials)
        await self.leave()

    def queue(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(revocations)))

    async def until_asked(self, times: int) -> None:
        """Wait for that many calls of the provider."""
        for _ in range(times):
            await self.source.calls.acquire()

    def tokens(self) -> list[str]:
        return [credential.access_token.reveal() for credential in self.source.asked]

    def events(self) -> list[tuple[str, str]]:
        lines = self.trail.read_text().splitlines() if self.trail.exists() else []
        return [(event["kind"], event.get("reason", "")) for event in map(json.loads, lines)]


def token(name: str, **more: Any) -> Credential:
    return Credential(access_token=Secret(f"access-{name}"), refresh_token=Secret(f"refresh-{name}"), **more)


@pytest.fixture
def house(shelf: Shelf, database: Database, tmp_path: Path) -> House:
    return House(shelf, database, tmp_path / "audit.jsonl")


@pytest.fixture
def any_house(shelf: Shelf, any_database: Database, tmp_path: Path) -> House:
    return House(shelf, any_database, tmp_path / "audit.jsonl")


@pytest.mark.row("R17")
async def test_what_was_deleted_is_revoked_and_forgotten(any_house: House) -> None:
    api = token("2", resource="kafka")
    await any_house.come_and_leave(token("1"), api)
    assert any_house.tokens() == [], "whoever deletes waits for nobody"
    await any_house.revoker().work_off()
    assert sorted(any_house.source.asked, key=lambda each: each.resource) == [token("1"), api]
    assert any_house.queue() == []
    assert any_house.events() == [("credential_revoked", "")] * 2
    trail = any_house.trail.read_text()
    assert '"subject": "7"' in trail
    assert "access-" not in trail


@pytest.mark.row("R17")
async def test_a_provider_that_is_away_is_told_when_it_is_back(any_house: House) -> None:
    any_house.source.answers = [ProviderUnavailable("Down."), ProviderUnavailable("Down.", retry_after=600), None]
    await any_house.come_and_leave()
    revoker = any_house.revoker()
    for pause, tries in ((SHORTEST_PAUSE, 1), (600, 2)):
        await revoker.work_off()
        await revoker.work_off()
        assert len(any_house.tokens()) == tries
        any_house.now += pause - 1
        await revoker.work_off()
        assert len(any_house.tokens()) == tries
        any_house.now += 1
    await any_house.revoker().work_off()
    assert (any_house.tokens(), any_house.queue()) == (["access-1"] * 3, [])
    assert any_house.events() == [("credential_revoked", "")]


@pytest.mark.row("R17")
@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable("Down."),
        ProviderError("Odd."),
        ProviderError("Who are you?", code="provider_refused_client"),
        RuntimeError("a bug"),
    ],
    ids=["away", "rubbish", "client-refused", "bug"],
)
async def test_what_may_be_mended_is_tried_for_three_days_with_growing_pauses(house: House, error: Exception) -> None:
    house.source.answers = [error]
    await house.come_and_leave()
    revoker, began = house.revoker(), house.now
    pauses = []
    while house.queue():
        await revoker.work_off()
        for row in house.queue():
            pauses.append(row.retry_at - house.now)
            house.now = row.retry_at
    assert pauses[:3] == [SHORTEST_PAUSE, 2 * SHORTEST_PAUSE, 4 * SHORTEST_PAUSE]
    assert max(pauses) == LONGEST_PAUSE
    assert house.now - began == GIVE_UP
    [(kind, reason)] = house.events()
    assert (kind, bool(reason)) == ("revocation_failed", True)


async def test_a_provider_that_wants_to_be_left_alone_for_a_year_is_left_alone_for_three_days(house: House) -> None:
    house.source.answers = [ProviderUnavailable("Later.", retry_after=3e7)]
    await house.come_and_leave()
    await house.revoker().work_off()
    assert house.queue()[0].retry_at == house.now + GIVE_UP


@pytest.mark.row("R17")
@pytest.mark.parametrize("error", [CredentialError("Never.", code="not_ours"), LoginRefused("No.", code="not_ours")])
async def test_a_definite_no_is_not_asked_for_again(house: House, error: Exception) -> None:
    house.source.answers = [error]
    await house.come_and_leave()
    await house.revoker().work_off()
    assert (len(house.tokens()), house.queue()) == (1, [])
    assert house.events() == [("revocation_failed", "not_ours")]


@pytest.mark.row("R17", "F14")
async def test_a_lost_key_or_a_provider_that_was_taken_out_loses_nothing_for_three_days(house: House) -> None:
    await house.come_and_leave()
    house.shelf.entry_points.clear()
    house.shelf.add_type("other", Provider)
    without = house.shelf.registry({"other": {}})
    for revoker in (house.revoker(OTHER_KEY), house.revoker(registry=without), house.revoker()):
        await revoker.work_off()
        house.now += LONGEST_PAUSE
    assert house.tokens() == ["access-1"]
    assert house.events() == [("credential_revoked", "")]


@pytest.mark.row("R17", "F14")
@pytest.mark.parametrize("gone", ["key", "provider"])
async def test_what_nobody_can_revoke_any_more_is_dropped_with_an_event(house: House, gone: str) -> None:
    await house.come_and_leave()
    house.shelf.entry_points.clear()
    house.shelf.add_type("other", Provider)
    without = house.shelf.registry({"other": {}})
    house.now += GIVE_UP
    await (house.revoker(OTHER_KEY) if gone == "key" else house.revoker(registry=without)).work_off()
    assert house.queue() == []
    reason = {"key": "unreadable", "provider": "provider_disabled"}[gone]
    assert house.events() == [("revocation_failed", reason)]


@pytest.mark.row("R17")
async def test_no_credential_is_revoked_twice_though_two_processes_work(any_house: House) -> None:
    await any_house.come_and_leave(*(token(str(n), resource=f"r{n}" if n else "") for n in range(3 * AT_ONCE)))
    await asyncio.gather(any_house.revoker().work_off(), any_house.revoker().work_off())
    assert sorted(any_house.tokens()) == sorted(f"access-{n}" for n in range(3 * AT_ONCE))
    assert any_house.queue() == []


@pytest.mark.row("R17")
async def test_one_process_alone_makes_a_few_calls_at_once(house: House) -> None:
    await house.come_and_leave(*(token(str(n), resource=f"r{n}" if n else "") for n in range(3 * AT_ONCE)))
    house.source.held_up = asyncio.Event()
    work = asyncio.ensure_future(house.revoker().work_off())
    await house.until_asked(AT_ONCE)
    await asyncio.wait({work}, timeout=0.2)  # time for more, if it wanted more
    house.source.held_up.set()
    await work
    assert (len(house.tokens()), house.source.most) == (3 * AT_ONCE, AT_ONCE)


@pytest.mark.row("R17")
async def test_a_process_that_dies_leaves_its_work_to_the_next(house: House) -> None:
    house.source.held_up = asyncio.Event()
    await house.come_and_leave()
    work = asyncio.ensure_future(house.revoker().run())
    await house.until_asked(1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    house.source.held_up.set()
    house.now += house.registry.hook_timeout + LEASE_MARGIN - 1
    await house.revoker().work_off()
    assert house.tokens() == ["access-1"]
    house.now += 1
    await house.revoker().work_off()
    assert (house.tokens(), house.queue()) == (["access-1"] * 2, [])


async def test_the_work_goes_on_after_a_fault_of_the_database(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubauth_core.revocation.AFTER_FAULT", 0)
    await house.come_and_leave()
    looks, look = [], house.database.read

    def failing() -> Any:
        looks.append(1)
        if len(looks) < 3:
            raise OSError("gone")
        return look()

    monkeypatch.setattr(house.database, "read", failing)
    work = asyncio.ensure_future(house.revoker().run())
    await house.until_asked(1)
    work.cancel()


@pytest.mark.row("R17")
@pytest.mark.parametrize(
    ("again", "revoked"),
    [
        pytest.param(token("1"), [], id="same"),
        pytest.param(Credential(access_token=Secret("access-1")), [], id="same-access-token"),
        pytest.param(replace(token("1"), access_token=Secret("access-2")), [], id="same-refresh-token"),
        pytest.param(token("2"), ["access-1"], id="another"),
        pytest.param(Credential(access_token=Secret("access-2")), ["access-1"], id="another-without-refresh-token"),
    ],
)
async def test_a_token_that_the_same_person_has_again_is_left_alone(
    house: House, again: Credential, revoked: list[str]
) -> None:
    """Some sources give one person one token, however often they sign in."""
    await house.come_and_leave()
    other, record_id = HubUser(id=2, name="ann2", created=2.0), new_id()
    sealed = await house.vault().seal(record_id, identity("uni", "7", "ann"), [again])
    await house.identities.bind(identity("uni", "7", "ann"), other, record_id=record_id, pin="ann", sealed=sealed)
    await house.revoker().work_off()
    assert (house.tokens(), house.queue()) == (revoked, [])


@pytest.mark.row("R17")
async def test_what_is_given_back_is_revoked_and_the_identity_stays(any_house: House) -> None:
    record = await any_house.come()
    await any_house.vault().give_back(any_house.identities.of_hub_user(hub_key(ANN)))
    assert (await any_house.vault().credential(record)).reason == "missing"
    assert (await any_house.vault().state(record)).content == {"kept": True}
    await any_house.revoker().work_off()
    assert any_house.tokens() == ["access-1"]
    assert any_house.identities.of_hub_user(hub_key(ANN)) == [record]


# Nobody is handed what is deleted.


@pytest.mark.row("R17", "F20", "V15")
async def test_a_hub_user_who_is_deleted_during_a_renewal_gets_nothing_and_all_is_revoked(any_house: House) -> None:
    house, answer = any_house, asyncio.Event()
    record = await house.come(token("1", expires_at=1.0))
    asked = asyncio.Event()

    async def slowly(credential: Credential) -> Rotated:
        asked.set()
        await answer.wait()
        return Rotated(token("2"))

    house.source.refreshed = slowly
    audit = Audit(lambda event: None, house.log)
    refresher = Refresher(registry=house.registry, vault=house.vault(), audit=audit, log=house.log, clock=house.clock)
    wanted = asyncio.ensure_future(refresher.fresh(record))
    await asked.wait()
    await house.leave()
    answer.set()
    with pytest.raises(CredentialError) as error:
        await wanted
    assert error.value.code == "needs_login"
    with pytest.raises(CredentialError):
        await refresher.fresh(record)
    await house.revoker().work_off()
    assert sorted(house.tokens()) == ["access-1", "access-2"]
    assert house.queue() == []
