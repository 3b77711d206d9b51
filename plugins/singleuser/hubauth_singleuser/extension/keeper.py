"""Keeps the files of HUBAUTH_TOKEN_FILES fresh for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from ..client import Client
from ..errors import CredentialError, Unavailable
from ..token_files import TokenFile, Wanted

AHEAD: Final = 120.0
"""Seconds before its expiry in which a token is replaced."""

LONGEST_REST: Final = 3600.0
"""Seconds after which the hub is asked again whatever a token's expiry."""

LOOK: Final = 60.0
"""Seconds between two looks whether a file is still there."""

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
"""Seconds until the next try after a failure; each pause is twice the last."""


class Keeper:
    """One task for each file. A file goes when its token has expired and no other is to be had, and at the end."""

    def __init__(
        self,
        files: Iterable[Wanted],
        client: Client,
        log: logging.Logger,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._kept = [_Kept(file, client, log, clock) for file in files]
        self._sleep = sleep
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._tasks = [asyncio.create_task(self._keep(each)) for each in self._kept]

    async def stop(self) -> None:
        """End, and delete the files."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.remove()

    def remove(self) -> None:
        """Delete the files, where there is no event loop any more."""
        for each in self._kept:
            each.file.remove()

    async def _keep(self, kept: _Kept) -> None:
        while True:
            await kept.look()
            await self._sleep(kept.rest())


class _Kept:
    """One file: when it is due, and what to do about it."""

    def __init__(self, wanted: Wanted, client: Client, log: logging.Logger, clock: Callable[[], float]) -> None:
        self.wanted = wanted
        self.file = TokenFile(wanted.path)
        self._client = client
        self._log = log
        self._clock = clock
        self._due = 0.0
        self._failures = 0
        self._expires_at: float | None = None

    def rest(self) -> float:
        """Seconds until the next look."""
        return max(1.0, min(LOOK, self._due - self._clock()))

    async def look(self) -> None:
        """Renew the file if it is due, or gone though it should be there."""
        if self._clock() < self._due and (self._failures or self.file.is_there):
            return
        try:
            await self._renew()
        except Exception as error:  # whatever it is, the next try may go well
            self._failed(error)

    async def _renew(self) -> None:
        wanted = self.wanted
        credential = await asyncio.to_thread(
            self._client.get_credential, wanted.provider, wanted.resource, min_ttl=AHEAD
        )
        self.file.write(credential.access_token.reveal())
        self._failures, self._expires_at = 0, credential.expires_at
        now = self._clock()
        self._due = now + LONGEST_REST
        if credential.expires_at is not None:
            left = credential.expires_at - now
            self._due = min(self._due, now + max(left - AHEAD, left / 2))

    def _failed(self, error: Exception) -> None:
        now = self._clock()
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures) * random.uniform(0.8, 1.2)  # noqa: S311  # not a secret
        asked = error.retry_after if isinstance(error, Unavailable) else None
        self._due = now + max(pause, min(asked or 0.0, LONGEST_PAUSE))
        if self._failures == 0:
            self._log.warning("hubauth: %s is not kept fresh now: %s", self.wanted.path, error)
        self._failures = min(self._failures + 1, 10)
        definite = isinstance(error, CredentialError) and not isinstance(error, Unavailable)
        if definite or (self._expires_at is not None and self._expires_at <= now):
            self.file.remove()
