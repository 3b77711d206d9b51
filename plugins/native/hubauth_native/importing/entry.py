"""One account as another place has it, and why another one cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hubauth_core import Secret

from ..accounts import ACTIVE, Status

MOST: Final = 100_000
"""Accounts of one import."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An account elsewhere. `where` is its place there, for people: a line, a row.

    `password_hash` is bcrypt or argon2id. `totp` is the secret of a second factor in base32, of 6 digits in 30 seconds.
    """

    username: str
    where: str = ""
    full_name: str = ""
    email: str = ""
    email_verified: bool = False
    password_hash: Secret | None = field(default=None, repr=False)
    status: Status = ACTIVE
    admin: bool | None = None
    totp: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Something that is no account. `why` is a sentence."""

    where: str
    why: str
    username: str = ""


Found = Entry | Unreadable
