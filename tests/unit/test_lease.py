"""One process renews a row at a time, and a late answer changes nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Row, insert, select, update

from hubauth_core import lease
from hubauth_core.binding import SealedRow, contents, store_sealed
from hubauth_core.database import Database
from hubauth_core.schema import identities, vault

KEY = ("1" * 32, "credential", "")


def put(database: Database, **more: Any) -> None:
    person = {"id": KEY[0], "provider": "uni", "subject": "1", "username": "ann", "hub_name": "ann", "facts": ""}
    times = {"hub_user_id": 1, "hub_user_created": 1.0, "created_at": 1.0, "last_used_at": 1.0, "checked_at": 1.0}

    def write(connection: Any) -> None:
        connection.execute(insert(identities).values(**person, **times))
        store_sealed(connection, [SealedRow(identity_id=KEY[0], purpose=KEY[1], resource=KEY[2], blob=b"old")], 1.0)
        if more:
            connection.execute(update(vault).values(**more))

    database.write_now(write)


def row(database: Database) -> Row[Any]:
    with database.read() as connection:
        return connection.execute(select(vault)).one()


def take(database: Database, generation: str, now: float = 10.0, until: float = 100.0) -> bool:
    return database.write_now(lambda connection: lease.take(connection, KEY, generation, now, until))


def end(database: Database, generation: str, /, **changed: Any) -> bool:
    return database.write_now(lambda connection: lease.end(connection, KEY, generation, changed))


@pytest.mark.row("F10")
def test_of_many_who_want_a_lease_at_once_one_gets_it(any_database: Database) -> None:
    put(any_database)
    generation, start = row(any_database).generation, threading.Barrier(8)

    def try_it(_: int) -> bool:
        start.wait()
        return take(any_database, generation)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_it, range(8))) == 1


@pytest.mark.row("F10")
def test_a_lease_is_given_back_or_runs_out(any_database: Database) -> None:
    put(any_database)
    generation = row(any_database).generation
    assert take(any_database, generation, now=10.0, until=100.0)
    assert not take(any_database, generation, now=100.0)
    assert take(any_database, generation, now=100.5, until=200.0), "nobody's: its process has died"
    assert end(any_database, generation)
    assert take(any_database, generation, now=101.0)


def test_what_only_a_new_sign_in_can_mend_is_leased_to_nobody(any_database: Database) -> None:
    put(any_database, trouble="invalid_grant")
    assert not take(any_database, row(any_database).generation)


@pytest.mark.row("F20")
def test_a_late_answer_changes_neither_what_a_sign_in_brought_nor_what_is_gone(any_database: Database) -> None:
    put(any_database)
    old = row(any_database).generation
    assert take(any_database, old)
    new = SealedRow(identity_id=KEY[0], purpose=KEY[1], resource=KEY[2], blob=b"by a sign-in")
    any_database.write_now(lambda connection: store_sealed(connection, [new], 2.0))
    assert not end(any_database, old, trouble="invalid_grant")
    assert not take(any_database, old)
    kept = row(any_database)
    assert (bytes(kept.blob), kept.trouble, kept.lease_until) == (b"by a sign-in", "", None)
    any_database.write_now(lambda connection: connection.execute(vault.delete()))
    assert not end(any_database, kept.generation, trouble="invalid_grant")
    assert not take(any_database, kept.generation)


def test_a_new_content_ends_the_failures_and_a_note_does_not(any_database: Database) -> None:
    put(any_database, failures=3, retry_at=500.0)
    generation = row(any_database).generation
    assert end(any_database, generation)
    assert (row(any_database).failures, row(any_database).retry_at) == (3, 500.0)
    renewed = SealedRow(identity_id=KEY[0], purpose=KEY[1], resource=KEY[2], blob=b"new", scopes=frozenset({"a", "b"}))
    assert end(any_database, generation, **contents(renewed, 7.0))
    now = row(any_database)
    assert (bytes(now.blob), now.failures, now.retry_at, now.scopes) == (b"new", 0, 0.0, "a b")
    assert now.generation != generation


@pytest.mark.parametrize("other", [("2" * 32, "credential", ""), (KEY[0], "state", ""), (KEY[0], "credential", "x")])
def test_a_lease_is_for_one_row_alone(database: Database, other: lease.Key) -> None:
    put(database)
    generation = row(database).generation
    assert not database.write_now(lambda connection: lease.take(connection, other, generation, 10.0, 100.0))
    assert row(database).lease_until is None
