"""Codes on every database: one of two at once passes, and none passes twice, whatever the order."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pyotp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.lent import LentForTest
from harness.spending_process import ANN
from hubauth_core import Secret
from hubauth_core.database import Database, ensure, open_database
from hubauth_native.factors import recovery, totp
from hubauth_native.factors.recovery import RecoveryCodes
from hubauth_native.factors.store import FactorRefused, Factors
from hubauth_native.factors.totp import Totp
from hubauth_native.schema import SCHEMA

NOW = 1_700_000_015.0
TESTS = Path(__file__).parents[2]


class Rooms:
    """The rooms about codes in front of a database."""

    def __init__(self, database: Database) -> None:
        ensure(database, SCHEMA)
        self.now = NOW
        self.database, core = database, LentForTest()
        self.factors = Factors(core, database, "local")  # type: ignore[arg-type]
        self.totp = Totp(core, database, self.factors, lambda: self.now)  # type: ignore[arg-type]
        self.recovery = RecoveryCodes(database, self.factors)

    async def app(self, owner: tuple[str, str] = ANN) -> Secret:
        secret = totp.new_secret()
        await self.database.write(await self.totp.sealed(owner, secret, "phone", -1))
        return secret

    async def codes(self, owner: tuple[str, str] = ANN) -> tuple[str, ...]:
        codes = recovery.new_codes()
        await self.database.write(lambda connection: self.recovery.replace(connection, [owner], codes))
        return codes


@pytest.fixture
def rooms(any_database: Database) -> Rooms:
    return Rooms(any_database)


@pytest.mark.row("6.5.1", "V09")
async def test_of_many_at_once_one_passes(rooms: Rooms) -> None:
    secret, codes = await rooms.app(), await rooms.codes()
    code = pyotp.TOTP(secret.reveal()).at(int(NOW))
    assert sum(await asyncio.gather(*(rooms.totp.check([ANN], code) for _ in range(8)))) == 1
    assert sum(await asyncio.gather(*(rooms.recovery.check([ANN], codes[0]) for _ in range(8)))) == 1


@pytest.mark.row("6.5.1", "V09")
def test_of_two_processes_at_once_one_passes(empty_database: str) -> None:
    database = open_database(empty_database)
    rooms = Rooms(database)
    secret, written = asyncio.run(rooms.app()), asyncio.run(rooms.codes())
    database.close()
    codes = [pyotp.TOTP(secret.reveal()).at(int(NOW)), *written[:4]]
    command = [sys.executable, "-m", "harness.spending_process", empty_database, str(NOW), *codes]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS.parent)))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    running = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    try:
        for _ in codes:
            assert [each.stdout.readline() for each in running] == ["ready\n"] * 2
            for each in running:
                each.stdin.write("go\n")
                each.stdin.flush()
            assert sorted(each.stdout.readline() for each in running) == ["False\n", "True\n"]
    finally:
        for each in running:
            each.communicate(timeout=60)


@pytest.mark.row("6.5.1", "6.5.8")
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), max_size=10), skew=st.integers(-15, 14))
def test_no_code_passes_twice_whatever_the_order_and_the_clocks(
    database: Database, sent: list[tuple[int, int]], skew: int
) -> None:
    """`sent`: how many steps a phone is off, and how many steps have passed since the code before."""

    async def run() -> None:
        rooms, owner = Rooms(database), ("local", uuid.uuid4().hex)
        phone, used = pyotp.TOTP((await rooms.app(owner)).reveal()), set()
        rooms.now = NOW + skew
        for off, passed in sent:
            rooms.now += passed * 30
            step = int(rooms.now // 30) + off
            passes = await rooms.totp.check([owner], phone.generate_otp(step))
            if passes:
                assert abs(off) <= totp.SKEW
                assert step not in used
            elif abs(off) <= totp.SKEW:
                assert any(step <= each for each in used), "nothing newer was used, so it should have passed"
            used |= {step} if passes else set()

    asyncio.run(run())


@pytest.mark.parametrize("counter", [0, 3], ids=["none", "counts"])
async def test_a_challenge_is_answered_once(rooms: Rooms, counter: int) -> None:
    factors, database = rooms.factors, rooms.database
    factor = await database.write(lambda connection: factors.add(connection, ANN, "passkey", digest="d"))

    async def spend(counter: int, made_at: float) -> bool:
        return await database.write(lambda connection: factors.spend_challenge(connection, factor, counter, made_at))

    assert sum(await asyncio.gather(*(spend(counter, NOW + 0.25) for _ in range(8)))) == 1
    assert not await spend(counter + bool(counter), NOW + 0.125)
    assert await spend(counter + bool(counter), NOW + 0.375)
    assert not await spend(max(0, counter - 1), NOW + 1) or counter == 0


async def test_a_secret_that_is_known_is_not_added_again(rooms: Rooms) -> None:
    """Else each of its codes would pass twice."""
    secret = await rooms.app()
    with pytest.raises(FactorRefused, match="already"):
        await rooms.database.write(await rooms.totp.sealed(ANN, secret, "again", -1))
    await rooms.database.write(await rooms.totp.sealed(("local", "ben"), secret, "his", -1))


async def test_subjects_are_compared_byte_by_byte(rooms: Rooms) -> None:
    await rooms.app(("github", "Ann"))
    assert rooms.factors.of([("github", "ann")]) == []
    assert rooms.factors.of([("github", "Ann ")]) == []
    assert len(rooms.factors.of([("github", "Ann")])) == 1
