"""Who renews a stored credential: a lease in its row, so that it is one at a time also across processes (row F10).

Every change names the generation that was read. A sign-in, or somebody else's renewal, makes a new one; then a late
answer changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, or_, update

from .schema import vault

Key = tuple[str, str, str]
"""Identity, purpose and resource of a row."""


def at(key: Key) -> tuple[Any, Any, Any]:
    """The condition that a row is the one with this key."""
    return (vault.c.identity_id == key[0], vault.c.purpose == key[1], vault.c.resource == key[2])


def take(connection: Connection, key: Key, generation: str, now: float, until: float) -> bool:
    """Take the lease of a row; False if somebody has it, or the row is another by now.

    After `until` it is nobody's: the process that had it has died.
    """
    nobodys = or_(vault.c.lease_until.is_(None), vault.c.lease_until < now)
    free = (*at(key), vault.c.generation == generation, vault.c.trouble == "", nobodys)
    return connection.execute(update(vault).where(*free).values(lease_until=until)).rowcount == 1


def end(connection: Connection, key: Key, generation: str, changed: Mapping[str, Any]) -> bool:
    """Give the lease back and change the row along; False if the row is another by now, or gone.

    A new content ends the row's failures.
    """
    values = {"lease_until": None, **({"failures": 0, "retry_at": 0.0} if "blob" in changed else {}), **changed}
    unchanged = (*at(key), vault.c.generation == generation)
    return connection.execute(update(vault).where(*unchanged).values(**values)).rowcount == 1
