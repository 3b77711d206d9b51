"""Values that count once, and what OpenID servers and this hub share for a while."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from social_core.storage import AssociationMixin, NonceMixin
from sqlalchemy import Connection, delete, insert, select

from ..schema import associations, nonces
from ..store import SIGN_IN, Bound, added

OAUTH2: Final = "social_core.oauth2."
"""How the scope of a nonce begins that is a state of OAuth 2.0."""

REPLAY: Final = 6 * 3600.0
"""Seconds for which a nonce of OpenID is remembered: it is taken for five hours around its time."""

LONGEST: Final = 14 * 24 * 3600.0
"""Seconds for which a shared secret is kept, whatever its server says: it may be anybody's."""


class Nonce(Bound, NonceMixin):
    """A value that counts once within its scope."""

    def __init__(self, server_url: str, timestamp: int, salt: str) -> None:
        self.server_url = server_url
        self.timestamp = timestamp
        self.salt = salt

    @classmethod
    def use(cls, server_url: str, timestamp: Any, salt: str) -> bool:
        """Write it down; False where it was there already."""
        now, at = cls.tables.now(), int(timestamp)
        end = now + SIGN_IN if server_url.startswith(OAUTH2) else max(now, float(at)) + REPLAY
        digest = cls.tables.digest("nonce", server_url, salt)
        return cls.tables.write(lambda it: added(it, nonces, digest=digest, timestamp=at, expires_at=end))

    @classmethod
    def get(cls, server_url: str, salt: str) -> Nonce | None:
        digest = cls.tables.digest("nonce", server_url, salt)
        query = select(nonces.c.timestamp).where(nonces.c.digest == digest).limit(1)
        at = cls.tables.read(lambda it: it.execute(query).scalar())
        return None if at is None else cls(server_url, at, salt)

    @classmethod
    def delete(cls, nonce: Nonce) -> None:
        cls.consume(nonce.server_url, nonce.timestamp, nonce.salt)

    @classmethod
    def consume(cls, server_url: str, timestamp: int, salt: str) -> bool:
        """Take it away; False where it was not there. Of two who ask at once, one is told True (row F19)."""
        digest = cls.tables.digest("nonce", server_url, salt)
        this = (nonces.c.digest == digest) & (nonces.c.timestamp == int(timestamp))
        return cls.tables.write(lambda it: it.execute(delete(nonces).where(this)).rowcount == 1)


class Association(Bound, AssociationMixin):
    """A secret shared with an OpenID server, or a nonce of OpenID Connect. `id` is its row's digest."""

    def __init__(self, digest: str, content: Mapping[str, Any]) -> None:
        self.id = digest
        self.server_url = content["server_url"]
        self.handle = content["handle"]
        self.secret = content["secret"]
        self.issued = content["issued"]
        self.lifetime = content["lifetime"]
        self.assoc_type = content["assoc_type"]

    @classmethod
    def store(cls, server_url: str, association: Any) -> None:
        """Keep it for its lifetime, in place of one with the same handle. Raises StoreError."""
        digest = cls._digest(server_url, association.handle)
        content = {
            "server_url": server_url,
            "handle": association.handle,
            "secret": base64.encodebytes(association.secret).decode(),
            "issued": int(association.issued),
            "lifetime": int(association.lifetime),
            "assoc_type": association.assoc_type,
        }
        row = {
            "digest": digest,
            "server": cls._server(server_url),
            "sealed": cls.tables.seal(digest, content),
            "expires_at": float(min(content["issued"] + content["lifetime"], cls.tables.now() + LONGEST)),
        }

        def put(it: Connection) -> None:
            it.execute(delete(associations).where(associations.c.digest == digest))
            it.execute(insert(associations).values(**row))

        cls.tables.write(put)

    @classmethod
    def get(cls, server_url: str | None = None, handle: str | None = None) -> list[Association]:
        """Those of a server, or of every server; each, or the one of a handle."""
        query = select(associations)
        if server_url is not None:
            query = query.where(associations.c.server == cls._server(server_url))
        if server_url is not None and handle is not None:
            query = query.where(associations.c.digest == cls._digest(server_url, handle))
        rows = cls.tables.read(lambda it: it.execute(query).all())
        opened = [(row.digest, cls.tables.open(row.digest, row.sealed)) for row in rows]
        found = [cls(digest, content) for digest, content in opened if content is not None]
        return [each for each in found if handle in (None, each.handle)]

    @classmethod
    def remove(cls, ids_to_delete: Iterable[str]) -> None:
        gone = associations.c.digest.in_(list(ids_to_delete))
        cls.tables.write(lambda it: it.execute(delete(associations).where(gone)))

    @classmethod
    def _digest(cls, server_url: str, handle: str) -> str:
        return cls.tables.digest("association", server_url, handle)

    @classmethod
    def _server(cls, server_url: str) -> str:
        return cls.tables.digest("server", server_url)
