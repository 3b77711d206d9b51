"""What providers issued for identities, encrypted under the hub's own keys: one row per identity and resource.

Every ciphertext names its owner inside, so that one which was moved to another row does not open (row F14). A lost key
never blocks a sign-in: what cannot be read is reported, and the next sign-in writes it anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

from jupyterhub.crypto import CryptKeeper
from sqlalchemy import select

from .binding import SealedRow, store_sealed
from .database import Database
from .errors import ProviderError
from .mapping import Record
from .schema import vault
from .types import Credential, Identity, Secret

CREDENTIAL: Final = "credential"
STATE: Final = "state"
LARGEST: Final = 2**20
"""Bytes of the largest content of a row."""

Content_co = TypeVar("Content_co", covariant=True)
log = logging.getLogger("hubauth")


class Keeper(Protocol):
    """What the vault asks of the hub's CryptKeeper."""

    keys: list[bytes]

    async def encrypt(self, data: Any) -> bytes:
        """The first key encrypts."""

    async def decrypt(self, encrypted: bytes) -> Any:
        """Any key decrypts."""


@dataclass(frozen=True)
class Opened(Generic[Content_co]):
    """What a row held; None with a `reason` where there is nothing to use.

    `storage_disabled`: the hub has no keys. `missing`: nothing is stored. `unusable`: lost key, or not this row's.
    """

    content: Content_co | None
    reason: Literal["", "storage_disabled", "missing", "unusable"] = ""


class Vault:
    """Encrypted credentials. Without `keeper` the hub's own keys are used, looked up at each use."""

    def __init__(self, database: Database, keeper: Keeper | None = None) -> None:
        self._database = database
        self._own_keeper = keeper

    @property
    def enabled(self) -> bool:
        """True if there are keys. Without them nothing is stored, and sign-in works."""
        return bool(self._keeper.keys)

    async def seal(
        self,
        record_id: str,
        identity: Identity,
        credentials: Sequence[Credential] = (),
        state: Mapping[str, Any] | None = None,
    ) -> tuple[SealedRow, ...]:
        """Encrypt what a sign-in brought, for `Identities.bind`. Raises ProviderError for what cannot be stored."""
        if not self.enabled:
            return ()
        contents = [(CREDENTIAL, each.resource, _to_plain(each)) for each in credentials]
        if state is not None:
            contents.append((STATE, "", dict(state)))
        return tuple([await self._seal(record_id, identity, *content) for content in contents])

    async def store(self, rows: Sequence[SealedRow], now: float) -> None:
        """Write sealed rows outside a sign-in, for example a renewed credential. Raises StoreError."""
        if rows:
            await self._database.write(lambda connection: store_sealed(connection, rows, now))

    async def credential(self, record: Record, resource: str = "") -> Opened[Credential]:
        """The credential of an identity for a resource ("" is the provider's own API)."""
        opened = await self._open(record, CREDENTIAL, resource)
        if opened.content is None:
            return Opened(None, opened.reason)
        return Opened(_from_plain(opened.content))

    async def state(self, record: Record) -> Opened[Mapping[str, Any]]:
        """What the provider kept of the identity's last sign-in (`SignIn.state`)."""
        return await self._open(record, STATE, "")

    @property
    def _keeper(self) -> Keeper:
        keeper: Keeper = self._own_keeper or CryptKeeper.instance()
        return keeper

    async def _seal(self, record_id: str, identity: Identity, purpose: str, resource: str, content: Any) -> SealedRow:
        owner = _owner(record_id, identity.provider, identity.subject, purpose, resource)
        try:
            text = json.dumps({"owner": owner, "content": content}, default=_plain)
        except (TypeError, ValueError) as error:
            raise ProviderError("What the provider wants kept is not JSON.", code="state_invalid") from error
        if len(text) > LARGEST:
            raise ProviderError("What the provider wants kept is too large.", code="state_invalid")
        blob = await self._keeper.encrypt(text)
        return SealedRow(identity_id=record_id, purpose=purpose, resource=resource, blob=blob)

    async def _open(self, record: Record, purpose: str, resource: str) -> Opened[dict[str, Any]]:
        if not self.enabled:
            return Opened(None, "storage_disabled")
        blob = self._read(record.id, purpose, resource)
        if blob is None:
            return Opened(None, "missing")
        try:
            payload = json.loads(await self._keeper.decrypt(blob))
            owned = payload["owner"] == _owner(record.id, record.provider, record.subject, purpose, resource)
            content = payload["content"]
        except Exception as error:  # whatever a wrong key or a broken row makes of it
            log.warning("A stored %s of identity %s cannot be read: %s", purpose, record.id, type(error).__name__)
            return Opened(None, "unusable")
        if not owned or not isinstance(content, dict):
            log.error("A stored %s of identity %s belongs to another row", purpose, record.id)
            return Opened(None, "unusable")
        return Opened(content)

    def _read(self, record_id: str, purpose: str, resource: str) -> bytes | None:
        place = {"identity_id": record_id, "purpose": purpose, "resource": resource}
        query = select(vault.c.blob).where(*(vault.c[name] == value for name, value in place.items()))
        with self._database.read() as connection:
            blob: bytes | None = connection.execute(query).scalar()
        return blob


def _owner(record_id: str, provider: str, subject: str, purpose: str, resource: str) -> list[str]:
    return [record_id, provider, subject, purpose, resource]


def _plain(value: Any) -> Any:
    """Mappings and sets of any kind as JSON has them."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


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
