"""A sign-in under way: made for one browser tab, sealed in a cookie of its own, used once.

The cookie is encrypted and authenticated (AES-256-GCM) under a key derived from the hub's cookie secret, so that it
survives a restart of the hub and nobody can read or alter it. Its name is derived from the state, so that any number
of tabs and providers can be under way side by side.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import LoginRefused, ProviderError
from .types import Secret, Transaction

LIFETIME: Final = 600
"""Seconds that a sign-in may take (row R03)."""

MOST_AT_ONCE: Final = 8
"""Transactions that one browser may have under way; the oldest give way (row F21)."""

MOST_BYTES: Final = 3500
"""A sealed transaction fits into one cookie with its name and attributes (row F21)."""

COOKIE_PREFIX: Final = "hubauth-"
_NONCE_BYTES: Final = 12


def begin(
    provider: str,
    *,
    redirect_uri: str,
    next_url: str,
    purpose: Literal["login", "link"] = "login",
    scopes: Iterable[str] = (),
    anew: bool = False,
    bound_to: str = "",
) -> Transaction:
    """A new transaction. State, nonce and verifier hold 256 bits each (rows R03, R11)."""
    return Transaction(
        provider=provider,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=Secret(secrets.token_urlsafe(32)),
        redirect_uri=redirect_uri,
        started_at=time.time(),
        next_url=next_url,
        purpose=purpose,
        scopes=tuple(scopes),
        anew=anew,
        bound_to=bound_to,
    )


def cookie_name(state: str) -> str:
    """The name of the cookie that holds the transaction of a state."""
    return COOKIE_PREFIX + hashlib.sha256(state.encode()).hexdigest()[:32]


class Seal:
    """Closes transactions into cookie values and opens them again."""

    def __init__(self, cookie_secret: bytes, clock: Callable[[], float] = time.time) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=b"hubauth transaction 1").derive(cookie_secret)
        self._cipher = AESGCM(key)
        self._clock = clock

    def close(self, transaction: Transaction) -> str:
        """The cookie value of a transaction. Raises LoginRefused if it does not fit into a cookie (row F21)."""
        fields = {name: getattr(transaction, name) for name in Transaction.__dataclass_fields__}
        fields |= {"verifier": transaction.verifier.reveal(), "memo": dict(transaction.memo)}
        nonce = os.urandom(_NONCE_BYTES)
        context = cookie_name(transaction.state).encode()
        sealed = nonce + self._cipher.encrypt(nonce, json.dumps(fields).encode(), context)
        value = base64.urlsafe_b64encode(sealed).decode()
        if len(value) > MOST_BYTES:
            raise LoginRefused("Too much is asked for at once. Sign in from the start page.", code="too_large")
        return value

    def open(self, state: str, cookies: Mapping[str, str], provider: str) -> Transaction:
        """The transaction of a state, from the cookies of the browser that began it.

        Raises LoginRefused: no such cookie (another browser, or used already), of another provider, too old, altered
        (rows X17, R01, R07, B2).
        """
        transaction = self._read(cookie_name(state), cookies)
        if transaction is None or not secrets.compare_digest(transaction.state.encode(), state.encode()):
            raise LoginRefused(
                "This sign-in is over, was begun in another browser, or this one keeps no cookies. Try again.",
                code="state_unknown",
            )
        if transaction.provider != provider:
            raise LoginRefused("This sign-in was begun with another provider. Try again.", code="provider_mismatch")
        if not 0 <= self._clock() - transaction.started_at + 60 < LIFETIME + 60:
            raise LoginRefused("This sign-in took too long. Try again.", code="state_expired")
        return transaction

    def surplus(self, cookies: Mapping[str, str]) -> list[str]:
        """Names of transaction cookies to drop, so that one more fits: dead ones, then the oldest (row F21)."""
        ages = {}
        for name in ours(cookies):
            transaction = self._read(name, cookies)
            ages[name] = transaction.started_at if transaction else 0.0
        oldest_first = sorted(ages, key=lambda name: ages[name])
        return oldest_first[: max(0, len(oldest_first) - MOST_AT_ONCE + 1)]

    def _read(self, name: str, cookies: Mapping[str, str]) -> Transaction | None:
        value = cookies.get(name, "")
        if not value or len(value) > MOST_BYTES:
            return None
        try:
            sealed = base64.urlsafe_b64decode(value)
            if base64.urlsafe_b64encode(sealed).decode() != value:  # the decoder skips what it does not know
                return None
            fields = json.loads(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode()))
            fields |= {"verifier": Secret(fields["verifier"]), "scopes": tuple(fields["scopes"])}
            return Transaction(**fields)
        except (ValueError, InvalidTag, KeyError, TypeError):  # the last two: sealed by another version of hubauth
            return None


def ours(cookies: Iterable[str]) -> list[str]:
    """The names among a browser's cookies that hold transactions."""
    return [name for name in cookies if name.startswith(COOKIE_PREFIX)]


def remember(transaction: Transaction, memo: Mapping[str, Any]) -> Transaction:
    """The transaction with a provider's notes added. Raises ProviderError for notes that are not text."""
    if not all(isinstance(part, str) for note in memo.items() for part in note):
        raise ProviderError("This way to sign in has a fault; the administrators see it.", code="memo_invalid")
    return replace(transaction, memo={**transaction.memo, **memo})


class UsedStates:
    """States whose code was sent, for as long as a replay could come; in this process, which is the only hub there is.

    A second callback of the same browser waits here for what the first comes to (rows R03, X17, F12).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[str, tuple[float, asyncio.Future[bool]]] = {}

    def claim(self, state: str) -> asyncio.Future[bool] | None:
        """None for the first to claim a state; for everybody after, whether the first came to a session."""
        self._prune()
        digest = hashlib.sha256(state.encode()).hexdigest()
        if digest in self._used:
            return self._used[digest][1]
        self._used[digest] = (self._clock() + LIFETIME + 60, asyncio.get_running_loop().create_future())
        return None

    def settle(self, state: str, *, signed_in: bool, over: bool = True) -> None:
        """Say what the first claim of a state came to; where the sign-in is not over, its state may come once more."""
        digest = hashlib.sha256(state.encode()).hexdigest()
        if digest in self._used and not self._used[digest][1].done():
            self._used[digest][1].set_result(signed_in)
        if not over:
            self._used.pop(digest, None)

    def __len__(self) -> int:
        return len(self._used)

    def _prune(self) -> None:
        now = self._clock()
        for digest, (until, _) in list(self._used.items()):
            if until > now:
                break
            del self._used[digest]
