"""Mails that wait in the database: written with the transaction that is their reason, sent later, in the background.

Each is encrypted under a key that is derived from the hub's cookie secret, because there may be a link in it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, insert

from ..schema import mails

_NONCE: Final = 12

KEEP_TRYING: Final = 3 * 24 * 3600.0
"""Seconds for which a mail is tried again, if it is worth that long."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One mail: plain text, to one person."""

    to: str
    subject: str
    text: str = field(repr=False)


class Outbox:
    """The mails of one provider. `key`: 32 bytes."""

    def __init__(self, provider: str, key: bytes) -> None:
        self._provider = provider
        self._cipher = AESGCM(key)

    def post(self, connection: Connection, letter: Letter, *, good_for: float = KEEP_TRYING) -> None:
        """Put a letter into the outbox, in the transaction that is its reason; it is tried for `good_for` seconds."""
        mail_id, now = secrets.token_hex(16), time.time()
        row = {"id": mail_id, "provider": self._provider, "sealed": self._seal(mail_id, letter), "created_at": now}
        waits = {"tries": 0, "next_try_at": now, "claimed_until": 0.0, "trouble": ""}
        waits["give_up_at"] = now + min(good_for, KEEP_TRYING)
        connection.execute(insert(mails).values(**row, **waits))

    def open(self, mail_id: str, sealed: bytes) -> Letter | None:
        """The letter of a row; None where the key is another one by now."""
        try:
            text = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], mail_id.encode())
        except InvalidTag:
            return None
        return Letter(**json.loads(text))

    def _seal(self, mail_id: str, letter: Letter) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(asdict(letter)).encode(), mail_id.encode())
