"""How often a token may call."""

from __future__ import annotations

import pytest

from hubauth_core.errors import CallRefused
from hubauth_core.web import rate
from hubauth_core.web.rate import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(limit: RateLimit, key: bytes, calls: int) -> int:
    """How many of some calls at once were let through."""
    through = 0
    for _ in range(calls):
        try:
            limit.admit(key)
        except CallRefused:
            continue
        through += 1
    return through


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600])
def test_as_many_at_once_as_in_a_minute_and_not_one_more(clock: Clock, per_minute: int) -> None:
    limit = RateLimit(per_minute, clock)
    assert admitted(limit, b"ann", per_minute * 2) == per_minute
    clock.now += 60
    assert admitted(limit, b"ann", per_minute * 2) == per_minute


def test_the_refusal_says_when_the_next_call_is_welcome(clock: Clock) -> None:
    limit = RateLimit(60, clock)
    admitted(limit, b"ann", 60)
    with pytest.raises(CallRefused) as refused:
        limit.admit(b"ann")
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_after == pytest.approx(1)
    clock.now += 1
    assert admitted(limit, b"ann", 2) == 1


def test_a_call_that_is_given_back_does_not_count(clock: Clock) -> None:
    limit = RateLimit(60, clock)
    limit.give_back(b"ann")
    for _ in range(100):
        limit.admit(b"ann")
        limit.give_back(b"ann")
    assert admitted(limit, b"ann", 100) == 60


def test_calls_that_are_refused_do_not_count(clock: Clock) -> None:
    limit = RateLimit(60, clock)
    admitted(limit, b"ann", 1000)
    clock.now += 10
    assert admitted(limit, b"ann", 1000) == 10


def test_one_token_does_not_use_up_what_another_may(clock: Clock) -> None:
    limit = RateLimit(2, clock)
    assert admitted(limit, b"ann", 5) == 2
    assert admitted(limit, b"ben", 5) == 2


def test_no_limit_is_no_limit(clock: Clock) -> None:
    assert admitted(RateLimit(0, clock), b"ann", 5000) == 5000


def test_memory_is_bounded_and_tokens_that_rest_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MOST_TOKENS", 50)
    limit = RateLimit(600, clock)
    for number in range(500):
        limit.admit(str(number).encode())
    assert len(limit._used_until) <= 50
    clock.now += 3600
    for _ in range(60):
        limit.admit(b"ann")
    assert list(limit._used_until) == [b"ann"]
