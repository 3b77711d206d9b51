"""Attempts are counted exactly, on every database, whoever comes at the same time."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import func, select

from hubauth_core.database import Database, ensure
from hubauth_native.options.throttle import ThrottleOptions
from hubauth_native.schema import SCHEMA, throttle
from hubauth_native.throttle import Throttle, TooMany, network

NOW = 1e9
HERE = "192.0.2.77"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tables(any_database: Database) -> Database:
    ensure(any_database, SCHEMA)
    return any_database


def opened(database: Database, clock: Clock, **limits: dict[str, str]) -> Throttle:
    return Throttle(ThrottleOptions(limits=limits), database, b"k" * 32, clock)


async def through(throttle: Throttle, tries: int, kind: str = "sign_in", **who: str) -> int:
    """How many of so many attempts are let in."""
    admitted = 0
    for _ in range(tries):
        try:
            await throttle.write(partial(throttle.take, kind=kind, **who))
        except TooMany:
            continue
        admitted += 1
    return admitted


def rows(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(throttle)).scalar_one()


@pytest.mark.row("S04", "M08")
def test_of_many_at_once_exactly_as_many_get_in_as_may(tables: Database, clock: Clock) -> None:
    """Four processes, which know nothing of each other, at one account from many addresses."""
    processes = [Database(tables.url) for _ in range(4)]
    start = threading.Barrier(len(processes))

    async def attempts(one: Throttle) -> int:
        return sum([await through(one, 1, account="ann", address=f"192.0.2.{number}") for number in range(10)])

    def process(database: Database) -> int:
        start.wait()
        return asyncio.run(attempts(opened(database, clock, sign_in={"account": "7/h"})))

    try:
        with ThreadPoolExecutor(len(processes)) as threads:
            assert sum(threads.map(process, processes)) == 7
    finally:
        for each in processes:
            each.close()


@pytest.mark.row("S04", "6.3.1")
async def test_counters_outlive_the_process(tables: Database, clock: Clock) -> None:
    assert await through(opened(tables, clock), 9, account="ann", address=HERE) == 5
    restarted = Database(tables.url)
    try:
        assert await through(opened(restarted, clock), 9, account="ann", address=HERE) == 0
    finally:
        restarted.close()


@pytest.mark.row("S04", "6.3.1")
async def test_each_of_the_three_is_counted(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock, sign_in={"account": "3/h", "address": "5/h", "overall": "7/h"})
    assert await through(one, 9, account="ann", address=HERE) == 3
    assert await through(one, 9, account="zoe", address=HERE) == 2
    assert await through(one, 9, account="eve", address="198.51.100.1") == 2


@pytest.mark.row("S04")
async def test_who_is_told_to_wait_is_let_in_afterwards(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock)
    assert await through(one, 9, account="ann", address=HERE) == 5
    for _ in range(20):
        with pytest.raises(TooMany) as refusal:
            await one.admit("sign_in", account="ann", address=HERE)
        assert 1 <= refusal.value.retry_after <= 60
        clock.now += refusal.value.retry_after
        assert await through(one, 1, account="ann", address=HERE) == 1
    assert refusal.value.retry_after > 50


@pytest.mark.row("S04")
async def test_a_success_clears_the_account_and_never_the_address(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock, sign_in={"account": "3/h", "address": "5/h"})
    assert await through(one, 3, account="ann", address=HERE) == 3
    await one.succeeded("sign_in", account="ann")
    assert await through(one, 9, account="ann", address=HERE) == 2
    assert await through(one, 9, account="ann", address="198.51.100.1") == 1


@pytest.mark.row("S04")
async def test_the_owners_browser_and_address_pass_while_others_attack(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock)
    await one.write(partial(one.forget, kind="sign_in", account="ann", address=HERE))
    assert await through(one, 50, account="ann", address="198.51.100.1") == 5
    assert await through(one, 1, account="ann", address=HERE) == 1
    assert await through(one, 1, account="ann", address="203.0.113.9") == 0
    assert await through(one, 1, account="ann", address="203.0.113.9", device="d1") == 1
    assert await through(one, 50, account="ann", address="198.51.100.1", device="d1") == 4


@pytest.mark.row("S04")
async def test_an_address_that_attacks_does_not_shut_out_a_known_browser_behind_it(
    tables: Database, clock: Clock
) -> None:
    one = opened(tables, clock)
    assert sum([await through(one, 1, account=f"n{number}", address=HERE) for number in range(60)]) == 30
    assert await through(one, 1, account="ann", address=HERE) == 0
    assert await through(one, 1, account="ann", address=HERE, device="d1") == 1


@pytest.mark.row("S04")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("not an address\ud800", "not an address\ud800", True),
    ],
)
def test_what_counts_of_an_address(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


@pytest.mark.row("S04")
async def test_rows_are_few_and_tell_nothing(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock)
    for number in range(40):
        await through(one, 3, account=f"ann{number}", address=HERE)
    assert rows(tables) <= 32  # 30 got in at once, of one address, all together; who was refused has left nothing
    with tables.read() as connection:
        told = repr(connection.execute(select(throttle)).all())
    assert "ann" not in told
    assert HERE not in told
    clock.now += 2 * 3600
    await one.write(one.prune)
    assert rows(tables) == 0


@pytest.mark.row("S04")
async def test_what_still_counts_is_not_pruned(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock, reset={"account": "2/d"})
    await one.write(partial(one.forget, kind="sign_in", account="ann", address=HERE))
    assert await through(one, 9, kind="reset", account="ann") == 2
    clock.now += 3600 * 5
    await one.write(one.prune)
    assert await through(one, 9, kind="reset", account="ann") == 1, (
        "who has waited; of two that a new counter would let in"
    )
    assert await through(one, 9, account="ann", address="198.51.100.1") == 5
    assert await through(one, 1, account="ann", address=HERE) == 1


async def test_kinds_are_counted_apart_and_an_owner_is_told_once_a_day(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock)
    assert await through(one, 9, account="ann") == 5
    assert await through(one, 9, kind="second_factor", account="ann") == 5
    told = [await one.write(partial(one.tell, account="ann")) for _ in range(3)]
    clock.now += 86401
    assert [*told, await one.write(partial(one.tell, account="ann"))] == [True, False, False, True]


async def test_levels_are_those_of_the_account_or_the_address(tables: Database, clock: Clock) -> None:
    one = opened(tables, clock)
    await through(one, 4, account="ann", address=HERE)
    assert one.level("sign_in", account="ann") == 4
    assert one.level("sign_in", account="zoe", address=HERE) == 4
    assert one.level("sign_in", account="zoe", address="198.51.100.1") == 0
