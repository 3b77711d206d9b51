"""What nobody needs any more goes: rows that have come to their end, and accounts that have no hub user.

An account is written down before hubauth has decided about the sign-in, so there are some of people who were never let
in; one whose hub user is gone, or has disconnected it, goes the same way (row V15).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, Delete, delete, select

from hubauth_core import Core
from hubauth_core.plugin import Database

from .schema import EXPIRING, accounts

EVERY: Final = 900.0
"""Seconds between two rounds."""

GRACE: Final = 3600.0
"""Seconds for which a new account waits for its hub user."""

BATCH: Final = 200
"""Accounts that are looked at, and deleted, in one piece."""


class Cleaning:
    """The rounds of one provider. Rows that have an end are everybody's."""

    def __init__(self, core: Core, database: Database, provider: str, clock: Callable[[], float] = time.time) -> None:
        self._core = core
        self._database = database
        self._provider = provider
        self._clock = clock

    async def run(self) -> None:
        """Again and again; at first, accounts whose hub user was deleted while nobody could be told."""
        await self.forget(self._core.orphans())
        while True:
            await self.round()
            await asyncio.sleep(EVERY)

    async def round(self) -> None:
        """One round. Raises StoreError."""
        await self._database.write(self._delete_ended)
        after = 0
        while rows := self._accounts(after):
            await self.forget([subject for _, subject in rows if self._core.hub_user(subject) is None])
            after = rows[-1][0]

    async def forget(self, subjects: Collection[str]) -> None:
        """Delete what is kept of people. Raises StoreError."""
        left = list(subjects)
        while left:
            some, left = left[:BATCH], left[BATCH:]
            theirs = (accounts.c.provider == self._provider) & accounts.c.subject.in_(some)
            await self._database.write(partial(_execute, delete(accounts).where(theirs)))

    def _accounts(self, after: int) -> Sequence[tuple[int, str]]:
        """The next accounts that are old enough to have a hub user."""
        old = accounts.c.created_at < self._clock() - GRACE
        query = select(accounts.c.id, accounts.c.subject).where(accounts.c.provider == self._provider, old)
        with self._database.read() as connection:
            found = connection.execute(query.where(accounts.c.id > after).order_by(accounts.c.id).limit(BATCH)).all()
        return [(row.id, row.subject) for row in found]

    def _delete_ended(self, connection: Connection) -> None:
        for table in EXPIRING:
            connection.execute(delete(table).where(table.c.expires_at < self._clock()))


def _execute(statement: Delete, connection: Connection) -> None:
    connection.execute(statement)
