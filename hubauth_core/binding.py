"""How one sign-in is written down: a single transaction in which every guard is checked again.

Looking first is not enough: between a look and a write another sign-in may have come (rows V21, F19). Whoever loses
gets an error, never the other's row.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, bindparam, delete, exists, insert, select, update

from .errors import LoginRefused, ProviderError, StoreError
from .mapping import HubKey, Record, hub_key
from .names import LONGEST, name_key
from .revocation_queue import move
from .schema import LONGEST_SUBJECT, consents, had_identity, identities, names, pins, vault
from .types import HubUser, Identity

FRESH = 300
"""Seconds within which a sign-in that changes nothing is not written down again."""


_OF_HUB_USER: Final = select(identities).where(
    *(identities.c[name] == bindparam(name) for name in ("hub_user_id", "hub_user_created"))
)
"""Prepared once: every request for a credential asks this."""


@dataclass(frozen=True, kw_only=True)
class SealedRow:
    """An encrypted row of the vault, ready to be written. `purpose` is `credential` or `state`.

    The rest may be read without opening it; `renewable` says whether there is a refresh token.
    """

    identity_id: str
    purpose: str
    resource: str
    blob: bytes = field(repr=False)
    scopes: frozenset[str] = frozenset()
    expires_at: float | None = None
    renewable: bool = False


@dataclass(frozen=True, kw_only=True)
class Binding:
    """One sign-in that the hub has accepted; see `Identities.bind`. `facts` as `facts.recorded` writes them; `now` is
    in Unix seconds."""

    identity: Identity
    hub_user: HubUser
    record_id: str
    pin: str
    relies_on_pin: bool
    sealed: tuple[SealedRow, ...]
    facts: str
    now: float

    def changes_nothing(self, known: Record, pinned_to: str | None) -> bool:
        """True if the record and the pin say all this already, and recently."""
        same = known.id == self.record_id and known.hub_user == hub_key(self.hub_user)
        fresh = 0 <= self.now - known.last_used_at < FRESH and known.orphaned_at is None and known.refused_at is None
        as_recorded = (known.username, known.hub_name) == (storable(self.identity.username), self.hub_user.name)
        pinned = pinned_to == known.subject if self.relies_on_pin else pinned_to is not None
        return same and fresh and as_recorded and known.facts == self.facts and pinned and not self.sealed

    def write(self, connection: Connection) -> Record:
        """Write it all. Raises StoreError `identity_conflict`, LoginRefused `name_pinned`; the caller rolls back."""
        known = find(connection, *self.identity.key)
        if known is not None and known.id != self.record_id:
            raise conflict()
        if known is None or known.hub_user != hub_key(self.hub_user):
            self._claim_hub_user(connection)
        if known is None:
            self._insert(connection)
        else:
            self._update(connection, known)
        self._hold_pin(connection)
        _own_name(connection, self.hub_user)
        store_sealed(connection, self.sealed, self.now)
        record = find(connection, *self.identity.key)
        if record is None or record.id != self.record_id:
            raise conflict()
        return record

    def _claim_hub_user(self, connection: Connection) -> None:
        """A hub user who ever had an identity is nobody else's."""
        user = hub_key(self.hub_user)
        if ever_had(connection, user):
            raise conflict()
        connection.execute(insert(had_identity).values(columns(user)))

    def _insert(self, connection: Connection) -> None:
        provider, subject = self.identity.key
        row = {"id": self.record_id, "provider": provider, "subject": subject, "created_at": self.now}
        connection.execute(insert(identities).values(**row, **self._current(), **self._owner()))

    def _update(self, connection: Connection, known: Record) -> None:
        changed = self._current()
        if known.hub_user != hub_key(self.hub_user):
            changed |= self._owner()
            if known.home:  # else they are the former hub user's still, by its own home identity
                connection.execute(delete(names).where(*belongs(names, known.hub_user)))
            # Their provider does not hear of these: it might take the new grant of the same person along.
            connection.execute(delete(vault).where(vault.c.identity_id == known.id))
        connection.execute(update(identities).where(identities.c.id == known.id).values(**changed))

    def _current(self) -> dict[str, Any]:
        return current(self.identity, self.hub_user, self.facts, self.now)

    def _owner(self) -> dict[str, Any]:
        """The hub user who gets this identity as the first, and so as home identity."""
        user = hub_key(self.hub_user)
        return {"home_of": home_mark(user), **columns(user)}

    def _hold_pin(self, connection: Connection) -> None:
        provider, subject = self.identity.key
        pin(connection, provider, self.pin, subject)
        if self.relies_on_pin and pinned_subject(connection, provider, self.pin) != subject:
            raise LoginRefused("This username counts for the person who used it first.", code="name_pinned")


def check_subject(subject: str) -> None:
    """Raise ProviderError for a subject that not every database gives back unchanged."""
    unusable = not subject or len(subject) > LONGEST_SUBJECT or "\0" in subject
    if unusable or any("\ud800" <= character <= "\udfff" for character in subject):
        raise ProviderError("The answer about who you are could not be used.", code="subject_invalid")


def storable(username: str) -> str:
    """A provider's username as every database can keep it."""
    return username[:LONGEST].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def find(connection: Connection, provider: str, subject: str) -> Record | None:
    """The identity with exactly that key."""
    found = records(connection, identities.c.provider == provider, identities.c.subject == subject)
    return found[0] if found else None


def records(connection: Connection, *where: Any) -> list[Record]:
    """The identities of which all of `where` holds."""
    return [record_of(row) for row in connection.execute(select(identities).where(*where))]


def identities_of(connection: Connection, user: HubKey) -> list[Record]:
    """The identities of a hub user."""
    return [record_of(row) for row in connection.execute(_OF_HUB_USER, columns(user))]


def ever_had(connection: Connection, user: HubKey) -> bool:
    """True if the hub user has, or ever had, an identity."""
    return bool(connection.execute(select(exists().where(*belongs(had_identity, user)))).scalar())


def pinned_subject(connection: Connection, provider: str, username: str) -> str | None:
    """The first subject that used a username."""
    query = select(pins.c.subject).where(pins.c.provider == provider, pins.c.username == storable(username))
    subject: str | None = connection.execute(query).scalar()
    return subject


def pin(connection: Connection, provider: str, username: str, subject: str) -> None:
    """Make a username the subject's, unless it is somebody's already."""
    if pinned_subject(connection, provider, username) is None:
        connection.execute(insert(pins).values(provider=provider, username=storable(username), subject=subject))


def store_sealed(connection: Connection, sealed: Sequence[SealedRow], now: float) -> None:
    """Put rows into the vault, each in place of an older one.

    A new credential of the provider itself takes along what was got with the one before.
    """
    for row in sorted(sealed, key=lambda row: row.resource):
        mine = [vault.c.identity_id == row.identity_id, vault.c.purpose == row.purpose]
        if row.resource:
            mine.append(vault.c.resource == row.resource)
        connection.execute(delete(vault).where(*mine))
        place = {"identity_id": row.identity_id, "purpose": row.purpose, "resource": row.resource}
        connection.execute(insert(vault).values(**place, **contents(row, now), failures=0, retry_at=0.0))


def contents(row: SealedRow, now: float) -> dict[str, Any]:
    """The columns of the vault that are new with a new content."""
    return {
        "blob": row.blob,
        "updated_at": now,
        "generation": uuid.uuid4().hex,
        "scopes": " ".join(sorted(row.scopes)),
        "expires_at": row.expires_at,
        "renewable": row.renewable,
        "trouble": "",
    }


def forget(connection: Connection, user: HubKey, now: float) -> None:
    """Delete the identities, names, credentials and consents of a hub user. That it had an identity stays known."""
    drop_credentials(connection, *belongs(identities, user), now=now)
    for table in (identities, names, consents):
        connection.execute(delete(table).where(*belongs(table, user)))


def drop_credentials(connection: Connection, *where: Any, now: float) -> None:
    """Delete what is stored of the identities of which all of `where` holds; their providers hear of it (row R17)."""
    ids = connection.execute(select(identities.c.id).where(*where).with_for_update()).scalars().all()
    move(connection, ids, now)
    connection.execute(delete(vault).where(vault.c.identity_id.in_(ids)))


def belongs(table: Table, user: HubKey) -> tuple[Any, Any]:
    """The condition that a row is the hub user's."""
    return (table.c.hub_user_id == user[0], table.c.hub_user_created == user[1])


def columns(user: HubKey) -> dict[str, Any]:
    """The columns that say whose a row is."""
    return {"hub_user_id": user[0], "hub_user_created": user[1]}


def home_mark(user: HubKey) -> str:
    """What `home_of` says of a hub user's home identity."""
    return f"{user[0]}:{user[1]!r}"


def current(identity: Identity, hub_user: HubUser, facts: str, now: float) -> dict[str, Any]:
    """The columns that every accepted sign-in brings up to date."""
    return {
        "username": storable(identity.username),
        "hub_name": hub_user.name,
        "last_used_at": now,
        "orphaned_at": None,
        "refused_at": None,
        "checked_at": now,
        "facts": facts,
    }


def note_checked(
    connection: Connection, record: Record, username: str, facts: str, now: float, refused_at: float | None
) -> None:
    """Note what a source has said of an identity when it was asked again, unless a sign-in has said more meanwhile."""
    said = {"username": storable(username), "facts": facts, "checked_at": now, "refused_at": refused_at}
    as_read = (identities.c.id == record.id, identities.c.checked_at == record.checked_at)
    connection.execute(update(identities).where(*as_read).values(**said))


def _own_name(connection: Connection, user: HubUser) -> None:
    """Note the hub user's name as its own, unless a look-alike was somebody's before."""
    key = name_key(user.name)
    if connection.execute(select(names.c.name_key).where(names.c.name_key == key)).first() is None:
        connection.execute(insert(names).values(name_key=key, **columns(hub_key(user))))


def record_of(row: Row[Any]) -> Record:
    """The identity in a row."""
    return Record(
        id=row.id,
        provider=row.provider,
        subject=row.subject,
        username=row.username,
        hub_user=(row.hub_user_id, row.hub_user_created),
        hub_name=row.hub_name,
        home=row.home_of is not None,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        orphaned_at=row.orphaned_at,
        refused_at=row.refused_at,
        checked_at=row.checked_at,
        facts=row.facts,
    )


def conflict() -> StoreError:
    """Another sign-in was faster; for raising."""
    return StoreError("Somebody else has just taken this account; try again.", code="identity_conflict")
