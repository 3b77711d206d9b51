"""What a source has issued anew is stored before anybody gets it, however long that takes (row R04).

The token before it is dead by then: what is not stored is lost with the process, and with it the grant.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from typing import Any, Final

from .binding import SealedRow
from .errors import StoreError
from .mapping import Record
from .types import Credential
from .vault import Held, Vault

PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds between two tries; the last is repeated. Once the lease has run out, another process may be faster."""

PATIENCE: Final = 3.0
"""Seconds for which a request waits."""

Place = tuple[str, str]
"""Identity and resource of a row."""


class Saving:
    """Stores renewed credentials. One that is `in` it is on its way into the vault."""

    def __init__(self, vault: Vault, log: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        self._vault = vault
        self._log = log
        self._under_way: dict[Place, asyncio.Task[Credential | None]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._under_way

    async def store(self, record: Record, held: Held, renewed: Credential) -> Credential | None:
        """Put a credential in the place of what was read, and answer with it.

        None if nobody wants it any more. Raises StoreError if it takes too long; it is stored later then.
        """
        row = await self._vault.sealed(record, held.resource, renewed)
        place = (record.id, held.resource)
        saving = asyncio.ensure_future(self._insist(record, held, row, renewed))
        self._under_way[place] = saving
        saving.add_done_callback(lambda _: self._under_way.pop(place))
        return await self.awaited(place)

    async def awaited(self, place: Place) -> Credential | None:
        """What is on its way into a place, once it is there; None if there is no such thing. Raises StoreError."""
        if place not in self._under_way:
            return None
        saving = self._under_way[place]
        done, _ = await asyncio.wait({saving}, timeout=PATIENCE)
        if not done:
            raise StoreError("The hub could not store a token; try again in a moment.")
        return saving.result()

    async def settle(self) -> None:
        """Wait until everything is stored, however long that takes."""
        if self._under_way:
            await asyncio.wait({*self._under_way.values()})

    async def _insist(self, record: Record, held: Held, row: SealedRow, renewed: Credential) -> Credential | None:
        for number in count():
            try:
                return renewed if await self._vault.replace(record, row, held) else None
            except StoreError:
                if number == 0:
                    self._log.error("hubauth: a renewed credential of %r could not be stored yet", record.provider)
                await asyncio.sleep(PAUSES[min(number, len(PAUSES) - 1)])
        return None
