"""Browsers that are not asked for the second factor again for some days, where the administrator and the user want it.

The cookie is random and signed, and its digest stands in the database: what is deleted there is asked again.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from hubauth_core import Core
from hubauth_core.plugin import Database, keep_cookie, recall_cookie

from ..schema import browsers
from .store import Owner, digest

DAY: Final = 86400.0


class Browsers:
    """The remembered browsers of one native provider; `days` of 0 remembers none."""

    def __init__(self, core: Core, database: Database, keeper: str, days: int) -> None:
        self._core = core
        self._database = database
        self._keeper = keeper
        self.days = days

    def knows(self, handler: Any, owner: Owner) -> bool:
        """Whether this browser need not be asked again about this owner."""
        token = recall_cookie(handler, self._cookie, self.days * DAY) if self.days and handler is not None else ""
        if not token:
            return False
        mine = (browsers.c.provider == owner[0], browsers.c.subject == owner[1])
        known = (browsers.c.digest == self._digest(token), browsers.c.keeper == self._keeper)
        with self._database.read() as connection:
            found = select(browsers.c.digest).where(*known, *mine, browsers.c.expires_at > time.time())
            return connection.execute(found).first() is not None

    async def remember(self, handler: Any, owner: Owner) -> None:
        """Do not ask this browser again for a while. Raises StoreError."""
        if not self.days or handler is None:
            return
        token, now = secrets.token_urlsafe(32), time.time()
        row = {"digest": self._digest(token), "keeper": self._keeper, "provider": owner[0], "subject": owner[1]}
        times = {"created_at": now, "expires_at": now + self.days * DAY}
        await self._database.write(lambda connection: connection.execute(insert(browsers).values(**row, **times)))
        keep_cookie(handler, self._cookie, token, self._core.public_url, self.days)

    def prune(self, connection: Connection) -> None:
        """Forget those whose time is over."""
        over = browsers.c.expires_at <= time.time()
        connection.execute(delete(browsers).where(browsers.c.keeper == self._keeper, over))

    @property
    def _cookie(self) -> str:
        return f"hubauth_browser_{self._keeper}"

    def _digest(self, token: str) -> str:
        return digest("browser", self._keeper, token)
