"""Token exchange: a person's token becomes another one, for another service (rows R13, R14).

https://www.rfc-editor.org/rfc/rfc8693, and what Keycloak adds: an issuer that the subject token comes from
(`subject_issuer`), or that the token which is asked for is to come from (`requested_issuer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from joserfc.util import urlsafe_b64decode

from ..errors import CredentialError, HubAuthError, ProviderError
from ..types import Credential, Secret
from . import answers, strict_json
from .http import Fields, bad_response

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES: Final = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN: Final = TYPES + "access_token"
REFRESH_TOKEN: Final = TYPES + "refresh_token"
ID_TOKEN: Final = TYPES + "id_token"

TOKEN_TYPES: Final[Mapping[str, str]] = {**answers.BEARER, "n_a": "N_A"}
"""What may come; the second is for what is no access token (section 2.2.1)."""

MOST_ACTORS: Final = 8
"""Actors of a chain that are looked at."""

LONGEST_ACTOR: Final = 64
"""Characters of an actor's name that are kept, escaped."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One exchange, as the administrator configured it. Types are URNs; `token_url` is "" for the provider's own."""

    audience: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    requested_issuer: str = ""
    requested_token_type: str = ACCESS_TOKEN
    subject_issuer: str = ""
    subject_token_type: str = ACCESS_TOKEN
    actor_token_file: str = ""
    actor_token_type: str = ""
    token_url: str = ""
    revocation_url: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    via: str = ""

    def fields(self, subject: Secret, actor: Secret | None = None) -> Fields:
        """The form that asks for it. Section 2.1; an actor's type only with an actor (row R13)."""
        asked: dict[str, str | tuple[str, ...]] = {
            "grant_type": GRANT,
            "subject_token": subject.reveal(),
            "subject_token_type": self.subject_token_type,
            "requested_token_type": self.requested_token_type,
            "audience": self.audience,
            "resource": self.resource,
            "scope": " ".join(self.scope),
            "subject_issuer": self.subject_issuer,
            "requested_issuer": self.requested_issuer,
        }
        if actor is not None:
            asked |= {"actor_token": actor.reveal(), "actor_token_type": self.actor_token_type}
        return {name: value for name, value in asked.items() if value}

    def subject(self, credential: Credential) -> Secret | None:
        """The token of a credential that is exchanged, None where it has no such token."""
        return credential.id_token if self.subject_token_type == ID_TOKEN else credential.access_token

    def issued(self, members: answers.Members, rules: answers.TokenRules, now: float) -> Credential:
        """The credential in an answer: of the type that was asked for, and not for more (row R13).

        What came along that nobody verifies (an ID token) or can renew here (another issuer's refresh token) is left
        out. Raises ProviderError.
        """
        if members.get("issued_token_type") != self.requested_token_type:
            raise bad_response(rules.label)
        if self.requested_token_type == REFRESH_TOKEN and "refresh_token" not in members:
            raise bad_response(rules.label)  # what is called access_token may be the refresh token; Keycloak sends both
        if self.requested_issuer:
            members = _of_another_issuer(members, now)
        found = answers.credential(members, rules, self.scope, now, TOKEN_TYPES)
        if self.is_widened_by(found):
            raise ProviderError(
                f"{rules.label} issued a token for more than was asked; the administrators must look at it.",
                code="exchange_widened",
            )
        return replace(found, id_token=None, refresh_token=None if self.requested_issuer else found.refresh_token)

    def is_widened_by(self, found: Credential) -> bool:
        """Whether a credential is for more than is asked for, where the configuration says for how much (row R13)."""
        return bool(self.scope) and not found.scopes <= set(self.scope)


def refusal(error: str, name: str, label: str) -> HubAuthError:
    """What it means that a token was not exchanged: whose turn it is (rows R13, F11).

    `name` is what the configuration calls the exchange.
    """
    match error:
        case "invalid_request":
            return CredentialError(f"{label} does not exchange this token for {name}.", code="invalid_request")
        case "invalid_target":
            return CredentialError(f"{label} issues no token for {name}.", code="invalid_target")
        case "invalid_grant" | "invalid_token" | "not_linked" | "token_expired":  # the last three are Keycloak's words
            return lost(name, label)
        case "access_denied" | "invalid_scope" | "invalid_issuer" | "unsupported_grant_type":
            return not_allowed(name, label)
        case _:
            return answers.fault(error, label)


def lost(name: str, label: str) -> CredentialError:
    """The token that should be exchanged, or what was to be got with it, is not good any more."""
    return CredentialError(f"{label} has no token for {name} now: sign in there again.", code="needs_login")


def not_allowed(name: str, label: str) -> ProviderError:
    """The hub may not exchange there, or not so."""
    return ProviderError(
        f"{label} does not let this hub have tokens for {name}; the administrators must look at it.",
        code="exchange_refused",
    )


def actors(token: Secret) -> tuple[str, ...]:
    """Who acts for the person by the word of the token itself, the one who acts now first. Section 4.1 (row R14).

    Nobody verifies it: the token is meant for somebody else. One that cannot be read names nobody.
    """
    parts = token.reveal().split(".")
    try:
        claims = strict_json.loads(urlsafe_b64decode(parts[1].encode())) if len(parts) == 3 else None
    except ValueError:
        return ()
    named: list[str] = []
    while isinstance(claims, Mapping) and isinstance(claims := claims.get("act"), Mapping) and len(named) < MOST_ACTORS:
        named.append(ascii(claims.get("sub") or claims.get("client_id"))[:LONGEST_ACTOR])
    return tuple(named)


def _of_another_issuer(members: answers.Members, now: float) -> dict[str, Any]:
    """Keycloak's answer: it may leave out the token type, say 0 for an unknown life, and a time in place of seconds."""
    life = members.get("expires_in")
    if isinstance(life, int | float) and not isinstance(life, bool):
        life = None if life == 0 else max(life - now, 0) if life > answers.LONGEST_LIFE else life
    return {"token_type": "Bearer", **members, "expires_in": life}
