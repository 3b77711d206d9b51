"""A provider that does not answer is left alone for a while."""

from __future__ import annotations

import pytest

from hubauth_core.oauth2.breaker import FAILURES, PAUSE, Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.row("F02")
def test_pauses_after_repeated_failures_and_tries_again():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert breaker.pause() == 0
    breaker.failed()
    assert breaker.pause() == PAUSE
    clock.now += PAUSE
    assert breaker.pause() == 0
    breaker.failed()
    assert breaker.pause() == PAUSE


@pytest.mark.row("F02")
def test_an_answer_ends_the_count():
    breaker = Breaker(Clock())
    for _ in range(FAILURES - 1):
        breaker.failed()
    breaker.answered()
    breaker.failed()
    assert breaker.pause() == 0
