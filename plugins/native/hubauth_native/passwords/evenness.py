"""Hashes of several costs take different times, which would tell whose account came from elsewhere (rows S03, 6.3.8).

As long as there are any but the usual ones, every answer takes as long as the slowest of them. That is a wait and not
work: nobody can use it to keep the processor busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

MARGIN: Final = 1.25
"""How much longer than the slowest was when it was measured."""

LONGEST: Final = 1.0
"""Seconds that nobody waits beyond (row S01)."""


class Evenness:
    """`usual`: the kind of hash that takes its own time. A kind is what a hash begins with, down to its salt."""

    def __init__(self, usual: str) -> None:
        self._usual = usual
        self._seconds: dict[str, float] = {}

    def learn(self, seconds: Mapping[str, float]) -> None:
        """The kinds that there are now, and how long each takes."""
        self._seconds = dict(seconds)

    def met(self, kind: str, took: float) -> None:
        """A hash of that kind took so many seconds."""
        self._seconds.setdefault(kind, took)

    def rest(self, took: float) -> float:
        """Seconds to wait after so many of work."""
        if not self._seconds.keys() - {self._usual}:
            return 0.0
        slowest = max(self._seconds.values())
        return max(0.0, min(slowest * MARGIN, LONGEST) - took)

    async def wait(self, took: float) -> None:
        """Wait for them."""
        if rest := self.rest(took):
            await asyncio.sleep(rest)


def kind_of(stored: str) -> str:
    """The kind of a hash."""
    return stored.rpartition("$")[0].rpartition("$")[0] if "argon2" in stored else stored[:7]
