"""What waits for its person waits once, for a while, and not without limit."""

from __future__ import annotations

from hubauth_core.transaction import LIFETIME
from hubauth_core.waiting import MOST, Waiting


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_waits_is_taken_once() -> None:
    waiting: Waiting[str] = Waiting()
    waiting.keep("key", "kept")
    assert waiting.take("another key") is None
    assert waiting.look("key") == "kept"
    assert waiting.take("key") == "kept"
    assert waiting.look("key") is None
    assert waiting.take("key") is None


def test_it_waits_no_longer_than_a_transaction_lives() -> None:
    clock = Clock()
    waiting: Waiting[str] = Waiting(clock)
    waiting.keep("key", "kept")
    clock.now = LIFETIME - 1
    assert waiting.look("key") == "kept"
    clock.now = LIFETIME
    assert waiting.look("key") is None
    assert waiting.take("key") is None


def test_the_oldest_give_way() -> None:
    waiting: Waiting[int] = Waiting()
    for number in range(MOST + 1):
        waiting.keep(str(number), number)
    assert waiting.take("0") is None
    assert waiting.take("1") == 1
    assert waiting.take(str(MOST)) == MOST
