"""What an OpenID provider issues and takes back, without a server: codes, tokens, exchanged tokens.

https://www.rfc-editor.org/rfc/rfc6749, https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

CODE_LIFETIME: Final = 60.0
"""Seconds in which a code must be used (RFC 6749 section 4.1.2 allows ten minutes)."""
SCOPES: Final = ("openid", "profile", "email", "groups", "offline_access")


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
    """What a person agreed to: becomes an answer of the token endpoint.

    `audience` is whom a token is for that was exchanged, "" for the provider itself. All that came of one sign-in is
    one `family`.
    """

    person: Person
    scope: str
    nonce: str | None
    redirect_uri: str
    challenge: str
    made_at: float
    audience: str = ""
    family: str = field(default_factory=secrets.token_hex)


class Refused(Exception):
    """What is asked for is not issued; `error` is for the answer (RFC 6749 section 5.2)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(kw_only=True)
class Issuer:
    """An OpenID provider's memory. `lifetime` is that of access and ID tokens, in seconds.

    `further_scopes` can be had beside `SCOPES`; a scope that is neither is not granted. `audiences` are the services
    for which a token can be exchanged. `people` may be changed at any time; a person who was taken out is refused.
    """

    title: str
    people: Iterable[Person]
    client_id: str = "hub"
    client_secret: str = field(default_factory=secrets.token_urlsafe, repr=False)
    lifetime: float = 300.0
    further_scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.people = list(self.people)
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.codes: dict[str, Grant] = {}
        self.access: dict[str, Grant] = {}
        self.refresh: dict[str, Grant] = {}
        self._used: dict[str, str] = {}

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        raise NotImplementedError

    @property
    def scopes(self) -> tuple[str, ...]:
        """What can be had of it."""
        return (*SCOPES, *self.further_scopes)

    def find(self, subject: str) -> Person | None:
        """The person of this subject, as of now."""
        return next((person for person in self.people if person.subject == subject), None)

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
        """The grant behind a refresh token, or None. Each works once; a used one ends all of its family (RFC 9700)."""
        if token in self._used:
            self.end(self._used[token])
        grant = self.refresh.pop(token, None)
        person = self.find(grant.person.subject) if grant else None
        if grant is None or person is None:
            return None
        self._used[token] = grant.family
        return replace(grant, person=person, nonce=None)

    def exchange(self, token: str, audience: str, scope: str) -> Grant:
        """The grant for another service, for no more than the token's own (RFC 8693). Raises Refused."""
        grant = self.grant_of(token)
        if grant is None or grant.audience:
            raise Refused("invalid_request")  # section 2.2.2: this stands for a bad subject token too
        if audience not in self.audiences:
            raise Refused("invalid_target")
        if not set(scope.split()) <= set(grant.scope.split()):
            raise Refused("invalid_scope")
        return replace(grant, audience=audience, scope=scope or grant.scope)

    def revoke(self, token: str) -> None:
        """Take a token back; a refresh token takes its whole family along (RFC 7009 section 2.1)."""
        self.access.pop(token, None)
        if token in self.refresh:
            self.end(self.refresh[token].family)

    def end(self, family: str) -> None:
        """Let nothing that came of one sign-in be good any more."""
        for kept in (self.access, self.refresh):
            for token in [token for token, grant in kept.items() if grant.family == family]:
                del kept[token]

    def answer(self, grant: Grant, *, renewable: bool = False) -> dict[str, Any]:
        """What every answer of the token endpoint has (RFC 6749 section 5.1)."""
        access = secrets.token_urlsafe()
        self.access[access] = replace(grant, made_at=time.time())
        answer: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
            "scope": grant.scope,
        }
        if renewable:
            answer["refresh_token"] = secrets.token_urlsafe()
            self.refresh[answer["refresh_token"]] = grant
        if not grant.audience:
            answer["id_token"] = self.id_token(grant, access)  # OpenID Connect Core section 3.1.3.3
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


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("utf-8")).digest())
