"""A provider that does not answer is left alone for a while, so that nobody waits for it in vain (row F02)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
"""Calls in a row that may fail before the provider is left alone."""

PAUSE: Final = 10.0
"""Seconds for which it is left alone."""


class Breaker:
    """Counts calls that were not answered; `pause` says how long not to try again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def pause(self) -> float:
        """Seconds to wait before the next call, 0 if it may be made now."""
        return max(0.0, self._until - self._clock())

    def answered(self) -> None:
        """The provider answered, whatever it said."""
        self._failures = 0
        self._until = 0.0

    def failed(self) -> None:
        """The provider did not answer. After a pause one more failure is enough for the next one."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._until = self._clock() + PAUSE
