"""Who is asked again, and when: spread out, in turns, and not while the source is silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from traitlets import List, Unicode

from harness.authority import Clock
from hubauth_core import Identity, Provider
from hubauth_core.facts import recorded
from hubauth_core.identities import new_id
from hubauth_core.mapping import Record
from hubauth_core.recheck import AT_ONCE, LONGEST_PAUSE, LONGEST_WISH, Recheck, is_known

NINE = 1_000_000.0


class Ruling(Provider):
    """Looks at a claim of its own."""

    @property
    def rule_claims(self) -> tuple[str, ...]:
        return ("organizations",)


class Asking(Ruling):
    """Has its source asked about each of its entries."""

    entries = List(Unicode())

    @property
    def asked_about(self) -> Sequence[str]:
        return self.entries


class Keeping(Provider):
    keeps_people = True


def provider(kind: type[Provider] = Provider, **options: Any) -> Provider:
    return kind("uni", **{"membership_max_age": 900.0, **options})


def record(checked_at: float = NINE, facts: str = recorded(Identity(subject="7", username="ann"), set(), ())) -> Record:
    return Record(
        id=new_id(),
        provider="uni",
        subject="7",
        username="ann",
        hub_user=(1, 1.0),
        hub_name="ann",
        home=True,
        created_at=checked_at,
        last_used_at=checked_at,
        checked_at=checked_at,
        facts=facts,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock(NINE)


@pytest.fixture
def recheck(clock: Clock) -> Recheck:
    return Recheck(clock=clock, ticks=clock)


def test_people_who_came_at_once_are_asked_one_after_the_other(recheck: Recheck, clock: Clock) -> None:
    people = [record() for _ in range(500)]
    uni, due = provider(), Counter[int]()
    for _ in range(900):
        clock.forward(1)
        now_due = [each for each in people if recheck.is_due(uni, each)]
        people = [each for each in people if each not in now_due]
        due[int(clock.now - NINE)] = len(now_due)
    assert not people, "everybody within membership_max_age"
    assert sum(due[second] for second in range(1, 675)) == 0
    assert max(due.values()) < 15


def test_a_person_s_place_is_the_same_after_a_restart(clock: Clock) -> None:
    uni, ann = provider(), record()
    clock.forward(800)
    before = Recheck(clock=clock, ticks=clock).is_due(uni, ann)
    assert all(Recheck(clock=clock, ticks=clock).is_due(uni, ann) is before for _ in range(5))


def test_zero_asks_each_time_and_none_never(recheck: Recheck, clock: Clock) -> None:
    ann = record()
    assert recheck.is_due(provider(membership_max_age=0), ann)
    clock.forward(10**9)
    assert not recheck.is_due(provider(membership_max_age=None), ann)
    assert recheck.is_due(provider(Keeping, membership_max_age=None), ann), "it costs nothing"


def test_a_clock_that_was_put_back_asks(recheck: Recheck, clock: Clock) -> None:
    clock.forward(-5000)
    assert recheck.is_due(provider(), record())


def test_rules_that_are_new_are_due_at_once_and_only_once(clock: Clock) -> None:
    ann = record()
    clock.forward(10)
    recheck = Recheck(clock=clock, ticks=clock)  # the hub has been started with other rules
    assert not recheck.is_due(provider(), ann)
    assert recheck.is_due(provider(Ruling), ann)
    assert recheck.is_due(provider(allowed_groups={"staff"}), ann)
    assert recheck.is_due(provider(required_claims={"hd": "uni.example"}), ann)
    silent_about_it = record(checked_at=clock.now)
    assert not recheck.is_due(provider(allowed_groups={"staff"}), silent_about_it)


def test_an_entry_that_the_source_was_not_asked_about_says_no_of_nobody(clock: Clock) -> None:
    ann = Identity(subject="7", username="ann", claims={"organizations": ["one"]})
    one, two = provider(Asking, entries=["one"]), provider(Asking, entries=["two"])
    known = record(facts=recorded(ann, set(), one.rule_claims, one.asked_about))
    clock.forward(10)
    recheck = Recheck(clock=clock, ticks=clock)  # the hub has been started with another organization in its rules
    assert is_known(known, one)
    assert not recheck.is_due(one, known)
    assert not is_known(known, two)
    assert recheck.is_due(two, known)


def test_a_source_is_asked_about_few_at_once(recheck: Recheck) -> None:
    uni = provider(membership_rate=0)
    with ExitStack() as under_way:
        assert all(under_way.enter_context(recheck.turn(uni)) for _ in range(AT_ONCE))
        with recheck.turn(uni) as one_more:
            assert not one_more
    with recheck.turn(uni) as later:
        assert later


@pytest.mark.parametrize(("rate", "in_ten_seconds"), [(3, 33), (0.5, 6)])
def test_a_source_is_asked_about_few_a_second(recheck: Recheck, clock: Clock, rate: float, in_ten_seconds: int) -> None:
    uni, admitted = provider(membership_rate=rate), 0
    for _ in range(100):
        for _ in range(5):
            with recheck.turn(uni) as turn:
                admitted += turn
        clock.forward(0.1)
    assert in_ten_seconds * 0.8 <= admitted <= in_ten_seconds


def test_providers_do_not_wait_for_each_other(recheck: Recheck) -> None:
    recheck.silent(provider(), None)
    with recheck.turn(provider()) as turn:
        assert not turn
    other = Provider("corp")
    with recheck.turn(other) as turn:
        assert turn
    with recheck.turn(provider(Keeping)) as turn:
        assert turn, "it is no source outside"


@pytest.mark.row("F02")
def test_a_silent_source_is_left_alone_for_a_growing_while(recheck: Recheck, clock: Clock) -> None:
    uni, pauses = provider(membership_rate=0), []
    for _ in range(10):
        recheck.silent(uni, None)
        recheck.silent(uni, None)  # two were under way: one outage
        since = clock.now
        while True:
            with recheck.turn(uni) as turn:
                if turn:
                    break
            clock.forward(2.5)
        pauses.append(clock.now - since)
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == LONGEST_PAUSE
    recheck.silent(uni, None)
    recheck.answered(uni)
    recheck.silent(uni, None)
    clock.forward(5)
    with recheck.turn(uni) as turn:
        assert turn, "it begins anew"


@pytest.mark.parametrize(("wish", "pause"), [(120, 120), (10**9, LONGEST_WISH)])
def test_a_source_says_when_to_come_back(recheck: Recheck, clock: Clock, wish: float, pause: float) -> None:
    uni = provider()
    recheck.silent(uni, wish)
    clock.forward(pause - 1)
    with recheck.turn(uni) as turn:
        assert not turn
    clock.forward(1)
    with recheck.turn(uni) as turn:
        assert turn
