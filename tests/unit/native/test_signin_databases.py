"""Sign-ins at once, at several processes, on every database: each is counted, none is lost to another."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from hubauth_core import LoginRefused, Request, Secret, SignIn
from hubauth_core.database import Database, ensure
from hubauth_core.transaction import begin
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account

PASSWORD = "zebra lantern 47 quartz"
PROCESSES = 4
ATTEMPTS = 6


def process(database: Database, **limits: str) -> NativeProvider:
    """A provider as one more process would start it."""
    core = MagicMock(base_url="/hub/", public_url="https://hub.test/hub/", end_access=AsyncMock())
    core.store.side_effect = lambda tables: (ensure(database, tables), database)[1]
    core.key.return_value = b"k" * 32
    core.same_person.return_value = []
    cheap = {"argon2_unsafe": True, "argon2_memory_cost": 8, "argon2_time_cost": 1}
    provider = NativeProvider("local", **cheap, limits={"sign_in": limits}, tell_after_failures=3)
    provider.start(core)
    return provider


@pytest.fixture
def databases(any_database: Database) -> Iterator[list[Database]]:
    others = [Database(any_database.url) for _ in range(PROCESSES - 1)]
    yield [any_database, *others]
    for each in others:
        each.close()


def make(native: NativeProvider) -> Account:
    values: dict[str, Any] = {"password_hash": Secret(native.house.hasher._hash(PASSWORD)), "password_set_at": 1.0}
    return native.house.database.write_now(partial(native.house.accounts.create, username="ann", **values))


def sign_ins(processes: list[NativeProvider], password: str) -> Counter[str]:
    """What so many attempts at once, from one address each, come to."""
    start = threading.Barrier(len(processes))

    async def attempt(native: NativeProvider, address: str) -> str:
        form = {"username": ["ann"], "password": [password]}
        request = Request(method="POST", form=form, address=address)
        try:
            came = await native.finish_login(request, begin("local", redirect_uri="", next_url=""))
        except LoginRefused as refusal:
            return refusal.code
        return "in" if isinstance(came, SignIn) else "asked"

    async def several(number: int) -> list[str]:
        addresses = [f"192.0.{number}.{each}" for each in range(ATTEMPTS)]
        return await asyncio.gather(*(attempt(processes[number], address) for address in addresses))

    def run(number: int) -> list[str]:
        start.wait()
        return asyncio.run(several(number))

    with ThreadPoolExecutor(len(processes)) as threads:
        return Counter(end for ends in threads.map(run, range(len(processes))) for end in ends)


@pytest.mark.row("S04", "P10", "V09")
def test_of_many_guesses_at_once_as_many_are_looked_at_as_may(databases: list[Database]) -> None:
    processes = [process(each, account="5/d") for each in databases]
    account = make(processes[0])
    ends = sign_ins(processes, "wrong")
    assert ends == {"bad_credentials": 5, "too_many_attempts": PROCESSES * ATTEMPTS - 5}
    found = processes[0].house.accounts.by_id(account.id)
    assert found is not None
    assert found.failures == 5


def test_of_many_right_passwords_at_once_all_get_in(databases: list[Database]) -> None:
    processes = [process(each, account="10000/s") for each in databases]
    account = make(processes[0])
    assert sign_ins(processes, PASSWORD) == {"in": PROCESSES * ATTEMPTS}
    found = processes[0].house.accounts.by_id(account.id)
    assert found is not None
    assert found.failures == 0
