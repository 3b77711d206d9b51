"""What is done about factors in the background: sealed anew under a new first key, and forgotten with their owners."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from sqlalchemy import Connection

from hubauth_core import Core
from hubauth_core.plugin import Database

from .browsers import Browsers
from .store import Factors
from .totp import Totp

EVERY: Final = 3600.0
YOUNG: Final = 86400.0
"""Seconds for which a factor may have an owner who has no hub user yet."""


class Upkeep:
    """Keeps what one native provider stores of factors in order."""

    def __init__(self, core: Core, database: Database, factors: Factors, totp: Totp, browsers: Browsers) -> None:
        self._core = core
        self._database = database
        self._factors = factors
        self._totp = totp
        self._browsers = browsers

    async def run(self) -> None:
        """Again and again."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Do what there is to do now. Raises StoreError."""
        renewed = await self._totp.seal_anew()
        if renewed:
            self._core.log.info("hubauth: %d authenticator apps are sealed under the first crypt key now", renewed)
        await self._database.write(self._browsers.prune)
        await self._database.write(self._forget_orphans)

    def _forget_orphans(self, connection: Connection) -> None:
        """Factors of somebody at another provider whose hub user is gone; accounts take theirs with them."""
        before = time.time() - YOUNG
        for provider, subject in self._factors.foreign_owners(connection, before):
            if not self._core.same_person(provider, subject):
                self._factors.reset(connection, provider, subject)
