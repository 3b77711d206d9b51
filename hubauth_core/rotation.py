"""What is stored under another key than the hub's first, written again under the first one (row F14).

A change of keys is no renewal: generation and times of a row stay. What somebody changes meanwhile stays as they wrote
it, so that this may run beside hub and services, end at any point and begin again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, Row, Update, func, select, update

from .database import Database
from .errors import CredentialError, StoreError
from .schema import identities, revocations, vault
from .sealing import CREDENTIAL, Owner, Sealing

PAGE: Final = 100
"""Identities, or queued revocations, whose rows are written in one transaction."""

AT_ONCE: Final = 4
"""Rows that are written again at once because they were read; the next reader thinks of the others."""

Key = Literal["first", "other", "unreadable"]
log = logging.getLogger("hubauth")


class Stored(NamedTuple):
    """A sealed row, and what must still be so if another ciphertext is to take the place of this one."""

    owner: Owner
    blob: bytes
    queued: str = ""
    generation: str = ""

    def changed(self, blob: bytes) -> Update:
        """The statement that writes the new ciphertext; a row that is another by now stays as it is."""
        if self.queued:
            return update(revocations).where(revocations.c.id == self.queued).values(blob=blob)
        columns = (vault.c.identity_id, vault.c.purpose, vault.c.resource, vault.c.generation)
        told = (self.owner.record_id, self.owner.purpose, self.owner.resource, self.generation)
        unchanged = (column == value for column, value in zip(columns, told, strict=True))
        return update(vault).where(*unchanged).values(blob=blob)


@dataclass
class Tally:
    """What was found, by kind of row and key; how many rows were written again, and how many others were faster."""

    found: Counter[tuple[str, Key]] = field(default_factory=Counter)
    rewritten: int = 0
    overtaken: int = 0

    def under(self, key: Key) -> int:
        """How many rows were found under that key."""
        return sum(number for (_, each), number in self.found.items() if each == key)


def count(database: Database) -> int:
    """How many rows there are. Raises StoreError."""
    with database.read() as connection:
        counted = (select(func.count()).select_from(table) for table in (vault, revocations))
        return sum(connection.execute(query).scalar_one() for query in counted)


async def rotate(
    database: Database,
    sealing: Sealing,
    *,
    write: bool = True,
    limit: float = float("inf"),
    told: Callable[[int], None] = lambda rows: None,
) -> Tally:
    """Look at every row, or at `limit` of them and some more, and `write` again what another key has opened.

    `told` hears of each number of rows that were done. Raises StoreError; what was done until then stays done.
    """
    tally, seen = Tally(), 0
    for page in _pages(database):
        opened = await asyncio.gather(*(_open(sealing, row) for row in page))
        tally.found.update((_kind(row), key) for row, (key, _) in zip(page, opened, strict=True))
        if write:
            old = [(row, content) for row, (key, content) in zip(page, opened, strict=True) if key == "other"]
            blobs = await asyncio.gather(*(sealing.seal(row.owner, content) for row, content in old))
            changes = [row.changed(blob) for (row, _), blob in zip(old, blobs, strict=True)]
            done = await database.write(partial(_apply, changes=changes))
            tally.rewritten += done
            tally.overtaken += len(changes) - done
        told(len(page))
        seen += len(page)
        if seen >= limit:
            break
    return tally


class Lazily:
    """Writes rows again that somebody has just read, in the background: nobody waits for it, and it may be left out."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database = database
        self._sealing = sealing
        self._under_way: dict[Owner, asyncio.Task[None]] = {}

    def rewrite(self, row: Stored, content: dict[str, Any]) -> None:
        """Begin to, unless enough of that is under way already."""
        if row.owner not in self._under_way and len(self._under_way) < AT_ONCE:
            task = asyncio.ensure_future(self._rewrite(row, content))
            self._under_way[row.owner] = task
            task.add_done_callback(lambda _: self._under_way.pop(row.owner))

    async def done(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way.values())

    async def _rewrite(self, row: Stored, content: dict[str, Any]) -> None:
        change = row.changed(await self._sealing.seal(row.owner, content))
        try:
            await self._database.write(partial(_apply, changes=[change]))
        except StoreError as error:
            log.debug("hubauth: a row stays under its old key for now: %s", error.code)


def _apply(connection: Connection, changes: Sequence[Update]) -> int:
    return sum(connection.execute(change).rowcount for change in changes)


async def _open(sealing: Sealing, row: Stored) -> tuple[Key, dict[str, Any]]:
    try:
        opened = await sealing.open(row.owner, row.blob)
    except CredentialError:
        return "unreadable", {}
    return "first" if opened.by_first_key else "other", opened.content


def _kind(row: Stored) -> str:
    return "revocation" if row.queued else row.owner.purpose


def _pages(database: Database) -> Iterator[list[Stored]]:
    """Every row, those of one identity together, in the order of ids, which are random."""
    for ids in _ids(database, vault.c.identity_id):
        whose = (vault.c.identity_id >= ids[0], vault.c.identity_id <= ids[-1])
        query = select(vault, identities.c.provider, identities.c.subject).join(identities).where(*whose)
        yield [Stored(_owner(row, row.purpose), row.blob, generation=row.generation) for row in _all(database, query)]
    for ids in _ids(database, revocations.c.id):
        query = select(revocations).where(revocations.c.id >= ids[0], revocations.c.id <= ids[-1])
        yield [Stored(_owner(row, CREDENTIAL), row.blob, queued=row.id) for row in _all(database, query)]


def _ids(database: Database, column: Any) -> Iterator[list[str]]:
    last = ""
    query = select(column).distinct().order_by(column).limit(PAGE)
    while ids := [row[0] for row in _all(database, query.where(column > last))]:
        yield ids
        last = ids[-1]


def _all(database: Database, query: Any) -> Sequence[Row[Any]]:
    with database.read() as connection:
        return connection.execute(query).all()


def _owner(row: Row[Any], purpose: str) -> Owner:
    return Owner(row.identity_id, row.provider, row.subject, purpose, row.resource)
