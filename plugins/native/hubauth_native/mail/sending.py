"""The background work that empties the outbox. A mail server that is down, slow or unfriendly hurts nobody (row F18).

Before a mail goes out its row is claimed for longer than sending can take, so that of several processes one sends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from hubauth_core import StoreError
from hubauth_core.plugin import Database

from ..schema import mails
from .outbox import Outbox
from .transport import LONGEST_SEND, Line, MailTrouble, Server, ServerTrouble

EVERY: Final = 5.0
"""Seconds after which the outbox is looked at, where nobody says that there is something in it."""

CLAIM: Final = 3 * LONGEST_SEND
"""Seconds for which a mail that is being sent is left alone by others."""

AT_ONCE: Final = 50
"""Mails that go over one connection."""

FIRST_PAUSE: Final = 20.0
LONGEST_PAUSE: Final = 4 * 3600.0
"""Seconds until a mail that was not taken is tried again; each time twice as long."""

LONGEST_SERVER_PAUSE: Final = 300.0
"""Seconds until a server that could not be used is tried again, at most."""

KEEP_FAILED: Final = 7 * 24 * 3600.0
"""Seconds for which administrators see that a mail was given up."""

TIDY_EVERY: Final = 600.0

NEVER: Final = float(2**53)
"""When a mail that was given up is tried again."""

_GIVEN_UP: Final[Mapping[str, Any]] = {"next_try_at": NEVER, "claimed_until": 0.0, "sealed": b""}
"""Nothing is kept of it but the reason: there may have been a link in it."""


@dataclass(frozen=True)
class Trouble:
    """What administrators should know: mails that `wait` after a failure, that were `given_up`; the newest reason."""

    wait: int
    given_up: int
    word: str


class Sending:
    """Sends what is in the outbox of one provider."""

    def __init__(
        self,
        database: Database,
        provider: str,
        outbox: Outbox,
        server: Server,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self._database = database
        self._provider = provider
        self._outbox = outbox
        self._server = server
        self._log = log
        self._loop: asyncio.AbstractEventLoop | None = None
        self._called = asyncio.Event()
        self._told = ""
        self._pause = 0.0
        self._tidy_at = 0.0

    def wake(self) -> None:
        """There is something in the outbox, or will be as soon as this transaction is done. From any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is over, and so is the work
                self._loop.call_soon_threadsafe(self._called.set)

    async def run(self) -> None:
        """Send again and again."""
        self._loop = asyncio.get_running_loop()
        while True:
            called = self._called.is_set()
            self._called.clear()
            if called:
                await asyncio.sleep(0.05)  # whoever called is about to commit
            try:
                await self.send_due()
            except ServerTrouble as trouble:
                await self._wait_for_server(trouble.word)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), EVERY)

    async def send_due(self) -> None:
        """Send what is due now. Raises ServerTrouble, StoreError."""
        now = time.time()
        if now >= self._tidy_at:
            await self._database.write(partial(_tidy, self._provider, now))
            self._tidy_at = now + TIDY_EVERY
        while due := self._due_now():
            async with self._server.connect() as line:
                self._works()
                for mail_id in due:
                    if line.is_open:
                        await self._send(line, mail_id)

    def trouble(self) -> Trouble | None:
        """What is wrong with mails at the moment, None if nothing; in any process. Raises StoreError."""
        failed = and_(mails.c.provider == self._provider, mails.c.trouble != "")
        gone = mails.c.next_try_at >= NEVER
        counts = select(gone.label("gone"), func.count().label("mails")).where(failed).group_by(gone)
        newest = select(mails.c.trouble).where(failed).order_by(gone, mails.c.created_at.desc()).limit(1)
        with self._database.read() as connection:
            found = {bool(row.gone): int(row.mails) for row in connection.execute(counts)}
            word = connection.execute(newest).scalar() or ""
        return Trouble(found.get(False, 0), found.get(True, 0), word) if found else None

    async def _send(self, line: Line, mail_id: str) -> None:
        claimed = await self._database.write(partial(_claim, self._provider, mail_id, time.time()))
        if claimed is None:
            return
        letter = self._outbox.open(claimed["id"], claimed["sealed"])
        try:
            if letter is None:
                raise MailTrouble("cannot be read: the hub's cookie secret is another one", for_good=True)
            await line.send(letter, claimed["id"])
        except MailTrouble as trouble:
            if trouble.for_good or claimed["tries"] == 1:
                then = "it is given up" if trouble.for_good else "it is tried again"
                self._log.warning("hubauth: a mail was not sent: %s; %s", trouble.word, then)
            await self._database.write(partial(_postpone, claimed, trouble))
        except ServerTrouble as trouble:
            await self._database.write(partial(_postpone, claimed, MailTrouble(trouble.word, for_good=False)))
            raise
        else:
            await self._database.write(partial(_sent, claimed))

    def _due_now(self) -> list[str]:
        """Mails that have waited longest."""
        query = select(mails.c.id).where(_due(self._provider, time.time())).order_by(mails.c.next_try_at)
        with self._database.read() as connection:
            return list(connection.execute(query.limit(AT_ONCE)).scalars())

    def _works(self) -> None:
        self._pause = 0.0
        if self._told:
            self._told = ""
            self._log.info("hubauth: the mail server works again")

    async def _wait_for_server(self, word: str) -> None:
        if word != self._told:
            self._told = word
            self._log.error("hubauth: the mail server %s: %s; mails wait", self._server.host, word)
        with contextlib.suppress(StoreError):
            await self._database.write(partial(_mark, self._provider, time.time(), word))
        self._pause = min(max(2 * self._pause, 1.0), LONGEST_SERVER_PAUSE)
        await asyncio.sleep(self._pause)


def _due(provider: str, now: float) -> ColumnElement[bool]:
    return and_(
        mails.c.provider == provider,
        mails.c.next_try_at <= now,
        mails.c.claimed_until <= now,
        mails.c.give_up_at > now,
    )


def _claim(provider: str, mail_id: str, now: float, connection: Connection) -> Mapping[str, Any] | None:
    """A mail for us alone; None if somebody else was faster.

    The change comes first: to look before would show what was there when the transaction began.
    """
    claim = {"claimed_until": now + CLAIM, "tries": mails.c.tries + 1}
    ours = update(mails).where(mails.c.id == mail_id, _due(provider, now)).values(**claim)
    if connection.execute(ours).rowcount != 1:
        return None
    return dict(connection.execute(select(mails).where(mails.c.id == mail_id)).mappings().one())


def _mine(claimed: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(mails.c.id == claimed["id"], mails.c.claimed_until == claimed["claimed_until"])


def _sent(claimed: Mapping[str, Any], connection: Connection) -> None:
    connection.execute(delete(mails).where(_mine(claimed)))


def _postpone(claimed: Mapping[str, Any], trouble: MailTrouble, connection: Connection) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(claimed["tries"] - 1, 20), LONGEST_PAUSE)
    later: dict[str, Any] = {"next_try_at": time.time() + pause, "claimed_until": 0.0}
    values = {**_GIVEN_UP, "give_up_at": time.time()} if trouble.for_good else later
    connection.execute(update(mails).where(_mine(claimed)).values(**values, trouble=trouble.word))


def _mark(provider: str, now: float, word: str, connection: Connection) -> None:
    connection.execute(update(mails).where(_due(provider, now), mails.c.trouble != word).values(trouble=word))


def _tidy(provider: str, now: float, connection: Connection) -> None:
    """Give up what came too late, and forget what was given up long ago."""
    of_us = mails.c.provider == provider
    late = and_(of_us, mails.c.next_try_at < NEVER, mails.c.give_up_at <= now, mails.c.claimed_until <= now)
    connection.execute(update(mails).where(late, mails.c.trouble == "").values(trouble="too late"))
    connection.execute(update(mails).where(late).values(**_GIVEN_UP))
    old = and_(of_us, mails.c.next_try_at >= NEVER, mails.c.give_up_at <= now - KEEP_FAILED)
    connection.execute(delete(mails).where(old))
