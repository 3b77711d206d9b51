"""Fresh tokens for code in this server, asked for once and kept in memory until shortly before they expire."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from .errors import Refused, Unavailable
from .hub import Hub
from .refusal import unreadable
from .types import Connection, Credential

MIN_TTL: Final = 60.0
"""Seconds that a token is still good for, if nobody says otherwise."""

LONGEST_KEPT: Final = 300.0
"""Seconds after which the hub is asked again whatever a token's expiry: the user may have disconnected the account."""

NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Names of providers, as the hub's configuration has them."""


@dataclass(frozen=True)
class _Held:
    credential: Credential
    asked_at: float
    min_ttl: float

    def good(self, min_ttl: float, now: float) -> bool:
        """Whether it may be used without asking again.

        One that came with less than what was asked for lives shorter than that, and is good for half of the rest.
        """
        if now - self.asked_at > LONGEST_KEPT:
            return False
        expires_at = self.credential.expires_at
        if expires_at is None:
            return True
        left = expires_at - self.asked_at
        return expires_at - now > (left / 2 if left <= min(min_ttl, self.min_ttl) else min_ttl)


class Client:
    """What the hub hands out, remembered. Threads that want the same token at once cause one request."""

    def __init__(self, hub: Hub | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """`hub` defaults to what the environment says when it is asked."""
        self._hub = hub
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Drop all that is remembered; also what threads of a parent process had begun."""
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], _Held] = {}
        self._asking: dict[tuple[str, str, float], Future[Credential]] = {}

    @property
    def hub(self) -> Hub:
        """The hub that is asked. Raises NotInServer."""
        return self._hub or Hub.from_environment()

    def get_credential(self, provider: str, resource: str = "", *, min_ttl: float = MIN_TTL) -> Credential:
        """A token of the user's account at `provider`, good for `min_ttl` more seconds. Raises CredentialError.

        `resource` names one that the administrator configured for token exchange. A token that lives shorter than
        `min_ttl` is good for half its life.
        """
        if not NAME.fullmatch(provider):
            raise Refused(f"{provider!r} is no provider's name.", slug="unknown_provider", status=404)
        key = (provider, resource, min_ttl)
        with self._lock:
            held = self._held.get((provider, resource))
            if held and held.good(min_ttl, self._clock()):
                return held.credential
            answer = self._asking.get(key)
            mine = answer is None
            if answer is None:
                answer = self._asking[key] = Future()
        if mine:
            self._settle(answer, key, held)
        return answer.result()

    def get_token(self, provider: str, resource: str = "", *, min_ttl: float = MIN_TTL) -> str:
        """The text of `get_credential(...)`'s token."""
        return self.get_credential(provider, resource, min_ttl=min_ttl).access_token.reveal()

    def credentials(self) -> tuple[Connection, ...]:
        """The user's accounts and their state, without secrets. Raises CredentialError."""
        try:
            return tuple(Connection.parse(entry) for entry in self.hub.ask("credentials")["credentials"])
        except (KeyError, TypeError, AttributeError, ValueError):
            raise unreadable() from None

    def _settle(self, answer: Future[Credential], key: tuple[str, str, float], held: _Held | None) -> None:
        """Ask, for all who wait."""
        try:
            credential = self._ask(*key, held)
        except BaseException as error:
            with self._lock:
                del self._asking[key]
            answer.set_exception(error)
        else:
            provider, resource, min_ttl = key
            with self._lock:
                self._held[provider, resource] = _Held(credential, self._clock(), min_ttl)
                del self._asking[key]
            answer.set_result(credential)

    def _ask(self, provider: str, resource: str, min_ttl: float, held: _Held | None) -> Credential:
        query = {"resource": resource} if resource else {}
        try:
            return Credential.parse(self.hub.ask("credentials", provider, **query, min_ttl=f"{min_ttl:.15g}"))
        except ValueError:
            raise unreadable() from None
        except Unavailable:
            # a hub that restarts is no reason to stop using what it gave us a few minutes ago
            if held and (held.credential.expires_at or float("inf")) - self._clock() > min_ttl:
                return held.credential
            raise


_client: Final = Client()
"""What this process has."""

os.register_at_fork(after_in_child=_client.forget)

get_credential = _client.get_credential
get_token = _client.get_token
credentials = _client.credentials
