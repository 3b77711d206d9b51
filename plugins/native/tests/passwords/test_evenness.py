"""No account is told by the time that its hash takes."""

from __future__ import annotations

import asyncio
import itertools

import bcrypt
import pytest

from hubauth_core import Secret
from hubauth_native import NativeProvider
from hubauth_native.passwords.evenness import Evenness, kind_of
from hubauth_native.passwords.stored import Stored

CHEAP = {"argon2_unsafe": True, "argon2_memory_cost": 8, "argon2_time_cost": 1}
PASSWORD = "a snail rode past me"
OLD = "$2b$12$"
USUAL = "nfc$argon2id$v=19$m=19456,t=2,p=1"
CHEAPER = "nfc$argon2id$v=19$m=7168,t=5,p=1"


def test_everybody_waits_for_the_slowest() -> None:
    even = Evenness(USUAL)
    even.learn({USUAL: 0.03, OLD: 0.4})
    assert even.rest(0.03) + 0.03 == pytest.approx(even.rest(0.4) + 0.4)
    assert even.rest(0.4) > 0


@pytest.mark.row("6.3.8", "S03")
def test_an_older_hash_that_takes_less_is_waited_for_too() -> None:
    even = Evenness(USUAL)
    even.learn({USUAL: 0.1, CHEAPER: 0.02})
    assert even.rest(0.02) + 0.02 == pytest.approx(even.rest(0.1) + 0.1)


def test_nobody_waits_where_all_hashes_are_alike() -> None:
    even = Evenness(USUAL)
    even.learn({USUAL: 0.03})
    even.met(USUAL, 0.03)
    assert even.rest(0.001) == 0


def test_nobody_waits_once_the_last_of_them_is_gone() -> None:
    even = Evenness(USUAL)
    even.met(OLD, 0.4)
    assert even.rest(0.03) > 0
    even.learn({USUAL: 0.03})
    assert even.rest(0.03) == 0


def test_nobody_waits_for_long() -> None:
    even = Evenness(USUAL)
    even.met(OLD, 60)
    assert even.rest(0) <= 1


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ("$2b$12$" + "x" * 53, OLD),
        (USUAL + "$c2FsdA$aGFzaA", USUAL),
        ("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=8,t=1,p=1"),
    ],
)
def test_a_kind_is_what_stands_before_the_salt(stored: str, kind: str) -> None:
    assert kind_of(stored) == kind


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hash takes the same time by the clock, on a machine that is busy too."""
    ticks = itertools.count()
    monkeypatch.setattr("hubauth_native.passwords.hashing.time.perf_counter", lambda: next(ticks) * 0.01)


@pytest.mark.row("6.3.8", "S03")
@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("asked", ["old", "new", "nobody"])
async def test_an_imported_account_is_not_told_by_its_time(start, asked: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    native: NativeProvider = start(**CHEAP)
    house = native.house
    old = Secret(bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    new = await house.hasher.hash(PASSWORD)

    def make(connection) -> None:  # type: ignore[no-untyped-def]
        house.accounts.create(connection, "old", password_hash=old)
        house.accounts.create(connection, "new", password_hash=new)

    house.database.write_now(make)
    await Stored(house.hasher, house.database, "local").look()
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await house.hasher.verify({"old": old, "new": new, "nobody": None}[asked], "wrong")
    assert waited or asked == "old"


@pytest.mark.row("6.3.8", "S03")
@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("learns", [False, True])
async def test_an_account_from_before_the_cost_rose_is_not_told_by_its_time(start, learns: bool, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    old = await start(**CHEAP).house.hasher.hash(PASSWORD)
    house = start(**CHEAP | {"argon2_memory_cost": 65536}).house
    if learns:
        await house.hasher.learn([old])
    await house.hasher.verify(old, "wrong")
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await house.hasher.verify(old, "wrong")
    assert waited


async def test_the_hub_looks_for_them_from_its_start(native: NativeProvider, core) -> None:  # type: ignore[no-untyped-def]
    assert any(getattr(work, "__func__", None) is Stored.run for work in core.work)
