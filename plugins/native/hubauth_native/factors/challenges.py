"""What a passkey signs: random, for one browser, for five minutes. A signed cookie is the only place where it is kept.

That it is answered once is the database's word: see `store.Factors.spend_challenge`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final

from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url

from hubauth_core.plugin import drop_cookie, keep_cookie, recall_cookie

COOKIE: Final = "hubauth_passkey"
LASTS: Final = 300.0
"""Seconds within which a challenge is answered."""


@dataclass(frozen=True)
class Challenge:
    """Random bytes, and when they were made (Unix seconds)."""

    value: bytes = field(repr=False)
    made_at: float

    @property
    def text(self) -> str:
        return bytes_to_base64url(self.value)


def issue(handler: Any, public_url: str) -> Challenge:
    """A new challenge for this browser; it takes the place of an earlier one."""
    challenge = Challenge(secrets.token_bytes(32), time.time())
    keep_cookie(handler, COOKIE, f"{challenge.made_at!r} {challenge.text}", public_url)
    return challenge


def take(handler: Any) -> Challenge | None:
    """The challenge of this browser, which has no other one afterwards; None if there is none, or it is too old."""
    kept = recall_cookie(handler, COOKIE, LASTS)
    drop_cookie(handler, COOKIE)
    made_at, _, text = kept.partition(" ")
    if not text or not 0 <= time.time() - float(made_at) <= LASTS:
        return None
    return Challenge(base64url_to_bytes(text), float(made_at))
