"""What leaves the vault is queued for its provider in the same transaction, and worked on by one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select

from harness.people import identity
from hubauth_core import HubUser, StoreError, revocation_queue
from hubauth_core.binding import SealedRow, contents
from hubauth_core.database import Database
from hubauth_core.identities import Identities, new_id
from hubauth_core.lease import end
from hubauth_core.mapping import Record, hub_key
from hubauth_core.schema import revocations, vault
from hubauth_core.sweep import KEEP_ORPHANS

ALICE = HubUser(id=1, name="alice", created=1.25)
NOW = 1e9


@pytest.fixture
def store(any_database: Database) -> Identities:
    return Identities(any_database, clock=lambda: NOW)


def sealed(record_id: str, blob: bytes = b"sealed", resource: str = "", purpose: str = "credential") -> SealedRow:
    return SealedRow(identity_id=record_id, purpose=purpose, resource=resource, blob=blob)


async def come(store: Identities, *, linked: str = "", resources: Sequence[str] = ("",)) -> Record:
    """ALICE signs in by `uni`, or links an identity."""
    record_id = new_id()
    rows = [sealed(record_id, resource=resource) for resource in resources]
    person, state = identity(linked or "uni", "ä7", "ann"), sealed(record_id, purpose="state")
    write = store.link if linked else store.bind
    return await write(person, ALICE, record_id=record_id, pin="ann", sealed=[*rows, state])


def queued(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(revocations).order_by(revocations.c.provider, revocations.c.resource)))


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(vault)).scalar_one()


@pytest.mark.row("R17")
async def test_credentials_of_a_deleted_hub_user_are_queued_as_they_were_sealed(
    store: Identities, any_database: Database
) -> None:
    home, linked = await come(store, resources=["", "kafka#1"]), await come(store, linked="github")
    await store.forget(hub_key(ALICE))
    assert stored(any_database) == 0
    rows = queued(any_database)
    assert [(row.identity_id, row.provider, row.subject, row.resource) for row in rows] == [
        (linked.id, "github", "ä7", ""),
        (home.id, "uni", "ä7", ""),
        (home.id, "uni", "ä7", "kafka#1"),
    ]
    assert {(row.blob, row.failures, row.retry_at, row.created_at) for row in rows} == {(b"sealed", 0, 0.0, NOW)}
    assert len({row.id for row in rows}) == 3


@pytest.mark.row("R17")
async def test_only_the_unlinked_identitys_credential_is_queued(store: Identities, any_database: Database) -> None:
    await come(store)
    linked = await come(store, linked="github")
    await store.unlink(hub_key(ALICE), "github", lambda record: True)
    assert [row.identity_id for row in queued(any_database)] == [linked.id]
    assert stored(any_database) == 2


@pytest.mark.row("R17")
async def test_credentials_of_old_orphans_are_queued_and_those_that_a_new_sign_in_replaces_are_not(
    any_database: Database,
) -> None:
    now = [NOW]
    store = Identities(any_database, clock=lambda: now[0])
    record = await come(store)
    other = HubUser(id=2, name="alice2", created=2.5)
    await store.bind(record.identity, other, record_id=record.id, pin="ann", sealed=[sealed(record.id, b"new")])
    assert queued(any_database) == []
    for _ in range(2):
        store.sweep([])
        now[0] += KEEP_ORPHANS + 1
    store.sweep([])
    assert store.count() == 0
    assert [row.blob for row in queued(any_database)] == [b"new"]


@pytest.mark.row("R17")
async def test_what_is_not_deleted_is_not_queued(store: Identities, any_database: Database) -> None:
    await come(store)

    def fail(connection: Connection) -> None:
        revocation_queue.move(connection, [record.id for record in store.of_hub_user(hub_key(ALICE))], NOW)
        raise StoreError("Full.")

    with pytest.raises(StoreError):
        await any_database.write(fail)
    assert (stored(any_database), queued(any_database)) == (2, [])


@pytest.mark.row("R17", "F20")
@pytest.mark.parametrize("statement", ["INSERT INTO hubauth_revocations", "DELETE FROM hubauth_vault"])
async def test_a_renewal_at_the_same_moment_is_either_queued_or_comes_too_late(
    store: Identities, any_database: Database, statement: str
) -> None:
    record = await come(store)
    renewal = pause_before(statement, any_database, lambda: renew(any_database, record))
    await store.forget(hub_key(ALICE))
    assert stored(any_database) == 0
    assert [row.blob for row in queued(any_database)] == [b"renewed" if await renewal[0] else b"sealed"]


def renew(database: Database, record: Record) -> asyncio.Future[bool]:
    with database.read() as connection:
        mine = (vault.c.identity_id == record.id, vault.c.purpose == "credential")
        generation = connection.execute(select(vault.c.generation).where(*mine)).scalar_one()
    new = contents(sealed(record.id, b"renewed"), NOW)
    write = database.write(lambda connection: end(connection, (record.id, "credential", ""), generation, new))
    return asyncio.ensure_future(write)


def pause_before(
    paused: str, database: Database, meanwhile: Callable[[], asyncio.Future[bool]]
) -> list[asyncio.Future[bool]]:
    """Have `meanwhile` begun, and given its time, just before the deletion comes to that statement."""
    loop = asyncio.get_running_loop()
    begun: list[asyncio.Future[bool]] = []

    async def begin() -> None:
        begun.append(meanwhile())
        await asyncio.wait(begun, timeout=0.5)  # a database that lets one write at a time holds it up

    def before(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(paused) and not begun:
            asyncio.run_coroutine_threadsafe(begin(), loop).result()

    event.listen(database._writes, "before_cursor_execute", before)
    return begun


async def test_one_process_at_a_time_has_a_row(any_database: Database) -> None:
    await any_database.write(lambda connection: add(connection, b"1"))
    [row] = due(any_database, NOW)

    def take(now: float) -> bool:
        return any_database.write_now(lambda connection: revocation_queue.take(connection, row.id, now, now + 90))

    assert take(NOW)
    assert not take(NOW)
    assert not due(any_database, NOW + 89)
    assert take(NOW + 90)


async def test_the_queue_is_worked_from_its_head_and_what_is_put_off_waits(any_database: Database) -> None:
    for blob in (b"1", b"2", b"3"):
        await any_database.write(lambda connection, blob=blob: add(connection, blob))  # type: ignore[misc]  # a lambda
    first, second, third = due(any_database, NOW)
    assert len(due(any_database, NOW, limit=2)) == 2
    for row, turn in ((first, NOW + 20), (second, NOW + 10)):
        any_database.write_now(lambda connection, row=row, turn=turn: put_off(connection, row.id, turn))  # type: ignore[misc]  # a lambda
    any_database.write_now(lambda connection: revocation_queue.drop(connection, third.id))
    assert due(any_database, NOW + 9) == []
    later = due(any_database, NOW + 30)
    assert [(row.id, row.failures) for row in later] == [(second.id, 1), (first.id, 1)]
    for row in later:
        any_database.write_now(lambda connection, row=row: revocation_queue.drop(connection, row.id))  # type: ignore[misc]  # a lambda
    assert due(any_database, NOW + 30) == []


put_off = revocation_queue.put_off


def add(connection: Connection, blob: bytes) -> None:
    whose = {"identity_id": new_id(), "provider": "uni", "subject": "7", "resource": ""}
    revocation_queue.add(connection, **whose, blob=blob, now=NOW)


def due(database: Database, now: float, limit: int = 10) -> list[Any]:
    with database.read() as connection:
        return list(revocation_queue.due(connection, now, limit))
