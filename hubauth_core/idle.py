"""Sessions of people who do nothing for a while come to an end (row 7.3.1).

JupyterHub notes when somebody was last seen, on its pages or at a server; an open tab of a server counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jupyterhub import orm

from .ending import end_sessions
from .errors import HubAuthError
from .events import Audit
from .types import Event

PAUSE: Final = 60.0
"""Seconds between two looks."""


def _now() -> datetime:
    """As the hub's database has it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


class Idle:
    """Ends sessions `after` so many seconds; 0 for never. `session` gives the hub's own session on its database."""

    def __init__(
        self,
        *,
        after: float,
        session: Callable[[], Any],
        audit: Audit,
        log: logging.Logger | logging.LoggerAdapter[Any],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._after = after
        self._session = session
        self._audit = audit
        self._log = log
        self._clock = clock
        self._ended: dict[int, datetime] = {}

    async def run(self) -> None:
        """Look again and again, for as long as the hub runs."""
        while self._after:
            await asyncio.sleep(PAUSE)
            try:
                await self.look()
            except Exception:  # the next look may work
                self._log.exception("hubauth: sessions of people who do nothing could not be ended")
                self._session().rollback()

    async def look(self) -> None:
        """End what has been idle for too long, once for each time that somebody goes."""
        session, limit = self._session(), self._clock() - timedelta(seconds=self._after)
        idle = {row.id: row for row in session.query(orm.User).filter(orm.User.last_activity < limit)}
        self._ended = {known: seen for known, seen in self._ended.items() if known in idle}
        for number, row in idle.items():
            if self._ended.get(number) == row.last_activity:
                continue
            end_sessions(session, row)
            self._ended[number] = row.last_activity
            try:
                self._audit.record(Event(kind="sessions_ended", hub_user=row.name, reason="idle"))
            except HubAuthError as error:
                self._log.error("hubauth: %s", error.sentence)
            await asyncio.sleep(0)
