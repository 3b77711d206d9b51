"""Which kinds of hashes are stored: looked at again and again, because a command may import some at any time."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Connection, select

from hubauth_core import Secret
from hubauth_core.plugin import Database

from ..schema import accounts
from .evenness import kind_of
from .hashing import Hasher, is_hash

EVERY: Final = 600.0
"""Seconds between two looks."""

MOST: Final = 8
"""Kinds that are told apart."""


class Stored:
    """The hashes of one provider."""

    def __init__(self, hasher: Hasher, database: Database, provider: str) -> None:
        self._hasher = hasher
        self._database = database
        self._provider = provider

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Let the hasher know an example of each kind. Raises StoreError, Busy."""
        await self._hasher.learn(await self._database.write(self._examples))

    def _examples(self, connection: Connection) -> list[Secret]:
        query = select(accounts.c.password_hash).where(accounts.c.provider == self._provider)
        found: dict[str, str] = {}
        for text in connection.execute(query).scalars():
            if text and is_hash(text):
                found.setdefault(kind_of(text), text)
        return [Secret(text) for text in list(found.values())[:MOST]]
