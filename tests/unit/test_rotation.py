"""What another key has sealed is written again under the first one: when it is read, or all of it by command."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import select

from harness.people import identity
from hubauth_core import Credential, HubUser, Secret, rotation
from hubauth_core.database import Database
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import Record, hub_key
from hubauth_core.rotation import AT_ONCE, Tally, count, rotate
from hubauth_core.schema import revocations, vault
from hubauth_core.sealing import Owner, Sealing
from hubauth_core.vault import Vault

OLD, NEW, LOST = (os.urandom(32) for _ in range(3))
CREDENTIAL = Credential(access_token=Secret("a"), refresh_token=Secret("r"), expires_at=5e9)


def keeper(*keys: bytes) -> Any:
    return CryptKeeper(keys=list(keys))


async def come(database: Database, *keys: bytes, number: int = 1) -> Record:
    """Somebody signs in while these are the hub's keys."""
    store, user = Identities(database), HubUser(id=number, name=f"u{number}", created=float(number))
    person, record_id = identity("uni", str(number), user.name), new_id()
    sealed = await Vault(database, keeper(*keys)).seal(record_id, person, [CREDENTIAL], {"roles": ["a"]})
    return await store.bind(person, user, record_id=record_id, pin=user.name, sealed=sealed)


async def several(database: Database, *keys: bytes, people: int) -> list[Record]:
    return [await come(database, *keys, number=number + 1) for number in range(people)]


def rows(database: Database) -> list[Mapping[str, Any]]:
    with database.read() as connection:
        query = select(vault).order_by(vault.c.identity_id, vault.c.purpose)
        return [dict(row) for row in connection.execute(query).mappings()]


def opens(database: Database, *keys: bytes) -> Vault:
    return Vault(database, keeper(*keys))


# Lazily.


@pytest.mark.row("F14")
async def test_what_was_read_is_written_again_under_the_first_key_and_is_otherwise_as_it_was(
    any_database: Database,
) -> None:
    record = await come(any_database, OLD)
    before = rows(any_database)
    both = opens(any_database, NEW, OLD)
    assert (await both.credential(record)).content == CREDENTIAL
    assert (await both.state(record)).content == {"roles": ["a"]}
    await both._lazily.done()
    after = rows(any_database)
    assert [{**row, "blob": b""} for row in after] == [{**row, "blob": b""} for row in before]
    only_new = opens(any_database, NEW)
    assert (await only_new.credential(record)).content == CREDENTIAL
    assert (await only_new.state(record)).content == {"roles": ["a"]}


async def test_what_the_first_key_opens_is_not_written_again(any_database: Database) -> None:
    record = await come(any_database, NEW)
    before = rows(any_database)
    both = opens(any_database, NEW, OLD)
    assert (await both.credential(record)).content == CREDENTIAL
    await both._lazily.done()
    assert rows(any_database) == before


@pytest.mark.row("F14", "F10")
async def test_a_renewal_meanwhile_wins(any_database: Database) -> None:
    record = await come(any_database, OLD)
    both = opens(any_database, NEW, OLD)
    held = (await both.credential(record)).held
    assert held is not None
    renewed = replace(CREDENTIAL, access_token=Secret("renewed"))
    # It was read, and what is begun for it has not run yet: the renewal is the first to write.
    assert await both.replace(record, await both.sealed(record, "", renewed), held)
    await both._lazily.done()
    assert (await opens(any_database, NEW).credential(record)).content == renewed


async def test_nobody_waits_for_it_and_a_database_that_is_busy_stops_nothing(
    database: Database, store_file: Path
) -> None:
    record = await come(database, OLD)
    both = opens(database, NEW, OLD)
    with sqlite3.connect(store_file) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert (await both.credential(record)).content == CREDENTIAL
        assert both._lazily._under_way
        writer.rollback()
    await both._lazily.done()
    assert (await opens(database, NEW).credential(record)).content == CREDENTIAL


async def test_a_few_at_once_and_the_others_with_their_next_reader(database: Database) -> None:
    records = await several(database, OLD, people=AT_ONCE + 2)
    both, only_new = opens(database, NEW, OLD), opens(database, NEW)

    async def readable() -> int:
        await asyncio.gather(*(both.credential(record) for record in records for _ in range(2)))
        await both._lazily.done()
        return sum([(await only_new.credential(record)).content is not None for record in records])

    assert await readable() == AT_ONCE
    assert await readable() == len(records)


async def test_what_many_read_at_once_is_written_again_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await come(database, OLD)
    both, written = opens(database, NEW, OLD), []
    apply = rotation._apply
    monkeypatch.setattr(rotation, "_apply", lambda *change, **more: written.append(1) or apply(*change, **more))
    await asyncio.gather(*(both.credential(record) for _ in range(5)))
    await both._lazily.done()
    assert written == [1]


# All of it.


@pytest.mark.row("F14")
async def test_all_rows_are_written_again_those_of_the_queue_too(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "PAGE", 2)
    records = await several(any_database, OLD, people=5)
    await come(any_database, NEW, number=6)
    await come(any_database, LOST, number=7)
    await Identities(any_database).forget(records.pop().hub_user)
    assert count(any_database) == 13
    steps: list[int] = []
    tally = await rotate(any_database, Sealing(keeper(NEW, OLD)), told=steps.append)
    expected = {("credential", "other"): 4, ("state", "other"): 4, ("revocation", "other"): 1}
    expected |= {(kind, key): 1 for kind in ("credential", "state") for key in ("first", "unreadable")}
    assert dict(tally.found) == expected
    assert (tally.rewritten, tally.overtaken) == (9, 0)
    assert (sum(steps), len(steps)) == (13, 4)
    again = await rotate(any_database, Sealing(keeper(NEW)))
    assert (again.under("first"), again.under("unreadable"), again.rewritten) == (11, 2, 0)
    assert (await opens(any_database, NEW).credential(records[0])).content == CREDENTIAL
    with any_database.read() as connection:
        [row] = connection.execute(select(revocations)).all()
    assert await opens(any_database, NEW).queued(row) == CREDENTIAL


async def test_a_look_writes_nothing_and_may_end_early(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "PAGE", 2)
    await several(any_database, OLD, people=4)
    before = rows(any_database)
    sealing = Sealing(keeper(NEW, OLD))
    assert await rotate(any_database, sealing, write=False, limit=3) == Tally(
        found={("credential", "other"): 2, ("state", "other"): 2}  # type: ignore[arg-type]  # compares as a Counter
    )
    assert rows(any_database) == before


@pytest.mark.row("F14")
async def test_one_that_was_cut_off_goes_on_where_it_was(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "PAGE", 1)
    await several(any_database, OLD, people=3)
    steps = itertools.count(1)

    def die(done: int) -> None:
        if next(steps) == 2:
            raise KeyboardInterrupt

    sealing = Sealing(keeper(NEW, OLD))
    with pytest.raises(KeyboardInterrupt):
        await rotate(any_database, sealing, told=die)
    tally = await rotate(any_database, sealing)
    assert (tally.under("first"), tally.under("other"), tally.rewritten) == (4, 2, 2)


@pytest.mark.row("F14", "F10", "F20")
async def test_what_hub_and_services_change_meanwhile_stays_as_they_wrote_it(any_database: Database) -> None:
    changed, deleted, other = await several(any_database, OLD, people=3)
    service = opens(any_database, OLD)
    held = (await service.credential(changed)).held
    assert held is not None
    renewed = await service.sealed(changed, "", replace(CREDENTIAL, access_token=Secret("renewed")))

    class Meanwhile(Sealing):
        """Before the first row is sealed again, one is renewed and one deleted."""

        done = False

        async def seal(self, owner: Owner, content: Mapping[str, Any]) -> bytes:
            if not self.done:
                self.done = True
                assert await service.replace(changed, renewed, held)
                await Identities(any_database).forget(hub_key(HubUser(id=2, name="u2", created=2.0)))
            return await super().seal(owner, content)

    tally = await rotate(any_database, Meanwhile(keeper(NEW, OLD)))
    assert (tally.under("other"), tally.rewritten, tally.overtaken) == (7, 4, 3)
    opened = await service.credential(changed)
    assert opened.content is not None
    assert opened.content.access_token == Secret("renewed")
    assert (await service.credential(deleted)).reason == "missing"
    assert (await opens(any_database, NEW).credential(other)).content == CREDENTIAL


async def test_a_row_that_is_only_leased_is_written_again_and_stays_leased(any_database: Database) -> None:
    record = await come(any_database, OLD)
    service = opens(any_database, OLD)
    held = (await service.credential(record)).held
    assert held is not None
    assert await service.lease(record, held, 60)
    await rotate(any_database, Sealing(keeper(NEW, OLD)))
    assert not await service.lease(record, held, 60)
    renewed = replace(CREDENTIAL, access_token=Secret("renewed"))
    assert await service.replace(record, await service.sealed(record, "", renewed), held)


def test_an_empty_store_has_nothing_to_do(database: Database) -> None:
    assert asyncio.run(rotate(database, Sealing(keeper(NEW)))) == Tally()
