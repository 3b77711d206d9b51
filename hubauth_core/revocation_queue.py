"""Credentials that are deleted here and that their provider has still to hear of (row R17).

One leaves the vault and enters the queue in one transaction: nobody is handed it in between, and it is not forgotten
if the process dies. Whoever deletes waits for no provider.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Double, Row, delete, insert, literal, select, update

from .schema import identities, revocations, vault
from .sealing import CREDENTIAL


def move(connection: Connection, identity_ids: Sequence[str], now: float) -> None:
    """Move every credential of these identities from the vault into the queue. Before the identities are deleted."""
    mine = (vault.c.identity_id.in_(identity_ids), vault.c.purpose == CREDENTIAL)
    # Locked first: else one that is renewed between the two statements would be deleted without having been copied.
    connection.execute(select(vault.c.generation).where(*mine).with_for_update()).all()
    place = (vault.c.identity_id, identities.c.provider, identities.c.subject, vault.c.resource, vault.c.blob)
    fresh = (literal(0), literal(0.0, Double), literal(now, Double))
    moved = select(vault.c.generation, *place, *fresh).join(identities).where(*mine)
    connection.execute(insert(revocations).from_select([column.name for column in revocations.columns], moved))
    connection.execute(delete(vault).where(*mine))


def add(
    connection: Connection, *, identity_id: str, provider: str, subject: str, resource: str, blob: bytes, now: float
) -> None:
    """Put a sealed credential into the queue that never came into the vault."""
    whose = {"identity_id": identity_id, "provider": provider, "subject": subject, "resource": resource}
    row = {"id": uuid.uuid4().hex, **whose, "blob": blob, "failures": 0, "retry_at": 0.0, "created_at": now}
    connection.execute(insert(revocations).values(**row))


def due(connection: Connection, now: float, limit: int) -> Sequence[Row[Any]]:
    """The rows whose turn it is, those that wait longest first."""
    query = select(revocations).where(revocations.c.retry_at <= now).order_by(revocations.c.retry_at).limit(limit)
    return connection.execute(query).all()


def take(connection: Connection, row_id: str, now: float, until: float) -> bool:
    """Take a row that is due; False if another process has it, or has done it.

    After `until` it is nobody's: the process that had it has died.
    """
    mine = (revocations.c.id == row_id, revocations.c.retry_at <= now)
    return connection.execute(update(revocations).where(*mine).values(retry_at=until)).rowcount == 1


def put_off(connection: Connection, row_id: str, retry_at: float) -> None:
    """It did not work; try again then."""
    more = {"failures": revocations.c.failures + 1, "retry_at": retry_at}
    connection.execute(update(revocations).where(revocations.c.id == row_id).values(**more))


def drop(connection: Connection, row_id: str) -> None:
    """The provider knows, or will never hear of it."""
    connection.execute(delete(revocations).where(revocations.c.id == row_id))
