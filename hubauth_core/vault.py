"""What providers issued for identities, sealed: one row per identity and resource.

A lost key never blocks a sign-in: what cannot be read is reported, and the next sign-in writes it anew (row F14).
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Literal, TypeVar

from sqlalchemy import Connection, Row, and_, bindparam, select

from . import lease, revocation_queue
from .binding import SealedRow, columns, contents, record_of, store_sealed
from .database import Database
from .errors import CredentialError
from .mapping import HubKey, Record, home_first
from .rotation import Lazily, Stored
from .schema import identities, vault
from .sealing import CREDENTIAL, STATE, Keeper, Owner, Sealing
from .types import Credential, Identity, Secret

Content_co = TypeVar("Content_co", covariant=True)
log = logging.getLogger("hubauth")


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a row says without being opened; times in Unix seconds. See `schema.vault`."""

    resource: str
    scopes: frozenset[str]
    expires_at: float | None
    renewable: bool
    trouble: str
    generation: str
    updated_at: float
    failures: int
    retry_at: float

    def lasts(self, now: float, min_ttl: float = 0) -> bool:
        """Whether it is good for `min_ttl` more seconds; of what is issued for shorter, for half its life."""
        if self.expires_at is None:
            return True
        half = max(0.0, self.expires_at - self.updated_at) / 2  # another machine's clock may have written the row
        return self.expires_at - now > min(min_ttl, half)


@dataclass(frozen=True)
class Opened(Generic[Content_co]):
    """What a row held; None with a `reason` where there is nothing to use.

    `storage_disabled`: the hub has no keys. `missing`: nothing is stored. `unusable`: lost key, or not this row's.
    """

    content: Content_co | None
    reason: Literal["", "storage_disabled", "missing", "unusable"] = ""
    held: Held | None = None


_AT: Final = select(vault).where(*(vault.c[name] == bindparam(name) for name in ("identity_id", "purpose", "resource")))
"""Prepared once: a hand-out reads this for every request."""


MOST_RECENT: Final = 500
"""Opened credentials that the process remembers, by owner and ciphertext."""

_HELD_BY: Final = (
    select(identities, vault)
    .outerjoin(
        vault,
        and_(
            vault.c.identity_id == identities.c.id,
            vault.c.purpose == CREDENTIAL,
            vault.c.resource == bindparam("resource"),
        ),
    )
    .where(*(identities.c[name] == bindparam(name) for name in ("hub_user_id", "hub_user_created")))
)


@dataclass(frozen=True)
class Holding:
    """An identity, and the row of a credential that was read along with it; None if there is none."""

    record: Record
    row: Row[Any] | None = field(repr=False)


class Vault:
    """Encrypted credentials. Without `keeper` the hub's own keys are used, looked up at each use."""

    def __init__(
        self, database: Database, keeper: Keeper | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._sealing = Sealing(keeper)
        self._lazily = Lazily(database, self._sealing)
        self._recent: OrderedDict[tuple[Owner, bytes], Credential] = OrderedDict()
        self._clock = clock

    @property
    def enabled(self) -> bool:
        """True if there are keys. Without them nothing is stored, and sign-in works."""
        return self._sealing.enabled

    def now(self) -> float:
        """The time by which credentials expire, in Unix seconds."""
        return self._clock()

    async def seal(
        self,
        record_id: str,
        identity: Identity,
        credentials: Sequence[Credential] = (),
        state: Mapping[str, Any] | None = None,
        *,
        anew: bool = False,
    ) -> tuple[SealedRow, ...]:
        """Encrypt what a sign-in brought, for `Identities.bind`. Raises ProviderError for what cannot be stored.

        A credential for less than the stored one, which is still good, is left out: it stays as it is. Not so `anew`:
        binding takes away what is stored.
        """
        if not self.enabled:
            return ()
        rows = []
        for credential in credentials:
            owner = Owner(record_id, *identity.key, CREDENTIAL, credential.resource)
            if anew or await self._is_wanted(owner, credential):
                rows.append(await self._seal_credential(owner, credential))
        if state is not None:
            rows.append(await self._seal(Owner(record_id, *identity.key, STATE, ""), dict(state)))
        return tuple(rows)

    async def store(self, rows: Sequence[SealedRow], now: float) -> None:
        """Write sealed rows outside a sign-in. Raises StoreError."""
        if rows:
            await self._database.write(lambda connection: store_sealed(connection, rows, now))

    async def credential(self, record: Record, resource: str = "") -> Opened[Credential]:
        """The credential of an identity for a resource ("" is the provider's own API)."""
        return _credential(await self._open(_owner(record, CREDENTIAL, resource)))

    def holdings(self, user: HubKey, resource: str = "") -> list[Holding]:
        """The identities of a hub user, the home identity first, with their credentials for a resource: one query."""
        with self._database.read() as connection:
            rows = connection.execute(_HELD_BY, columns(user) | {"resource": resource}).all()
        found = [Holding(record_of(row), row if row.identity_id is not None else None) for row in rows]
        return sorted(found, key=lambda holding: home_first(holding.record))

    async def open(self, holding: Holding) -> Opened[Credential]:
        """The credential of a holding; what was opened a while ago, and is the same still, is not opened again."""
        row = holding.row
        if row is None or not self.enabled:
            return Opened(None, "missing" if self.enabled else "storage_disabled")
        owner = _owner(holding.record, CREDENTIAL, row.resource)
        known = self._recent.get((owner, row.blob))
        if known is not None:
            return Opened(known, held=held_by(row))
        opened = _credential(await self._opened(owner, row))
        if opened.content is not None:
            self._recent[owner, row.blob] = opened.content
            while len(self._recent) > MOST_RECENT:
                self._recent.popitem(last=False)
        return opened

    async def state(self, record: Record) -> Opened[Mapping[str, Any]]:
        """What the provider kept of the identity's last sign-in (`SignIn.state`)."""
        return await self._open(_owner(record, STATE, ""))

    async def give_back(self, records: Sequence[Record]) -> None:
        """Have every credential of these identities revoked; see `revocation_queue`. Raises StoreError."""
        ids, now = [record.id for record in records], self._clock()
        await self._database.write(lambda connection: revocation_queue.move(connection, ids, now))

    async def queued(self, row: Row[Any]) -> Credential:
        """What a row of the revocation queue holds. Raises CredentialError `unreadable`."""
        owner = Owner(row.identity_id, row.provider, row.subject, CREDENTIAL, row.resource)
        return _from_plain((await self._sealing.open(owner, row.blob)).content)

    # One credential, renewed; every change only if nobody else has changed it since it was read.

    async def lease(self, record: Record, held: Held, seconds: float) -> bool:
        """Whether the caller may renew the credential now, and nobody else for so long. Raises StoreError."""
        key, now = _key(record, held.resource), self._clock()
        until = now + seconds
        return await self._database.write(lambda connection: lease.take(connection, key, held.generation, now, until))

    async def sealed(self, record: Record, resource: str, credential: Credential) -> SealedRow:
        """A credential that takes the place of the one in that row."""
        return await self._seal_credential(_owner(record, CREDENTIAL, resource), credential)

    async def replace(self, record: Record, row: SealedRow, held: Held) -> bool:
        """Put a renewed credential in the place of what was read; False if that is another by now, or gone.

        What was deleted or given back does not come back; the provider hears of it (row F20). Raises StoreError.
        """
        now = self._clock()
        new, key = contents(row, now), (row.identity_id, row.purpose, row.resource)

        def write(connection: Connection) -> bool:
            if lease.end(connection, key, held.generation, new):
                return True
            _forsake_if_gone(connection, record, row, now)
            return False

        return await self._database.write(write)

    async def add(self, record: Record, row: SealedRow) -> bool:
        """Store a credential got with another one, unless that one is gone (row F20). Raises StoreError."""
        now = self._clock()

        def write(connection: Connection) -> bool:
            if _forsake_if_gone(connection, record, row, now):
                return False
            store_sealed(connection, [row], now)
            return True

        return await self._database.write(write)

    async def set_aside(self, record: Record, held: Held, trouble: str) -> bool:
        """Note that only a new sign-in can help; False if there was one meanwhile. Raises StoreError."""
        return await self._end(record, held, {"trouble": trouble})

    async def put_off(self, record: Record, held: Held, retry_at: float) -> None:
        """Note that the source does not answer, and when to ask it again. Raises StoreError."""
        await self._end(record, held, {"failures": held.failures + 1, "retry_at": retry_at})

    async def leave(self, record: Record, held: Held) -> None:
        """Give the lease back; the credential is as it was. Raises StoreError."""
        await self._end(record, held, {})

    async def _end(self, record: Record, held: Held, changed: Mapping[str, Any]) -> bool:
        key = _key(record, held.resource)
        return await self._database.write(lambda connection: lease.end(connection, key, held.generation, changed))

    async def _is_wanted(self, owner: Owner, new: Credential) -> bool:
        """Whether a sign-in's credential takes the place of the stored one.

        Whoever signs in with the least keeps what was granted before; a source that gives a refresh token once does not
        take it back by not repeating it. What is kept stays untouched, because it may just be renewed.
        """
        row = self._row(owner)
        held = None if row is None else held_by(row)
        if held is None or held.trouble or not new.scopes <= held.scopes:
            return True
        if not (held.renewable or held.lasts(self._clock())):
            return True
        if new.scopes == held.scopes and (new.refresh_token or not held.renewable):
            return True
        return (await self._open(owner)).content is None

    async def _seal_credential(self, owner: Owner, credential: Credential) -> SealedRow:
        row = await self._seal(owner, _to_plain(credential))
        return replace(
            row,
            scopes=credential.scopes,
            expires_at=credential.expires_at,
            renewable=credential.refresh_token is not None,
        )

    async def _seal(self, owner: Owner, content: Mapping[str, Any]) -> SealedRow:
        blob = await self._sealing.seal(owner, content)
        return SealedRow(identity_id=owner.record_id, purpose=owner.purpose, resource=owner.resource, blob=blob)

    async def _open(self, owner: Owner) -> Opened[dict[str, Any]]:
        return await self._opened(owner, self._row(owner) if self.enabled else None)

    async def _opened(self, owner: Owner, row: Row[Any] | None) -> Opened[dict[str, Any]]:
        if not self.enabled:
            return Opened(None, "storage_disabled")
        if row is None:
            return Opened(None, "missing")
        try:
            opened = await self._sealing.open(owner, row.blob)
        except CredentialError as error:
            log.warning("hubauth: a %s of identity %s: %s", owner.purpose, owner.record_id, error.sentence)
            return Opened(None, "unusable", held_by(row))
        if not opened.by_first_key:
            self._lazily.rewrite(Stored(owner, row.blob, generation=row.generation), opened.content)
        return Opened(opened.content, held=held_by(row))

    def _row(self, owner: Owner) -> Row[Any] | None:
        with self._database.read() as connection:
            place = {"identity_id": owner.record_id, "purpose": owner.purpose, "resource": owner.resource}
            return connection.execute(_AT, place).first()


def _forsake_if_gone(connection: Connection, record: Record, row: SealedRow, now: float) -> bool:
    """Leave what nobody has any more to be revoked (row R17); False where something of the identity is stored.

    That is, after a new sign-in nothing is revoked: a source may take the new grant back along with the old one.
    """
    stored = select(vault.c.generation).where(vault.c.identity_id == record.id, vault.c.purpose == CREDENTIAL)
    if connection.execute(stored.with_for_update()).first():
        return False
    whose = {"identity_id": record.id, "provider": record.provider, "subject": record.subject}
    revocation_queue.add(connection, **whose, resource=row.resource, blob=row.blob, now=now)
    return True


def _credential(opened: Opened[dict[str, Any]]) -> Opened[Credential]:
    content = None if opened.content is None else _from_plain(opened.content)
    return Opened(content, opened.reason, opened.held)


def _owner(record: Record, purpose: str, resource: str) -> Owner:
    return Owner(record.id, record.provider, record.subject, purpose, resource)


def _key(record: Record, resource: str) -> lease.Key:
    return (record.id, CREDENTIAL, resource)


def held_by(row: Row[Any]) -> Held:
    """What a row of the vault says."""
    return Held(
        resource=row.resource,
        scopes=frozenset(row.scopes.split()),
        expires_at=row.expires_at,
        renewable=row.renewable,
        trouble=row.trouble,
        generation=row.generation,
        updated_at=row.updated_at,
        failures=row.failures,
        retry_at=row.retry_at,
    )


def _reveal(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _to_plain(credential: Credential) -> dict[str, Any]:
    return {
        "access_token": credential.access_token.reveal(),
        "refresh_token": _reveal(credential.refresh_token),
        "id_token": _reveal(credential.id_token),
        "token_type": credential.token_type,
        "scopes": sorted(credential.scopes),
        "expires_at": credential.expires_at,
        "resource": credential.resource,
    }


def _from_plain(plain: Mapping[str, Any]) -> Credential:
    refresh, identity = plain["refresh_token"], plain["id_token"]
    return Credential(
        access_token=Secret(plain["access_token"]),
        refresh_token=None if refresh is None else Secret(refresh),
        id_token=None if identity is None else Secret(identity),
        token_type=plain["token_type"],
        scopes=frozenset(plain["scopes"]),
        expires_at=plain["expires_at"],
        resource=plain["resource"],
    )
