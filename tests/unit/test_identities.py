"""Who is who, recorded: exact keys, one write, all or nothing."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from harness.authority import Clock
from harness.people import House, identity
from hubauth_core import HubUser, LoginRefused, ProviderError, StoreError
from hubauth_core.binding import FRESH, SealedRow
from hubauth_core.database import Database
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import hub_key
from hubauth_core.schema import identities as table

ALICE = HubUser(id=1, name="alice", created=1.25)
BOB = HubUser(id=2, name="bob", created=1.1 + 2.2)


async def bind(store: Identities, subject: str, user: HubUser, username: str = "ann", **options: object) -> str:
    record_id = str(options.pop("record_id", new_id()))
    record = await store.bind(identity("uni", subject, username), user, record_id=record_id, pin=username, **options)  # type: ignore[arg-type]  # passed on
    return record.id


def rows(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


async def test_a_bound_identity_is_found_and_is_the_home_identity(any_database: Database) -> None:
    store = Identities(any_database)
    assert store.count() == 0
    record_id = await bind(store, "7", BOB, "Bob")
    record = store.find("uni", "7")
    assert record is not None
    assert (record.id, record.username, record.hub_name, record.home) == (record_id, "Bob", "bob", True)
    assert record.hub_user == hub_key(BOB)
    assert store.of_hub_user(hub_key(BOB)) == [record]
    assert store.home_of(hub_key(BOB)) == record
    assert store.home_of((BOB.id, BOB.created + 1e-6)) is None
    assert store.ever_had(hub_key(BOB))
    assert not store.ever_had(hub_key(ALICE))
    assert store.owner_of_name("bob") == hub_key(BOB)
    assert store.count() == 1


ALIKE = [
    *("abc", "aBc", "abc ", "abc\t", " abc", "a\u200bbc", "1", "01", "１", "I", "i", "ı", "İ"),
    *("straße", "strasse", "caf\u00e9", "cafe\u0301", "cafe", "K", "\u212a"),
]
"""Subjects that some collation takes for one another."""


@pytest.mark.row("V20")
async def test_subjects_that_differ_in_any_byte_are_different_people(any_database: Database) -> None:
    store = Identities(any_database)
    people = {subject: HubUser(id=n, name=f"u{n}", created=n / 3) for n, subject in enumerate(ALIKE)}
    for subject, user in people.items():
        assert store.find("uni", subject) is None
        await bind(store, subject, user, f"name of {subject!r}")
    for subject, user in people.items():
        record = store.find("uni", subject)
        assert record is not None
        assert (record.subject, record.hub_user) == (subject, hub_key(user))
        assert store.names_of("uni", subject) == {f"name of {subject!r}"}
        assert store.pinned_subject("uni", f"name of {subject!r}") == subject


async def test_one_subject_at_two_providers_is_two_identities(identities: Identities) -> None:
    house = House(identities, {"uni": "", "github": None})
    await house.sign_in("uni", "7", "ann")
    assert identities.find("github", "7") is None


@pytest.mark.parametrize("subject", ["", "x" * 513, "a\0", "\udc80"])
async def test_a_subject_that_some_database_would_change_is_not_recorded(identities: Identities, subject: str) -> None:
    with pytest.raises(ProviderError):
        await bind(identities, subject, ALICE)
    with pytest.raises(ProviderError):
        await identities.pin("uni", "ann", subject)


async def test_the_longest_subject_and_an_odd_username_are_kept_on_every_database(any_database: Database) -> None:
    store, subject = Identities(any_database), "\U0001f600" * 512
    await bind(store, subject, ALICE, "a\0\ud800" + "x" * 400)
    record = store.find("uni", subject)
    assert record is not None
    assert record.subject == subject


@pytest.mark.row("V21", "F19")
async def test_a_hub_user_who_has_an_identity_gets_no_second_one(any_database: Database) -> None:
    store = Identities(any_database)
    await bind(store, "1", ALICE)
    with pytest.raises(StoreError) as error:
        await bind(store, "2", ALICE)
    assert error.value.code == "identity_conflict"
    assert store.find("uni", "2") is None
    assert [record.subject for record in store.of_hub_user(hub_key(ALICE))] == ["1"]


@pytest.mark.row("V21", "F19")
async def test_of_many_first_sign_ins_at_once_one_wins_and_the_others_get_an_error(any_database: Database) -> None:
    store = Identities(any_database)
    ends = await asyncio.gather(*(bind(store, str(n), ALICE, f"u{n}") for n in range(4)), return_exceptions=True)
    assert sum(isinstance(end, str) for end in ends) == 1
    assert sum(isinstance(end, StoreError) for end in ends) == 3
    assert store.count() == 1


@pytest.mark.row("V21", "F19")
async def test_the_same_person_bound_twice_at_once_has_one_record(any_database: Database) -> None:
    store = Identities(any_database)
    ends = await asyncio.gather(bind(store, "1", ALICE), bind(store, "1", BOB), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["StoreError", "str"]
    assert store.count() == 1


async def test_who_was_forgotten_leaves_a_hub_user_that_nobody_else_gets(identities: Identities) -> None:
    await bind(identities, "1", ALICE)
    await identities.forget(hub_key(ALICE))
    assert identities.count() == 0
    assert identities.ever_had(hub_key(ALICE))
    assert identities.pinned_subject("uni", "ann") == "1"
    with pytest.raises(StoreError):
        await bind(identities, "2", ALICE)


@pytest.mark.row("V15")
async def test_a_new_hub_user_of_the_same_person_starts_without_old_credentials(
    identities: Identities, store_file: Path
) -> None:
    record_id = new_id()
    sealed = SealedRow(identity_id=record_id, purpose="credential", resource="", blob=b"old")
    await bind(identities, "1", ALICE, record_id=record_id, sealed=[sealed])
    again = HubUser(id=1, name="alice", created=9.0)
    assert await bind(identities, "1", again, record_id=record_id) == record_id
    assert identities.of_hub_user(hub_key(ALICE)) == []
    assert not [line for line in rows(store_file) if "hubauth_vault" in line and "INSERT" in line]


@pytest.mark.row("F13")
async def test_a_bind_that_fails_late_leaves_nothing(identities: Identities, store_file: Path) -> None:
    before = rows(store_file)
    sealed = SealedRow(identity_id="nobody", purpose="credential", resource="", blob=b"x")
    with pytest.raises(StoreError):
        await bind(identities, "1", ALICE, sealed=[sealed])
    assert rows(store_file) == before


# Pins.


async def test_a_username_is_pinned_to_the_first_who_used_it(identities: Identities) -> None:
    await bind(identities, "1", ALICE, "ann")
    await bind(identities, "2", BOB, "ann")
    assert identities.pinned_subject("uni", "ann") == "1"
    await identities.pin("uni", "ann", "2")
    await identities.pin("uni", "mallory", "2")
    assert identities.pinned_subject("uni", "ann") == "1"
    assert identities.names_of("uni", "2") == {"mallory"}
    assert identities.pinned_subject("github", "ann") is None


async def test_a_decision_that_relied_on_a_pin_fails_if_somebody_else_holds_it(
    identities: Identities, store_file: Path
) -> None:
    await identities.pin("uni", "ann", "1")
    before = rows(store_file)
    with pytest.raises(LoginRefused) as refused:
        await bind(identities, "2", BOB, "ann", relies_on_pin=True)
    assert refused.value.code == "name_pinned"
    assert rows(store_file) == before


# What a sign-in costs.


@pytest.mark.parametrize("relies_on_pin", [False, True])
async def test_a_returning_sign_in_writes_once_at_most_and_not_again_soon(
    database: Database, relies_on_pin: bool
) -> None:
    now = [1000.0]
    store = Identities(database, clock=lambda: now[0])
    record_id = new_id()
    begun = itertools.count()
    event.listen(database._writes, "begin", lambda connection: next(begun))

    async def writes(username: str = "ann") -> int:
        before = next(begun)
        await bind(store, "1", ALICE, username, record_id=record_id, relies_on_pin=relies_on_pin)
        return next(begun) - before - 1

    assert await writes() == 1
    assert await writes() == 0
    assert await writes("anna") == 1
    assert await writes("anna") == 0
    now[0] += FRESH
    assert await writes("anna") == 1
    record = store.find("uni", "1")
    assert record is not None
    assert (record.username, record.created_at, record.last_used_at) == ("anna", 1000.0, now[0])


async def test_a_rename_in_the_hub_is_noted_at_the_next_sign_in(identities: Identities) -> None:
    record_id = await bind(identities, "1", ALICE)
    renamed = HubUser(id=1, name="alicia", created=ALICE.created)
    await bind(identities, "1", renamed, record_id=record_id)
    record = identities.find("uni", "1")
    assert record is not None
    assert record.hub_name == "alicia"
    assert identities.owner_of_name("alice") == identities.owner_of_name("alicia") == hub_key(ALICE)


def test_every_look_up_of_a_sign_in_uses_an_index_among_100_000_identities(database: Database) -> None:
    store, plans = Identities(database), []
    people = [
        {"id": f"{n:032x}", "provider": "uni", "subject": str(n), "username": "x", "hub_user_id": n,
         "hub_user_created": float(n), "hub_name": f"u{n}", "home_of": str(n), "created_at": 0.0, "last_used_at": 0.0,
         "checked_at": 0.0, "facts": ""}
        for n in range(100_000)
    ]  # fmt: skip
    database.write_now(lambda connection: connection.execute(insert(table), people))

    def explain(connection, cursor, statement, parameters, context, executemany) -> None:  # type: ignore[no-untyped-def]  # SQLAlchemy's event
        plans.extend((statement, row[3]) for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(database._reads, "before_cursor_execute", explain)
    assert store.find("uni", "4711") is not None
    assert len(store.of_hub_user((4711, 4711.0))) == 1
    store.owner_of_name("alice")
    store.ever_had((4711, 4711.0))
    store.pinned_subject("uni", "x")
    store.names_of("uni", "4711")
    searched = [plan for _, plan in plans if "hubauth_" in plan]
    assert len(searched) == 6
    assert all("SEARCH" in plan and "INDEX" in plan for plan in searched), plans


async def test_what_a_source_said_when_it_was_asked_again_is_noted_unless_somebody_signed_in_since(
    any_database: Database,
) -> None:
    clock = Clock()
    store = Identities(any_database, clock)
    record_id = await bind(store, "7", ALICE, facts='{"groups": ["staff"]}')
    before = store.find("uni", "7")
    assert before is not None
    assert before.checked_at == clock()
    clock.forward(900)
    await store.checked(before, "anna", '{"groups": []}', refused=True)
    after = store.find("uni", "7")
    assert after is not None
    assert (after.username, after.facts, after.checked_at, after.refused_at) == (
        *("anna", '{"groups": []}'),
        *(clock(), clock()),
    )
    await store.checked(before, "late", "")
    assert store.find("uni", "7") == after
    clock.forward(1)
    await bind(store, "7", ALICE, record_id=record_id, facts='{"groups": ["staff"]}')
    await store.checked(after, "late", "", refused=True)
    now = store.find("uni", "7")
    assert now is not None
    assert (now.username, now.identity.groups, now.refused_at) == ("ann", {"staff"}, None)
