"""How often one token may call: so many times a minute, and as many at once. Kept in this process.

The generic cell rate algorithm (ITU-T I.371, annex A): one number for each token, the time until which its calls have
used up what it may.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ..errors import CallRefused

WINDOW: Final = 60.0
"""Seconds in which `per_minute` calls are made."""

MOST_TOKENS: Final = 10_000
"""Tokens that are remembered; of more, those that called longest ago are forgotten."""


class RateLimit:
    """Lets each token call `per_minute` times a minute, 0 for as often as it likes. `clock`: monotonic seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = WINDOW / per_minute if per_minute else 0.0
        self._clock = clock
        self._used_until: OrderedDict[bytes, float] = OrderedDict()

    def admit(self, key: bytes) -> None:
        """Count a call of the token with that digest. Raises CallRefused `rate_limited`; then it does not count."""
        if not self._each:
            return
        now = self._clock()
        used_until = max(self._used_until.get(key, now), now) + self._each
        too_early = used_until - now - WINDOW
        if too_early > self._each / 2:  # floating point: of what is due now, some nanoseconds may be missing
            raise CallRefused("Too many calls with this token.", code="rate_limited", retry_after=too_early)
        self._used_until[key] = used_until
        self._used_until.move_to_end(key)
        self._forget(now)

    def give_back(self, key: bytes) -> None:
        """A call that was admitted does not count after all."""
        if key in self._used_until:
            self._used_until[key] -= self._each

    def _forget(self, now: float) -> None:
        """Two of those that called longest ago, if they may call in full again; and who is too many."""
        for _ in range(2):
            key, used_until = next(iter(self._used_until.items()))
            if used_until <= now or len(self._used_until) > MOST_TOKENS:
                del self._used_until[key]
