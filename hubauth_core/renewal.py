"""Credentials of people who are at work are renewed shortly before they expire, so that nobody waits for it.

That is, of hub users with a running server; nothing is done for others. What was exchanged is got when it is asked for.
Calls are spread over the time between two rounds, and few are made at once, so that no source sees them come in a rush.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import select

from .calls import where
from .database import Database
from .errors import HubAuthError
from .mapping import HubKey, hub_key
from .refresh import is_derived
from .retrieval import Retrieval
from .schema import identities, vault
from .sealing import CREDENTIAL
from .types import HubUser
from .vault import held_by

AT_ONCE: Final = 4
"""Calls of providers at once."""

LONGEST_ROUND: Final = 60.0
"""Seconds between two looks at what expires soon, at most."""

USERS_AT_ONCE: Final = 500
"""Hub users in one question to the database."""


@dataclass(frozen=True)
class Due:
    """A credential that expires soon."""

    user: HubUser
    provider: str
    resource: str


class Renewal:
    """Renews `ahead` seconds before expiry. `running` answers with the hub users who have a running server.

    `sleep` and `clock` (Unix seconds) are the test's.
    """

    def __init__(
        self,
        *,
        database: Database,
        retrieval: Retrieval,
        running: Callable[[], Iterable[HubUser]],
        ahead: float,
        log: logging.Logger | logging.LoggerAdapter[Any],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._retrieval = retrieval
        self._running = running
        self._ahead = ahead
        self._log = log
        self._sleep = sleep
        self._clock = clock
        self._every = min(ahead / 2, LONGEST_ROUND)

    async def run(self) -> None:
        """Work until this is cancelled; not at all where `ahead` is 0."""
        while self._ahead > 0:
            try:
                await asyncio.gather(self._sleep(self._every), self.round())
            except Exception as error:  # such as a database that is away: it must not end the work for good
                self._log.error("hubauth: nothing is renewed ahead of time for now\n%s", where(error))
                await self._sleep(self._every)

    async def round(self) -> None:
        """Renew what expires soon, spread over the time of a round. Raises StoreError."""
        due, room = list(self._due()), asyncio.Semaphore(AT_ONCE)
        turns = (index * self._every / len(due) for index in range(len(due)))
        await asyncio.gather(*(self._renew(each, turn, room) for each, turn in zip(due, turns, strict=True)))

    async def _renew(self, due: Due, turn: float, room: asyncio.Semaphore) -> None:
        await self._sleep(turn)
        async with room:
            try:
                await self._retrieval.keep_fresh(due.user, due.provider, due.resource, self._ahead)
            except HubAuthError as error:  # the next round comes, and whoever asks for it is told
                self._log.debug("hubauth: a credential of %s was not renewed: %s", due.user.name, error.code)

    def _due(self) -> Iterator[Due]:
        users = {hub_key(user): user for user in self._running()}
        keys = iter(users)
        while some := list(islice(keys, USERS_AT_ONCE)):
            for key, provider, resource in self._expiring(some):
                if key in users:
                    yield Due(users[key], provider, resource)

    def _expiring(self, users: list[HubKey]) -> list[tuple[HubKey, str, str]]:
        """Of hub users with these ids: what can be renewed, and is not good for long enough."""
        now = self._clock()
        whose = (identities.c.hub_user_id, identities.c.hub_user_created, identities.c.provider)
        query = select(vault, *whose).join(identities, identities.c.id == vault.c.identity_id)
        query = query.where(
            identities.c.hub_user_id.in_([user_id for user_id, _ in users]),
            vault.c.purpose == CREDENTIAL,
            vault.c.renewable,
            vault.c.trouble == "",
            vault.c.retry_at <= now,
            vault.c.expires_at <= now + self._ahead,
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            ((row.hub_user_id, row.hub_user_created), row.provider, row.resource)
            for row in rows
            if not is_derived(row.resource) and not held_by(row).lasts(now, self._ahead)
        ]
