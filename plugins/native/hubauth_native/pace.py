"""How fast attempts may follow each other: plain arithmetic on a counter that drains, without clock or database.

Some attempts may come at once. Each one after that has to wait for twice as long as the one before, from one second up
to the pace at which the counter drains. So a delay grows, has an end, and nobody is shut out for good (row S04).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

FIRST_DELAY: Final = 1.0
"""Seconds to wait after the last of the attempts that may come at once."""

MOST_DOUBLINGS: Final = 32

UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LIMIT = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,3})?([smhd])")


@dataclass(frozen=True)
class Limit:
    """`attempts` that may come at once, and that are forgotten within `seconds`."""

    attempts: int
    seconds: float

    @property
    def pace(self) -> float:
        """Seconds in which one attempt is forgotten: the longest delay."""
        return self.seconds / self.attempts


@dataclass(frozen=True)
class Counter:
    """`level`: attempts that were not yet forgotten at `at`, in Unix seconds. The next one may come at `open_at`."""

    level: float = 0.0
    at: float = 0.0
    open_at: float = 0.0


@functools.lru_cache(maxsize=256)
def parse(text: str) -> Limit:
    """A limit as it is written in the configuration: `30/m`, `5/10m`, `100/h`, `3/d`. Raises ValueError."""
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no limit; write it as '30/m' (30 a minute), '5/10m', '100/h' or '3/d'")
    return Limit(int(found[1]), int(found[2] or 1) * UNITS[found[3]])


def level(counter: Counter, limit: Limit, now: float) -> float:
    """What is left of the counter at `now`. A clock that was set back drains nothing."""
    return max(0.0, counter.level - max(0.0, now - counter.at) / limit.pace)


def wait(counter: Counter, limit: Limit, now: float) -> float:
    """Seconds until the next attempt may come, 0.0 for now; never more than the pace, whatever the clock did."""
    return min(max(0.0, counter.open_at - now), limit.pace)


def count(counter: Counter, limit: Limit, now: float) -> Counter:
    """The counter with one attempt more."""
    after = level(counter, limit, now) + 1
    beyond = after - limit.attempts
    if beyond < -0.5:  # half an attempt drains while people type
        return Counter(after, now, now)
    doublings = min(max(0.0, beyond), MOST_DOUBLINGS)
    return Counter(after, now, now + min(limit.pace, FIRST_DELAY * 2**doublings))
