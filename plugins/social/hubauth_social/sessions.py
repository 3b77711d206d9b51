"""What a backend keeps of one sign-in: in the browser's transaction where it fits, else in the database, sealed, under
the transaction's state, which only that browser has (row V22)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from hubauth_core import LoginRefused

from .store import SocialStore, TooLarge

NOTE: Final = "social"
"""What the note is called in a transaction."""

KEPT: Final = "kept"
"""The note of a session that stands in the database."""

FITS: Final = 700
"""Bytes of a session that a transaction's cookie has room for."""

LARGEST: Final = 16 * 1024
"""Bytes of a session: anybody can begin a sign-in, and each session that does not fit makes a row."""


def leave(store: SocialStore, state: str, session: Mapping[str, Any]) -> Mapping[str, str]:
    """The note for the transaction. Raises StoreError, TooLarge."""
    plain = json.dumps(session)
    if len(plain.encode()) <= FITS:
        return {NOTE: plain}
    if len(plain.encode()) > LARGEST:
        raise TooLarge("a session of one sign-in")
    store.keep("session", state, session)
    return {NOTE: KEPT}


def find(store: SocialStore, state: str, memo: Mapping[str, str]) -> dict[str, Any]:
    """The session that a note stands for; empty where there is no note. Raises LoginRefused, StoreError."""
    note = memo.get(NOTE, "{}")
    if note != KEPT:
        session: dict[str, Any] = json.loads(note)
        return session
    kept = store.recall("session", state)
    if kept is None:
        raise LoginRefused("This sign-in took too long. Try again.", code="state_expired")
    return kept
