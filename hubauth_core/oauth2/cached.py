"""A document of a provider's: fetched when first needed, kept, and used a while longer if it cannot be fetched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from ..errors import ProviderError

T = TypeVar("T")

FRESH: Final = 3600.0
"""Seconds for which a document is used without asking again."""

USABLE: Final = 86400.0
"""Seconds after which a document that could not be fetched again is not used any more (row F03)."""

COOL_DOWN: Final = 30.0
"""Seconds between two fetches that are made before their time, or after one that failed (rows X23, F09)."""


class Cached(Generic[T]):
    """One document. However many sign-ins want it, one request is under way at a time, and all share its outcome."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._value: T | None = None
        self._fetched_at = self._next_try = self._next_hurry = float("-inf")
        self._running: asyncio.Task[T] | None = None

    @property
    def last(self) -> T | None:
        """The document as it was got last, however old; None if it never was."""
        return self._value

    async def get(self) -> T:
        """The document. Raises ProviderError if there is none and it cannot be fetched."""
        now = self._clock()
        if self._value is not None and now < max(self._fetched_at + FRESH, self._next_try):
            return self._value
        try:
            return await self._shared()
        except ProviderError:
            if self._value is None or now >= self._fetched_at + USABLE:
                raise
            self._next_try = min(now + COOL_DOWN, self._fetched_at + USABLE)
            return self._value

    async def hurry(self) -> T:
        """The document as it is at the provider now, at most once per cool-down; otherwise as `get` has it."""
        now = self._clock()
        if now < self._next_hurry:
            return await self.get()
        self._next_hurry = now + COOL_DOWN
        try:
            return await self._shared()
        except ProviderError:
            return await self.get()

    async def _shared(self) -> T:
        if self._running is None:
            self._running = asyncio.ensure_future(self._renew())
            self._running.add_done_callback(self._done)
        return await asyncio.shield(self._running)

    async def _renew(self) -> T:
        value = await self._fetch()
        self._value, self._fetched_at = value, self._clock()
        return value

    def _done(self, task: asyncio.Task[T]) -> None:
        self._running = None
        if not task.cancelled():
            task.exception()  # seen by those who wait; nobody may be left
