"""What waits in the process until its person comes back: bounded, for as long as a transaction lives, each once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from .transaction import LIFETIME

MOST: Final = 1000
"""What may wait at once; the oldest give way."""

Kept = TypeVar("Kept")


class Waiting(Generic[Kept]):
    """What is kept, by a key that only the right browser knows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Kept]] = {}

    def keep(self, key: str, kept: Kept) -> None:
        """Keep something until it is taken."""
        now = self._clock()
        alive = [(digest, each) for digest, each in self._kept.items() if each[0] > now]
        self._kept = dict(alive[-(MOST - 1) :]) | {_digest(key): (now + LIFETIME, kept)}

    def look(self, key: str) -> Kept | None:
        """What is kept under a key, which goes on waiting; None if nothing is."""
        until, kept = self._kept.get(_digest(key), (0.0, None))
        return kept if until > self._clock() else None

    def take(self, key: str) -> Kept | None:
        """What was kept under a key, once; None if nothing is."""
        kept = self.look(key)
        self._kept.pop(_digest(key), None)
        return kept


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
