"""An OpenID provider for tests and for the demo: real endpoints, made-up people, no passwords.

Code flow with PKCE (S256), rotating refresh tokens, token exchange, revocation, signed ID tokens, the `iss` parameter.
It serves loopback only, and sends browsers to loopback addresses only, because whoever reaches it may be anybody.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import base64
import hmac
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote_plus, urlencode, urlsplit

from tornado import httpserver, netutil, web

from .issuing import Grant, Issuer, Person, Refused

__all__ = ["Grant", "IdentityProvider", "Person", "credentials_of", "log"]

ADDRESS: Final = "127.0.0.1"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
REFRESH_TOKEN: Final = "urn:ietf:params:oauth:token-type:refresh_token"
TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE_POLICY: Final = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"

log = logging.getLogger("hubauth.idp")
"""One line for each answer, without what browsers and clients bring along; the token endpoint says for whom it was."""


@dataclass(kw_only=True)
class IdentityProvider(Issuer):
    """A running OpenID provider: `async with IdentityProvider(title="City Library", people=[...]) as idp`.

    Port 0 takes a free one.
    """

    port: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._server: httpserver.HTTPServer | None = None

    @property
    def issuer(self) -> str:
        """The issuer identifier, which is also the base of every address."""
        return f"http://{ADDRESS}:{self.port}"

    async def start(self) -> None:
        """Listen. Raises OSError where the port is in use."""
        sockets = netutil.bind_sockets(self.port, ADDRESS, family=socket.AF_INET)
        self.port = sockets[0].getsockname()[1]
        self._server = httpserver.HTTPServer(self._application())
        self._server.add_sockets(sockets)

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def pages(self) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
        """What it answers, as tornado's rules."""
        options = {"idp": self}
        return [
            (r"/\.well-known/openid-configuration", Metadata, options),
            (r"/jwks", Keys, options),
            (r"/authorize", Authorize, options),
            (r"/token", Token, options),
            (r"/revoke", Revoke, options),
            (r"/userinfo", UserInfo, options),
            (r"/(idp\.css)", web.StaticFileHandler, {"path": TEMPLATES}),
        ]

    def _application(self) -> web.Application:
        return web.Application(self.pages(), template_path=str(TEMPLATES), log_function=self._log)

    def _log(self, handler: web.RequestHandler) -> None:
        request = handler.request  # its address without the query, in which states and codes are
        log.info("%s: %s %s -> %s", self.title, request.method, request.path, handler.get_status())

    def metadata(self) -> dict[str, Any]:
        """The discovery document (RFC 8414 section 2, OpenID Connect Discovery section 3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "jwks_uri": f"{self.issuer}/jwks",
            "scopes_supported": self.scopes,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,  # RFC 9207 section 3
            "claims_supported": ["sub", "preferred_username", "name", "email", "email_verified", "groups"],
        }


class Handler(web.RequestHandler):
    """What all endpoints share: the provider, and answers that nobody caches."""

    idp: IdentityProvider

    def initialize(self, idp: IdentityProvider) -> None:
        self.idp = idp

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", STYLE_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")

    def refuse(self, status: int, error: str) -> None:
        """An error as JSON (RFC 6749 section 5.2)."""
        self.set_status(status)
        self.finish({"error": error})


class Metadata(Handler):
    """Discovery."""

    def get(self) -> None:
        self.finish(self.idp.metadata())


class Keys(Handler):
    """The public key (RFC 7517)."""

    def get(self) -> None:
        public = {str(name): value for name, value in self.idp.key.as_dict(private=False).items()}
        self.finish({"keys": [public | {"use": "sig", "alg": "RS256"}]})


class Authorize(Handler):
    """The page on which a person is chosen (RFC 6749 section 4.1.1); posting it ends in a redirect to the client."""

    def prepare(self) -> None:
        if self._value("client_id") != self.idp.client_id or not is_loopback(self._value("redirect_uri")):
            raise web.HTTPError(400)  # section 4.1.2.1: no redirect to an address that is not known to be the client's
        if error := self._error():
            self._answer(error=error)

    def get(self) -> None:
        asked = [each for each in self._scopes() if each in self.idp.further_scopes]
        self.render(
            "authorize.html", title=self.idp.title, people=self.idp.people, query=self.request.query, asked=asked
        )

    def post(self) -> None:
        person = self.idp.find(self.get_body_argument("person", ""))
        if person is None:
            self._answer(error="access_denied")
            return
        grant = Grant(
            person=person,
            scope=" ".join(self._scopes()),
            nonce=self.get_query_argument("nonce", None),
            redirect_uri=self._value("redirect_uri"),
            challenge=self._value("code_challenge"),
            made_at=time.time(),
        )
        self._answer(code=self.idp.issue_code(grant))

    def _value(self, name: str) -> str:
        values = self.get_query_arguments(name)
        if len(values) > 1:
            raise web.HTTPError(400)  # section 3.1: no parameter more than once
        return values[0] if values else ""

    def _scopes(self) -> list[str]:
        """What is asked for and can be had (section 3.3)."""
        return [each for each in self._value("scope").split() if each in self.idp.scopes]

    def _error(self) -> str | None:
        if self._value("response_type") != "code":
            return "unsupported_response_type"
        if "openid" not in self._scopes():
            return "invalid_scope"
        if self._value("code_challenge_method") != "S256" or len(self._value("code_challenge")) != 43:
            return "invalid_request"  # RFC 7636 section 4.4.1
        return "login_required" if self._value("prompt") == "none" else None

    def _answer(self, **values: str) -> None:
        values |= {"iss": self.idp.issuer, "state": self._value("state")}
        address = self._value("redirect_uri")
        self.redirect(f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(values)}", status=303)


class ClientHandler(Handler):
    """What only the client may ask (RFC 6749 section 2.3.1)."""

    def prepare(self) -> None:
        name, secret = self._client()
        if name != self.idp.client_id or not hmac.compare_digest(secret.encode(), self.idp.client_secret.encode()):
            self.set_header("WWW-Authenticate", "Basic")
            self.refuse(401, "invalid_client")

    def value(self, name: str) -> str:
        """A field of the form, "" if it is not there."""
        return self.get_body_argument(name, "", strip=False)

    def _client(self) -> tuple[str, str]:
        basic = credentials_of(self.request.headers, "Basic")
        if not basic:
            return self.value("client_id"), self.value("client_secret")
        try:
            name, _, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return unquote_plus(name), unquote_plus(secret)


class Token(ClientHandler):
    """Codes, refresh tokens and other tokens become tokens (RFC 6749 sections 4.1.3 and 6, RFC 8693)."""

    def post(self) -> None:
        grants = {"authorization_code": self._code, "refresh_token": self._refresh, TOKEN_EXCHANGE: self._exchange}
        kind = self.value("grant_type")
        try:
            if kind not in grants:
                raise Refused("unsupported_grant_type")
            self.finish(grants[kind]())
        except Refused as refused:
            self.refuse(400, refused.error)

    def _code(self) -> dict[str, Any]:
        found = self.idp.redeem_code(self.value("code"), self.value("redirect_uri"), self.value("code_verifier"))
        return self._issued(found, "offline_access" in (found.scope.split() if found else ()))

    def _refresh(self) -> dict[str, Any]:
        return self._issued(self.idp.redeem_refresh(self.value("refresh_token")), renewable=True)

    def _exchange(self) -> dict[str, Any]:
        """With a refresh token only where that is asked for, as Keycloak has it."""
        wanted = self.value("requested_token_type") or ACCESS_TOKEN
        if self.value("subject_token_type") != ACCESS_TOKEN or wanted not in {ACCESS_TOKEN, REFRESH_TOKEN}:
            raise Refused("invalid_request")
        audience = self.value("audience") or self.value("resource")
        grant = self.idp.exchange(self.value("subject_token"), audience, self.value("scope"))
        return self._issued(grant, renewable=wanted == REFRESH_TOKEN) | {"issued_token_type": wanted}

    def _issued(self, grant: Grant | None, renewable: bool) -> dict[str, Any]:
        if grant is None:
            raise Refused("invalid_grant")
        kind = self.value("grant_type").rpartition(":")[2]
        log.info("%s: %s of %s", self.idp.title, kind, grant.person.username)
        return self.idp.answer(grant, renewable=renewable)


class Revoke(ClientHandler):
    """A token is taken back (RFC 7009); one that is not known is no error."""

    def post(self) -> None:
        self.idp.revoke(self.value("token"))
        self.finish()


class UserInfo(Handler):
    """The claims of the person behind an access token (OpenID Connect Core section 5.3)."""

    def get(self) -> None:
        grant = self.idp.grant_of(credentials_of(self.request.headers, "Bearer"))
        if grant is None or grant.audience:
            self.set_header("WWW-Authenticate", 'Bearer error="invalid_token"')
            self.refuse(401, "invalid_token")
            return
        self.finish(grant.person.claims())

    post = get


def credentials_of(headers: Mapping[str, str], scheme: str) -> str:
    """What stands behind the scheme in an Authorization header; empty where another scheme, or nothing, stands."""
    said, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if said.lower() == scheme.lower() else ""


def is_loopback(address: str) -> bool:
    """Whether a redirect to this address stays on this machine."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and not parts.fragment and parts.username is None
    except ValueError:
        return False
