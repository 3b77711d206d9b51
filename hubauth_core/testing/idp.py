"""An OpenID provider for tests and for the demo: real endpoints, made-up people, no passwords.

Code flow with PKCE (S256), rotating refresh tokens, signed ID tokens, the `iss` parameter. It serves loopback only, and
sends browsers to loopback addresses only, because whoever reaches it may be anybody.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from tornado import httpserver, netutil, web

ADDRESS: Final = "127.0.0.1"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
CODE_LIFETIME: Final = 60.0
"""Seconds in which a code must be used (RFC 6749 section 4.1.2 allows ten minutes)."""
SCOPES: Final = ("openid", "profile", "email", "groups", "offline_access")
TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE_POLICY: Final = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"

log = logging.getLogger("hubauth.idp")
"""One line for each answer, without what browsers and clients bring along; the token endpoint says for whom it was."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can sign in. `note` is shown to whoever chooses, and goes nowhere else."""

    subject: str
    username: str
    name: str
    email: str = ""
    groups: tuple[str, ...] = ()
    note: str = ""

    def claims(self) -> dict[str, Any]:
        """The standard claims (OpenID Connect Core section 5.1), and `groups`."""
        claims: dict[str, Any] = {"sub": self.subject, "preferred_username": self.username, "name": self.name}
        if self.email:
            claims |= {"email": self.email, "email_verified": True}
        return claims | {"groups": list(self.groups)}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a person agreed to: becomes an answer of the token endpoint."""

    person: Person
    scope: str
    nonce: str | None
    redirect_uri: str
    challenge: str
    made_at: float


@dataclass(kw_only=True)
class IdentityProvider:
    """A running OpenID provider: `async with IdentityProvider(title="City Library", people=[...]) as idp`.

    Port 0 takes a free one. `lifetime` is that of access and ID tokens, in seconds. `further_scopes` can be had beside
    `SCOPES`; a scope that is neither is not granted. `people` may be changed while it runs; a person who was taken out
    is refused at userinfo and at refresh.
    """

    title: str
    people: Iterable[Person]
    client_id: str = "hub"
    client_secret: str = field(default_factory=secrets.token_urlsafe, repr=False)
    port: int = 0
    lifetime: float = 300.0
    further_scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.people = list(self.people)
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.codes: dict[str, Grant] = {}
        self.access: dict[str, Grant] = {}
        self.refresh: dict[str, Grant] = {}
        self._server: httpserver.HTTPServer | None = None

    @property
    def issuer(self) -> str:
        """The issuer identifier, which is also the base of every address."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """What can be had of it."""
        return (*SCOPES, *self.further_scopes)

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
            (r"/userinfo", UserInfo, options),
            (r"/(idp\.css)", web.StaticFileHandler, {"path": TEMPLATES}),
        ]

    def _application(self) -> web.Application:
        return web.Application(self.pages(), template_path=str(TEMPLATES), log_function=self._log)

    def _log(self, handler: web.RequestHandler) -> None:
        request = handler.request  # its address without the query, in which states and codes are
        log.info("%s: %s %s -> %s", self.title, request.method, request.path, handler.get_status())

    def find(self, subject: str) -> Person | None:
        """The person of this subject, as of now."""
        return next((person for person in self.people if person.subject == subject), None)

    def metadata(self) -> dict[str, Any]:
        """The discovery document (RFC 8414 section 2, OpenID Connect Discovery section 3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "scopes_supported": self.scopes,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,  # RFC 9207 section 3
            "claims_supported": ["sub", "preferred_username", "name", "email", "email_verified", "groups"],
        }

    def issue_code(self, grant: Grant) -> str:
        """A code for this grant, to be used once and soon."""
        code = secrets.token_urlsafe()
        self.codes[code] = grant
        return code

    def redeem_code(self, code: str, redirect_uri: str, verifier: str) -> Grant | None:
        """The grant behind a code, or None. A code is gone after the first attempt, right or wrong."""
        grant = self.codes.pop(code, None)
        if grant is None or time.time() > grant.made_at + CODE_LIFETIME or redirect_uri != grant.redirect_uri:
            return None
        return grant if hmac.compare_digest(challenge_of(verifier), grant.challenge) else None

    def redeem_refresh(self, token: str) -> Grant | None:
        """The grant behind a refresh token, or None. Each works once; the answer brings the next."""
        grant = self.refresh.pop(token, None)
        person = self.find(grant.person.subject) if grant else None
        return replace(grant, person=person, nonce=None) if grant and person else None

    def answer(self, grant: Grant) -> dict[str, Any]:
        """The token endpoint's answer (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3)."""
        access = secrets.token_urlsafe()
        self.access[access] = replace(grant, made_at=time.time())
        answer: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
            "scope": grant.scope,
            "id_token": self.id_token(grant, access),
        }
        if "offline_access" in grant.scope.split():
            answer["refresh_token"] = secrets.token_urlsafe()
            self.refresh[answer["refresh_token"]] = grant
        return answer

    def id_token(self, grant: Grant, access_token: str) -> str:
        """A signed ID token (OpenID Connect Core section 2)."""
        now = int(time.time())
        digest = hashlib.sha256(access_token.encode()).digest()
        claims = grant.person.claims() | {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + int(self.lifetime),
            "auth_time": int(grant.made_at),
            "at_hash": base64url(digest[: len(digest) // 2]),  # section 3.1.3.6
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def grant_of(self, access_token: str) -> Grant | None:
        """The grant behind an access token that still holds, with the claims of now."""
        grant = self.access.get(access_token)
        person = self.find(grant.person.subject) if grant else None
        if grant is None or person is None or time.time() > grant.made_at + self.lifetime:
            return None
        return replace(grant, person=person)


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


class Token(Handler):
    """Codes and refresh tokens become tokens (RFC 6749 sections 4.1.3 and 6)."""

    def post(self) -> None:
        name, secret = self._client()
        if name != self.idp.client_id or not hmac.compare_digest(secret.encode(), self.idp.client_secret.encode()):
            self.set_header("WWW-Authenticate", "Basic")
            self.refuse(401, "invalid_client")
            return
        redeem = {"authorization_code": self._code, "refresh_token": self._refresh}.get(self._value("grant_type"))
        if redeem is None:
            self.refuse(400, "unsupported_grant_type")
        elif (grant := redeem()) is None:
            self.refuse(400, "invalid_grant")
        else:
            log.info("%s: %s of %s", self.idp.title, self._value("grant_type"), grant.person.username)
            self.finish(self.idp.answer(grant))

    def _value(self, name: str) -> str:
        return self.get_body_argument(name, "", strip=False)

    def _code(self) -> Grant | None:
        return self.idp.redeem_code(self._value("code"), self._value("redirect_uri"), self._value("code_verifier"))

    def _refresh(self) -> Grant | None:
        return self.idp.redeem_refresh(self._value("refresh_token"))

    def _client(self) -> tuple[str, str]:
        basic = credentials_of(self.request.headers, "Basic")
        if not basic:
            return self._value("client_id"), self._value("client_secret")
        try:
            name, _, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return unquote_plus(name), unquote_plus(secret)  # section 2.3.1


class UserInfo(Handler):
    """The claims of the person behind an access token (OpenID Connect Core section 5.3)."""

    def get(self) -> None:
        grant = self.idp.grant_of(credentials_of(self.request.headers, "Bearer"))
        if grant is None:
            self.set_header("WWW-Authenticate", 'Bearer error="invalid_token"')
            self.refuse(401, "invalid_token")
            return
        self.finish(grant.person.claims())

    post = get


def credentials_of(headers: Mapping[str, str], scheme: str) -> str:
    """What stands behind the scheme in an Authorization header; empty where another scheme, or nothing, stands."""
    said, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if said.lower() == scheme.lower() else ""


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("utf-8")).digest())


def is_loopback(address: str) -> bool:
    """Whether a redirect to this address stays on this machine."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and not parts.fragment and parts.username is None
    except ValueError:
        return False
