"""People at work find fresh credentials; nobody else makes any work, and no source sees a rush."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace

import pytest

from harness.authority import Authority, Clock
from harness.shelf import Shelf
from harness.stored import Stored
from hubauth_core import HubUser, StoreError, Unavailable
from hubauth_core.database import Database
from hubauth_core.renewal import AT_ONCE, LONGEST_ROUND, Renewal

AHEAD = 100.0


class Times:
    """A `sleep` that passes at once and remembers how long; or that ends the work."""

    def __init__(self, ends_after: int = 10**9) -> None:
        self.slept: list[float] = []
        self._ends_after = ends_after

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self._ends_after:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def stored(shelf: Shelf, any_database: Database) -> Stored:
    return Stored(shelf, any_database, Authority(Clock()), resources={"kafka": "audience"})


def renewal(stored: Stored, running: Iterable[HubUser], times: Times, ahead: float = AHEAD) -> Renewal:
    return Renewal(
        database=stored.database,
        retrieval=stored.retrieval,
        running=lambda: running,
        ahead=ahead,
        log=logging.getLogger("hubauth.test"),
        sleep=times,
        clock=stored.clock,
    )


async def test_who_is_at_work_gets_a_new_one_before_the_old_one_ends(stored: Stored, times: Times) -> None:
    await stored.sign_in(subject="1")
    await stored.sign_in(subject="2")
    work = renewal(stored, [stored.user("1")], times)
    stored.clock.forward(190)
    await work.round()
    assert stored.authority.calls == [], "it is good for longer"
    stored.clock.forward(20)
    await work.round()
    assert stored.authority.calls == ["refresh-1"], "who has no server makes no work"
    await work.round()
    assert len(stored.authority.calls) == 1, "once is enough"
    assert stored.events == [], "nobody was handed anything"


@pytest.mark.parametrize("what", ["not-renewable", "for-ever", "dead", "waited-for", "short-lived", "exchanged"])
async def test_what_cannot_or_need_not_be_renewed_makes_no_work(stored: Stored, times: Times, what: str) -> None:
    authority = stored.authority
    authority.life = None if what == "for-ever" else 90.0 if what == "short-lived" else 300.0
    record = await stored.sign_in(authority.sign_in(refresh=what != "not-renewable"))
    held = (await stored.vault.credential(record)).held
    assert held is not None
    if what == "dead":
        await stored.vault.set_aside(record, held, "invalid_grant")
    if what == "waited-for":
        await stored.vault.put_off(record, held, stored.clock() + 1000)
    if what == "exchanged":
        authority.says = [authority.sign_in(life=250)]
        await stored.token(record, "kafka")
        await stored.vault.set_aside(record, held, "invalid_grant")
    stored.clock.forward(30 if what == "short-lived" else 210)
    await renewal(stored, [stored.user()], times).round()
    assert times.slept == []
    assert authority.calls == []


@pytest.mark.row("V17")
async def test_nothing_is_renewed_for_whoever_is_kept_out_or_gone(
    shelf: Shelf, database: Database, times: Times
) -> None:
    authority = Authority(Clock())
    before = Stored(shelf, database, authority)
    await before.sign_in(subject="1")
    blocked = await before.sign_in(subject="2")
    await before.sign_in(subject="3")
    await before.identities.mark(blocked, refused=True)
    gone, users = before.user("3"), [before.user(subject) for subject in "12"]
    await before.delete("3")
    await before.sign_in(subject="3")
    stored = Stored(shelf, database, authority, blocked=["ann1"])
    stored.clock.forward(1000)
    await renewal(stored, [*users, gone], times).round()
    assert authority.calls == []


async def test_calls_are_spread_over_the_round(stored: Stored, times: Times) -> None:
    users = [stored.user(str(number)) for number in range(1, 13)]
    for user in users:
        await stored.sign_in(subject=str(user.id))
    stored.clock.forward(1000)
    await renewal(stored, users, times).round()
    assert len(stored.authority.calls) == len(users)
    assert times.slept == pytest.approx([number * 50 / 12 for number in range(12)])


async def test_few_are_renewed_at_once(stored: Stored, times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    users, gate, inside = [stored.user(str(number)) for number in range(1, 13)], asyncio.Event(), []
    for user in users:
        await stored.sign_in(subject=str(user.id))

    async def keep_fresh(*arguments: object) -> None:
        inside.append(arguments)
        await gate.wait()

    monkeypatch.setattr(stored.retrieval, "keep_fresh", keep_fresh)
    stored.clock.forward(1000)
    rounds = asyncio.ensure_future(renewal(stored, users, times).round())
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(inside) == AT_ONCE
    gate.set()
    await rounds
    assert len(inside) == len(users)


async def test_one_that_fails_holds_up_no_other(stored: Stored, times: Times) -> None:
    users = [stored.user(str(number)) for number in range(1, 4)]
    for user in users:
        await stored.sign_in(subject=str(user.id))
    stored.clock.forward(1000)
    stored.authority.says = [Unavailable(), RuntimeError("A bug.")]
    await renewal(stored, users, times).round()
    assert len(stored.authority.calls) == 3
    assert sorted(event.reason for event in stored.events) == ["plugin_failed", "provider_unreachable"]


async def test_a_database_that_is_away_ends_the_work_for_one_round_only(stored: Stored) -> None:
    await stored.sign_in()
    stored.clock.forward(1000)
    asked = []

    def running() -> list[HubUser]:
        asked.append(1)
        if len(asked) == 1:
            raise StoreError("Away.")
        return [stored.user()]

    work = renewal(stored, [], Times(ends_after=5))
    work._running = running
    with pytest.raises(asyncio.CancelledError):
        await work.run()
    assert stored.authority.calls == ["refresh-1"]


@pytest.mark.parametrize(("ahead", "every"), [(20.0, 10.0), (3600.0, LONGEST_ROUND)])
async def test_a_round_is_short_enough_to_miss_nothing(stored: Stored, ahead: float, every: float) -> None:
    times = Times(ends_after=3)
    with pytest.raises(asyncio.CancelledError):
        await renewal(stored, [], times, ahead).run()
    assert set(times.slept) == {every}


async def test_zero_seconds_ahead_is_no_work_at_all(stored: Stored, times: Times) -> None:
    await stored.sign_in()
    stored.clock.forward(1000)
    await renewal(stored, [replace(stored.user(), name="anna")], times, ahead=0.0).run()
    assert (times.slept, stored.authority.calls) == ([], [])
