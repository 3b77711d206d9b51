"""How further identities of a hub user are written down: linked, taken away, made the home identity; and consents.

Each is one transaction that first locks the hub user's identities, so that of two at once the second sees what the
first has done (rows F19, M10). Nothing here moves an identity from one hub user to another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from .binding import (
    SealedRow,
    belongs,
    columns,
    conflict,
    current,
    drop_credentials,
    find,
    home_mark,
    pin,
    records,
    store_sealed,
)
from .errors import LinkRefused
from .mapping import HubKey, Record, hub_key
from .schema import consents, identities
from .types import HubUser, Identity

CONSENT_LASTS: Final = 7 * 24 * 3600.0
"""Seconds after which a consent that was not used is none."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """An identity that becomes one more of a hub user, or is renewed; see `Identities.link`. `now`: Unix seconds."""

    identity: Identity
    hub_user: HubUser
    record_id: str
    pin: str
    sealed: tuple[SealedRow, ...]
    facts: str
    now: float

    def write(self, connection: Connection) -> Record:
        """Write it all. Raises LinkRefused, StoreError `identity_conflict`; the caller rolls back."""
        mine = _locked(connection, hub_key(self.hub_user))
        known = find(connection, *self.identity.key)
        if known is None:
            self._insert(connection, mine)
        elif known.hub_user != hub_key(self.hub_user):
            raise taken()
        elif known.id != self.record_id:
            raise conflict()
        else:
            changed = current(self.identity, self.hub_user, self.facts, self.now)
            connection.execute(update(identities).where(identities.c.id == known.id).values(**changed))
        provider, subject = self.identity.key
        pin(connection, provider, self.pin, subject)
        store_sealed(connection, self.sealed, self.now)
        return _found(connection, self.record_id)

    def _insert(self, connection: Connection, mine: list[Record]) -> None:
        provider, subject = self.identity.key
        check_room(mine, provider)
        row = {"id": self.record_id, "provider": provider, "subject": subject, "created_at": self.now}
        whose = columns(hub_key(self.hub_user))
        now = current(self.identity, self.hub_user, self.facts, self.now)
        connection.execute(insert(identities).values(**row, **now, **whose, home_of=None))
        connection.execute(delete(consents).where(*_consent(hub_key(self.hub_user), provider)))


def unlink(connection: Connection, user: HubKey, provider: str, works: Callable[[Record], bool], now: float) -> Record:
    """Take an identity away with its credentials, and answer what it was. `works`: whether one is a way in now.

    Raises LinkRefused `not_connected`, `home_identity`, `last_way_in`.
    """
    mine = _locked(connection, user)
    record = _of(mine, provider)
    if record.home:
        raise LinkRefused(
            "This is the account that decides about you; only an administrator can change it.", code="home_identity"
        )
    if not any(works(other) for other in mine if other is not record):
        raise LinkRefused("There would be no way left to sign in.", code="last_way_in")
    drop_credentials(connection, identities.c.id == record.id, now=now)
    connection.execute(delete(identities).where(identities.c.id == record.id))
    return record


def make_home(connection: Connection, user: HubKey, provider: str) -> tuple[Record, Record]:
    """Make another identity the home identity; answers the former and the new one. Raises LinkRefused."""
    mine = _locked(connection, user)
    new = _of(mine, provider)
    old = next((record for record in mine if record.home), new)
    if new is old:
        raise LinkRefused("This is the home identity already.", code="home_identity")
    for record, mark in ((old, None), (new, home_mark(user))):
        connection.execute(update(identities).where(identities.c.id == record.id).values(home_of=mark))
    return old, _found(connection, new.id)


def check_room(mine: list[Record], provider: str) -> None:
    """Whether a hub user with these identities may get one of that provider. Raises LinkRefused.

    One for each provider, so that its name says which.
    """
    if not any(record.home for record in mine):
        raise LinkRefused("This account has no identity that others could be connected to.", code="no_home")
    if any(record.provider == provider for record in mine):
        raise LinkRefused(
            "Another account of this provider is connected already. Disconnect that one first.",
            code="already_connected",
        )


def taken() -> LinkRefused:
    """The identity is somebody else's; for raising."""
    return LinkRefused(
        "That account is connected to another user of this hub. Nothing was changed.", code="identity_taken"
    )


def mark_refused(connection: Connection, record_id: str, when: float | None) -> None:
    """Note since when an identity is refused for good; None where it no longer is."""
    connection.execute(update(identities).where(identities.c.id == record_id).values(refused_at=when))


def give_consent(connection: Connection, user: HubKey, provider: str, by: str, now: float) -> None:
    """Note that an administrator lets a hub user connect an identity of a provider."""
    connection.execute(delete(consents).where(*_consent(user, provider)))
    row = {"provider": provider, "granted_by": by, "granted_at": now}
    connection.execute(insert(consents).values(**columns(user), **row))


def has_consent(connection: Connection, user: HubKey, provider: str, now: float) -> bool:
    """Whether there is a consent that was not used yet, and is not too old."""
    query = select(consents.c.granted_at).where(*_consent(user, provider))
    given: float | None = connection.execute(query).scalar()
    return given is not None and now - given < CONSENT_LASTS


def _consent(user: HubKey, provider: str) -> tuple[Any, ...]:
    return (*belongs(consents, user), consents.c.provider == provider)


def _locked(connection: Connection, user: HubKey) -> list[Record]:
    """The identities of a hub user; nobody else changes them before this transaction ends.

    They are read after the lock was got: PostgreSQL answers with what was there when it began to wait.
    """
    connection.execute(select(identities.c.id).where(*belongs(identities, user)).with_for_update()).all()
    return records(connection, *belongs(identities, user))


def _of(mine: list[Record], provider: str) -> Record:
    found = next((record for record in mine if record.provider == provider), None)
    if found is None:
        raise LinkRefused("That account is not connected.", code="not_connected")
    return found


def _found(connection: Connection, record_id: str) -> Record:
    [record] = records(connection, identities.c.id == record_id)
    return record
