"""Who is asked again, and when: sources are left in peace, and what they said counts for so long.

Of somebody at work the home identity's source is asked once in `membership_max_age`; people who came together are
asked one after the other. A source that is silent is left alone for a growing while, and never asked about more people
at once, or a second, than it can take: who has to wait goes on with what is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from .facts import asked_in
from .mapping import Record
from .provider import Provider

SPREAD: Final = 0.25
"""The part of `membership_max_age` over which people who came together are spread."""

AT_ONCE: Final = 10
"""People about whom one source is asked at the same time."""

FIRST_PAUSE: Final = 5.0
"""Seconds for which a source that did not answer is left alone; then twice as long each time."""

LONGEST_PAUSE: Final = 300.0
"""Seconds after which such a source is asked again, unless it names a time itself."""

LONGEST_WISH: Final = 3600.0
"""Seconds for which a source is left alone at most, whatever it names."""


class Recheck:
    """Keeps the turns of every provider. `clock` gives Unix seconds, `ticks` monotonic ones."""

    def __init__(self, *, clock: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticks = ticks
        self._begun_at = clock()
        self._queues: dict[str, _Queue] = {}

    def is_due(self, provider: Provider, record: Record) -> bool:
        """Whether the source is to be asked about an identity now.

        Where rules look at what is not recorded, at once: they are new, and so is this process.
        """
        longest = provider.membership_max_age
        if provider.keeps_people:
            return True
        if longest is None:
            return False
        if record.checked_at < self._begun_at and not is_known(record, provider):
            return True
        age = self._clock() - record.checked_at
        return not 0 <= age < longest * (1 - SPREAD * _place(record))

    @contextmanager
    def turn(self, provider: Provider) -> Iterator[bool]:
        """Whether the source may be asked about one more person now; it counts as being asked until the end."""
        queue = self._queues.setdefault(provider.name, _Queue())
        admitted = provider.keeps_people or queue.admits(self._ticks(), provider.membership_rate)
        queue.under_way += admitted
        try:
            yield admitted
        finally:
            queue.under_way -= admitted

    def answered(self, provider: Provider) -> None:
        """The source has answered, whatever it said."""
        queue = self._queues.setdefault(provider.name, _Queue())
        queue.failures, queue.resumes_at = 0, 0.0

    def silent(self, provider: Provider, retry_after: float | None) -> None:
        """The source did not answer, or asks to be left alone for so many seconds."""
        queue = self._queues.setdefault(provider.name, _Queue())
        now = self._ticks()
        pause = min(FIRST_PAUSE * 2.0 ** min(queue.failures, 20), LONGEST_PAUSE)
        if now < queue.resumes_at:  # who was under way as well has met the same outage
            pause = 0.0
        else:
            queue.failures += 1
        queue.resumes_at = max(queue.resumes_at, now + min(max(pause, retry_after or 0.0), LONGEST_WISH))


def is_known(record: Record, provider: Provider) -> bool:
    """Whether what the provider's rules look at is recorded of an identity."""
    identity = record.identity
    by_groups = provider.allowed_groups or provider.required_groups or provider.admin_groups or provider.role_map
    if by_groups and identity.groups is None and identity.roles is None:
        return False
    told = all(path in identity.claims for path in provider.rule_claims)
    return told and asked_in(record.facts) >= set(provider.asked_about)


class _Queue:
    """One provider's turns."""

    def __init__(self) -> None:
        self.under_way = 0
        self.failures = 0
        self.resumes_at = 0.0
        self._used_until = 0.0

    def admits(self, now: float, rate: float) -> bool:
        """Whether there is a turn now, which is used up then; at most `rate` a second, and one second's at once."""
        if now < self.resumes_at or self.under_way >= AT_ONCE:
            return False
        if not rate:
            return True
        used_until = max(self._used_until, now) + 1 / rate
        if used_until - now > max(1.0, 1 / rate) * 1.001:  # floating point
            return False
        self._used_until = used_until
        return True


def _place(record: Record) -> float:
    """Where in the spread an identity stands, from 0 to 1; the same after a restart."""
    return int(record.id[:8], 16) / 0xFFFFFFFF
