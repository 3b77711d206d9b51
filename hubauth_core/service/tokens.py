"""Whose an API token is: the hub says so, and its word holds for a few seconds.

https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html#operation/get-current-user
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx
from jupyterhub.scopes import parse_scopes

from ..errors import StoreError
from ..mapping import hub_key
from ..web.callers import Caller, digest, holder_of
from .hub_tables import HubTables

LASTS: Final = 10.0
"""Seconds for which the hub's word holds; a token that was taken back is good for that much longer."""

MOST: Final = 10_000
"""Tokens that are remembered; of more, those that were asked about longest ago are forgotten."""

PATIENCE: Final = httpx.Timeout(15.0, connect=2.0)
"""Seconds; the hub may have to ask a source first whether the user is still the same."""


def client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """What asks the hub. It trusts this machine's authorities and SSL_CERT_FILE, and never keeps a cookie.

    The hub takes a cookie where a token is not valid: somebody's would speak for everybody.
    """
    return httpx.AsyncClient(
        transport=transport,
        verify=ssl.create_default_context(),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


@dataclass(frozen=True)
class _Word:
    """Who holds a token, and until when (monotonic seconds) that may be relied on."""

    caller: Caller
    until: float


class Tokens:
    """Asks the hub whose tokens are. `api_url` is the hub's API as a server reaches it; `clock`: monotonic seconds."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        api_url: str,
        tables: HubTables,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._url = f"{api_url.rstrip('/')}/user"
        self._tables = tables
        self._clock = clock
        self._known: OrderedDict[bytes, _Word] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Caller | None]] = {}

    async def caller(self, token: str) -> Caller | None:
        """Who holds a token, None for one that the hub does not know. Raises StoreError while the hub is silent.

        Many who ask at once about one token are one question to the hub.
        """
        key = digest(token)
        word = self._known.get(key)
        if word is not None and self._clock() < word.until:
            return word.caller
        if key not in self._asking:
            self._asking[key] = asyncio.ensure_future(self._ask(token, key))
            self._asking[key].add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(self._asking[key])

    def _answered(self, key: bytes, done: asyncio.Task[Caller | None]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # everybody who waited may have gone

    async def _ask(self, token: str, key: bytes) -> Caller | None:
        since = self._clock()
        self._known.pop(key, None)
        try:
            answer = await self._client.get(self._url, headers={"Authorization": f"token {token}"}, timeout=PATIENCE)
            if answer.status_code in (401, 403):
                return None
            answer.raise_for_status()
            caller = self._read(answer.json(), key)
        except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
            raise StoreError("The hub does not answer; try again.", code="hub_silent") from error
        self._known[key] = _Word(caller, since + LASTS)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return caller

    def _read(self, model: Mapping[str, Any], key: bytes) -> Caller:
        """The hub's model of a token's owner. Raises KeyError, ValueError, TypeError for what is none."""
        name, scopes = str(model["name"]), parse_scopes(frozenset(model["scopes"]))
        if model["kind"] == "service":
            return Caller(holder=f"service:{name}", key=key, scopes=scopes)
        user = self._tables.find(name)
        if user is None:
            raise ValueError("the hub speaks of a user who is not in its database")
        holder = holder_of(self._tables.client_of(str(model["token_id"])))
        return Caller(user=name, user_key=hub_key(user), holder=holder, key=key, scopes=scopes)
