"""What backends keep in hubauth's database, in short calls that a thread makes; `storage.py` is how they see it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Literal, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from hubauth_core.plugin import Database

from .schema import kept

Answer = TypeVar("Answer")
Kind = Literal["session", "partial"]

AT_ONCE: Final = threading.BoundedSemaphore(4)
"""Threads of backends that use the database at the same time: the event loop's own connections are never all taken."""

MOST_SEALED: Final = 60_000
"""Bytes of one thing that is sealed."""

SIGN_IN: Final = 900.0
"""Seconds for which anything of one sign-in is kept: longer than hubauth lets one take."""

_NONCE: Final = 12


class TooLarge(ValueError):
    """What a backend wants kept is larger than anything that a sign-in needs."""


class SocialStore:
    """The tables of one provider. `key` (32 bytes) seals what must not be read in the database."""

    def __init__(self, database: Database, provider: str, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self.provider = provider
        self.now = clock
        self._database = database
        self._cipher = AESGCM(key)

    def read(self, work: Callable[[Connection], Answer]) -> Answer:
        """`work(connection)`, which reads. Raises StoreError."""
        with AT_ONCE, self._database.read() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], Answer]) -> Answer:
        """`work(connection)` in one transaction: all of it or nothing. Raises StoreError."""
        with AT_ONCE:
            return self._database.write_now(work)

    def digest(self, *parts: str | int) -> str:
        """What stands in the database for something that must not: of this provider, and of all the parts."""
        return hashlib.sha256(json.dumps([self.provider, *parts]).encode()).hexdigest()

    def seal(self, digest: str, content: Mapping[str, Any]) -> bytes:
        """Encrypt for the row of a digest. Raises TooLarge, TypeError for what is not JSON."""
        plain = json.dumps(content, allow_nan=False).encode()
        if len(plain) > MOST_SEALED:
            raise TooLarge(f"{len(plain)} bytes")
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, digest.encode())

    def open(self, digest: str, sealed: bytes) -> dict[str, Any] | None:
        """What was sealed for this row; None where the hub has another cookie secret by now, or the row was altered."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], digest.encode())
        except InvalidTag:
            return None
        content: dict[str, Any] = json.loads(plain)
        return content

    def keep(self, kind: Kind, token: str, content: Mapping[str, Any]) -> None:
        """Keep something until its browser comes back with `token`. Raises StoreError, TooLarge, TypeError."""
        digest = self.digest(kind, token)
        row = {"digest": digest, "kind": kind, "sealed": self.seal(digest, content), "expires_at": self.now() + SIGN_IN}

        def put(it: Connection) -> None:
            it.execute(delete(kept).where(kept.c.digest == digest))
            it.execute(insert(kept).values(**row))

        self.write(put)

    def recall(self, kind: Kind, token: str) -> dict[str, Any] | None:
        """What waits under a token; None where there is nothing, or no more. Raises StoreError."""
        digest = self.digest(kind, token)
        query = select(kept.c.sealed).where(kept.c.digest == digest, kept.c.expires_at > self.now())
        sealed = self.read(lambda it: it.execute(query).scalar())
        return None if sealed is None else self.open(digest, sealed)

    def drop(self, kind: Kind, token: str) -> None:
        """Raises StoreError."""
        gone = kept.c.digest == self.digest(kind, token)
        self.write(lambda it: it.execute(delete(kept).where(gone)))


class Bound:
    """A storage class of one provider's store; python-social-auth calls its methods on the class."""

    tables: ClassVar[SocialStore]


def added(connection: Connection, table: Table, **values: Any) -> bool:
    """Insert a row; False where the database says that there is one already (rows V21, F19)."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError:
        return False
    return True
