"""The hub that started this server, as the environment names it, and one way to ask its credentials API.

The connection goes straight to the address in JUPYTERHUB_API_URL (or HUBAUTH_API_URL), whatever HTTP_PROXY says: that
address is internal to the hub's network, and a proxy would read the server's token. Redirects are not followed, because
the token is for this address only.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from .errors import NotInServer, Unavailable
from .refusal import refusal
from .types import Secret

CONNECT_TIMEOUT: Final = 5.0
TIMEOUT: Final = 30.0
"""Seconds for a whole answer: the hub may have to ask the source for a new token first."""

LARGEST_ANSWER: Final = 1024 * 1024
HEADERS: Final = {"Accept": "application/json", "User-Agent": "hubauth-singleuser", "Connection": "close"}


@dataclass(frozen=True)
class Tls:
    """Files of JupyterHub's `internal_ssl`; all "" where it is off."""

    keyfile: str = ""
    certfile: str = ""
    cafile: str = ""


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Where the credentials are, who we are there, and the token that proves it."""

    api_url: str
    user: str
    token: Secret
    connections_url: str = "/hub/connections"
    tls: Tls = field(default_factory=Tls)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What JupyterHub told this server. Raises NotInServer."""
        api_url = environment.get("HUBAUTH_API_URL") or f"{_told(environment, 'JUPYTERHUB_API_URL')}/hubauth"
        token = _told(environment, "JUPYTERHUB_API_TOKEN")
        if not token.isascii() or not token.isprintable():
            raise NotInServer("JUPYTERHUB_API_TOKEN is no token.")
        if not _is_address(api_url):
            raise NotInServer(
                "JUPYTERHUB_API_URL (or HUBAUTH_API_URL) does not begin with http:// or https:// and a host."
            )
        return cls(
            api_url=api_url.rstrip("/"),
            user=_told(environment, "JUPYTERHUB_USER"),
            token=Secret(token),
            connections_url=_connections_url(environment),
            tls=Tls(
                environment.get("JUPYTERHUB_SSL_KEYFILE", ""),
                environment.get("JUPYTERHUB_SSL_CERTFILE", ""),
                environment.get("JUPYTERHUB_SSL_CLIENT_CA", ""),
            ),
        )

    def ask(self, *path: str, **query: str) -> dict[str, Any]:
        """What the hub answers below `users/<user>/`, as JSON. Raises CredentialError."""
        parts = "/".join(quote(part, safe="") for part in ("users", self.user, *path))
        target = urlsplit(f"{self.api_url}/{parts}" + (f"?{urlencode(query)}" if query else ""))
        try:
            with contextlib.closing(self._connection(target)) as connection:
                status, headers, body = self._exchange(connection, f"{target.path}?{target.query}".rstrip("?"))
        except (OSError, http.client.HTTPException) as error:
            sentence = f"The hub does not answer ({type(error).__name__}), try again."
            raise Unavailable(sentence, slug="hub_unreachable") from None
        answer = _mapping(body)
        if status == 200 and answer is not None:
            return answer
        raise refusal(status, answer or {}, headers.get("Retry-After", ""), self.connections_url)

    def _connection(self, target: SplitResult) -> http.client.HTTPConnection:
        host = target.hostname or ""
        if target.scheme == "http":
            return http.client.HTTPConnection(host, target.port, timeout=CONNECT_TIMEOUT)
        return http.client.HTTPSConnection(host, target.port, timeout=CONNECT_TIMEOUT, context=_context(self.tls))

    def _exchange(
        self, connection: http.client.HTTPConnection, target: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        deadline = time.monotonic() + TIMEOUT
        connection.connect()
        connection.sock.settimeout(TIMEOUT)
        connection.request("GET", target, headers={**HEADERS, "Authorization": f"token {self.token.reveal()}"})
        response = connection.getresponse()
        body = bytearray()
        while part := response.read1(65536):
            body += part
            if len(body) > LARGEST_ANSWER or time.monotonic() > deadline:
                raise http.client.HTTPException("the answer is too long")
        return response.status, response.headers, bytes(body)


def _told(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name, ""):
        return value
    raise NotInServer(f"{name} is not set: this works in a server that JupyterHub started.")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _connections_url(environment: Mapping[str, str]) -> str:
    """As full as the environment allows; only the path where the hub was not told its public address."""
    base = environment.get("JUPYTERHUB_HOST", "") + environment.get("JUPYTERHUB_BASE_URL", "/").rstrip("/")
    hub = environment.get("JUPYTERHUB_PUBLIC_HUB_URL") or f"{base}/hub/"
    return f"{hub.rstrip('/')}/connections"


@functools.cache
def _context(tls: Tls) -> ssl.SSLContext:
    """As JupyterHub itself does it: the hub's own authority beside the machine's, and our certificate."""
    context = ssl.create_default_context(cafile=tls.cafile or None)
    context.load_default_certs()
    if tls.keyfile and tls.certfile:
        context.load_cert_chain(tls.certfile, tls.keyfile)
    return context


def _mapping(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
