"""Access that has to end, and hub users that have to go: written down with the reason's own transaction, done after it.

Whatever wants it - a reset, a deactivation, a command in another process - writes a row; the running hub acts on it, at
once where it was the hub itself, else within `EVERY` seconds, also after a crash in between.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Final, Literal

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hubauth_core import Core
from hubauth_core.plugin import Database

from .schema import endings

Kind = Literal["access", "user"]

EVERY: Final = 5.0
"""Seconds after which the hub looks for what other processes have written down."""

PATIENCE: Final = 5.0
"""Seconds for which whoever wanted it waits for servers to stop."""


def want(connection: Connection, provider: str, account_id: str, kind: Kind = "access") -> None:
    """Write down that a hub user's access has to end (`access`), or that the hub user has to go (`user`)."""
    row = {"account_id": account_id, "provider": provider, "kind": kind, "wanted_at": time.time()}
    try:
        with connection.begin_nested():
            connection.execute(insert(endings).values(**row))
    except IntegrityError:  # it is wanted already; that somebody has to go stays wanted
        same = (endings.c.account_id == account_id) & ((endings.c.kind != "user") | (kind == "user"))
        connection.execute(update(endings).where(same).values(kind=kind, wanted_at=row["wanted_at"]))


class Endings:
    """Acts on what is written down."""

    def __init__(self, core: Core, database: Database, provider: str) -> None:
        self._core = core
        self._database = database
        self._provider = provider
        self._under_way: dict[tuple[str, float], asyncio.Task[None]] = {}

    async def act(self) -> None:
        """End what has to end now; outside the hub nothing, which then does it. Raises StoreError.

        Sessions and tokens are gone when this comes back. Servers may still be stopping, if that takes longer than
        `PATIENCE`; what fails of it is logged, and done again.
        """
        if not self._core.in_hub:
            return
        with self._database.read() as connection:
            query = select(endings.c.account_id, endings.c.kind, endings.c.wanted_at)
            waiting = connection.execute(query.where(endings.c.provider == self._provider)).all()
        tasks = [self._begin(*each) for each in waiting]
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)

    async def run(self) -> None:
        """Act again and again."""
        while True:
            await self.act()
            await asyncio.sleep(EVERY)

    def _begin(self, account_id: str, kind: Kind, wanted_at: float) -> asyncio.Task[None]:
        """The work on one row; on one that is worked on already, that work. What is wanted once more is done anew."""
        key = (account_id, 0.0 if kind == "user" else wanted_at)
        if key not in self._under_way:
            task = asyncio.create_task(self._do(account_id, kind, wanted_at))
            task.add_done_callback(lambda _: self._under_way.pop(key))
            self._under_way[key] = task
        return self._under_way[key]

    async def _do(self, account_id: str, kind: Kind, wanted_at: float) -> None:
        try:
            if kind == "user":
                await self._core.delete_hub_user(account_id)
            else:
                await self._core.end_access(account_id)
            await self._database.write(partial(_forget, account_id, wanted_at))
        except Exception:
            self._core.log.exception("hubauth: what %s has open did not end; it is tried again", account_id)


def _forget(account_id: str, wanted_at: float, connection: Connection) -> None:
    """It is done; unless it was wanted once more meanwhile."""
    done = (endings.c.account_id == account_id) & (endings.c.wanted_at == wanted_at)
    connection.execute(delete(endings).where(done))
