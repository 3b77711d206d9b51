"""What somebody typed, as the bytes that are hashed: whole, in one normal form, and never too long to work on."""

from __future__ import annotations

import unicodedata
from typing import Final

from hubauth_core import LoginRefused

LONGEST: Final = 1024
"""Bytes of a password, so that 256 characters of any script fit (rows P02, 6.2.9)."""


class PasswordRefused(LoginRefused):
    """The password cannot be taken; the sentence says why."""

    default_code = "password_refused"


def normalised(password: str) -> str:
    """The password in NFC, which keyboards differ in, and otherwise as it was typed (rows P05, 6.2.8).

    Raises PasswordRefused for what can be nobody's password: nothing, NUL, half a character, more than `LONGEST`.
    """
    received(password)
    return unicodedata.normalize("NFC", password)


def received(password: str) -> bytes:
    """The password as it was typed. Raises PasswordRefused like `normalised`."""
    if not password:
        raise PasswordRefused("Type a password.")
    if len(password) > LONGEST:
        raise _too_long()
    try:
        encoded = password.encode()
    except UnicodeEncodeError:
        raise PasswordRefused("This password holds something that is not a character. Type another one.") from None
    if len(encoded) > LONGEST:
        raise _too_long()
    if b"\0" in encoded:
        raise PasswordRefused("This password holds a character that cannot be stored (NUL). Type another one.")
    return encoded


def _too_long() -> PasswordRefused:
    return PasswordRefused("This password is too long. 256 characters always fit.")
