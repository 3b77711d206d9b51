"""How fast attempts may follow each other."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubauth_native.pace import FIRST_DELAY, Counter, Limit, count, level, parse, wait

limits = st.builds(Limit, attempts=st.integers(1, 1000), seconds=st.floats(1.0, 1e6))
times = st.floats(0.0, 4e9)
counters = st.builds(Counter, level=st.floats(0.0, 1e6), at=times, open_at=times)


def pressed(limit: Limit, tries: int) -> list[float]:
    """When somebody gets through who comes again as soon as the door is open."""
    counter, now, through = Counter(), 1e6, []
    for _ in range(tries):
        now += wait(counter, limit, now)
        counter = count(counter, limit, now)
        through.append(now)
    return through


@pytest.mark.row("S04")
@given(limit=limits, counter=counters, now=times)
def test_nobody_waits_for_longer_than_the_pace_of_the_limit(limit: Limit, counter: Counter, now: float) -> None:
    assert 0 <= wait(counter, limit, now) <= limit.pace
    assert 0 <= wait(count(counter, limit, now), limit, now) <= limit.pace


@pytest.mark.row("S04")
@given(limit=limits)
def test_so_many_come_at_once_and_then_the_pace_holds(limit: Limit) -> None:
    through = pressed(limit, limit.attempts + 60)
    assert sum(at == through[0] for at in through) == limit.attempts
    # Delays double from one second on: so many attempts come before the pace is reached, and none after.
    extra = max(0.0, math.log2(limit.pace / FIRST_DELAY)) + 2 if limit.pace > FIRST_DELAY else 2
    took = through[-1] - through[0]
    assert len(through) <= limit.attempts + extra + 1 + (took + 1e-3) / limit.pace


@pytest.mark.row("S04")
def test_delays_grow_and_then_stay_as_they_are() -> None:
    through = pressed(parse("5/5m"), 14)
    delays = [round(after - before) for before, after in itertools.pairwise(through)]
    assert delays[:5] == [0, 0, 0, 0, 1]
    assert delays[5:] == sorted(delays[5:])
    assert 50 < delays[-1] <= 60


@given(limit=limits, counter=counters, now=times, later=st.floats(0.0, 1e9))
def test_a_counter_drains_and_never_falls_below_nothing(
    limit: Limit, counter: Counter, now: float, later: float
) -> None:
    assert 0 <= level(counter, limit, now + later) <= level(counter, limit, now) <= counter.level


def test_after_its_seconds_a_counter_is_empty() -> None:
    limit = parse("5/5m")
    full = Counter()
    for _ in range(5):
        full = count(full, limit, 1000.0)
    assert level(full, limit, 1300.0) == 0


@pytest.mark.parametrize(
    ("text", "limit"),
    [("30/m", Limit(30, 60)), ("5/10m", Limit(5, 600)), ("1/s", Limit(1, 1)), ("3/2d", Limit(3, 172800))],
)
def test_a_limit_is_read(text: str, limit: Limit) -> None:
    assert parse(text) == limit


@pytest.mark.parametrize("text", ["", "5", "5/", "0/m", "5/0m", "-1/m", "5/m ", "5/w", "1e3/m", "٣/m"])
def test_what_is_no_limit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="'30/m'"):
        parse(text)
