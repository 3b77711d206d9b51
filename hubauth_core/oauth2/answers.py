"""What a token endpoint answers, whatever the grant: a credential, or an error that means one of few things.

https://www.rfc-editor.org/rfc/rfc6749#section-5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from ..errors import HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from ..types import Credential, Secret
from . import strict_json
from .http import Response, bad_response

BEARER: Final[Mapping[str, str]] = {"bearer": "Bearer"}
"""The token type that is asked for: as it is compared, and as it is written."""

Members: TypeAlias = Mapping[str, Any]
"""An answer of the token endpoint."""

LONGEST_LIFE: Final = 10 * 365 * 86400
"""Seconds that an access token is taken to be good for at most."""

_DEAD: Final = frozenset(
    {
        "invalid_grant", "bad_verification_code", "bad_refresh_token",  # the last two are GitHub's words
        "login_required", "interaction_required", "consent_required",  # OpenID Connect Core 3.1.2.6: Entra ID's
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TokenRules:
    """How one provider's token endpoint answers: form-encoded or not (row F06), and what parts its scopes."""

    label: str
    form_encoded: bool = False
    scope_separator: str = " "


class TokenRefused(Exception):
    """The token endpoint said no. `error` is its code: of section 5.2, or a word of its own."""

    def __init__(self, error: str) -> None:
        super().__init__()
        self.error = error

    @property
    def ends_the_grant(self) -> bool:
        """Whether the code or token that was sent is good for nothing any more, here and later."""
        return self.error in _DEAD


def members(response: Response, rules: TokenRules) -> Members:
    """What the token endpoint answers. Raises TokenRefused for an error, ProviderError for what is no answer."""
    found = _parsed(response, rules)
    if isinstance(found.get("error"), str):
        raise TokenRefused(found["error"])
    if "error" in found or response.status != 200:
        raise bad_response(rules.label)
    return found


def credential(
    members: Members, rules: TokenRules, requested: Iterable[str], now: float, types: Mapping[str, str] = BEARER
) -> Credential:
    """The credential in an answer. Section 5.1; unknown members are left alone (row R12). Raises ProviderError.

    `requested` is the scope where the answer names none, `types` are the token types that can be used (row X25).
    """
    try:
        scope, lifetime = _scopes(members, rules.scope_separator), _lifetime(members.get("expires_in"))
        return Credential(
            access_token=Secret(_text(members, "access_token")),
            refresh_token=_secret(members, "refresh_token"),
            id_token=_secret(members, "id_token"),
            token_type=types[_text(members, "token_type").lower()],
            scopes=frozenset(requested if scope is None else scope),
            expires_at=None if lifetime is None else now + lifetime,
        )
    except (ValueError, KeyError):
        raise bad_response(rules.label) from None


def code_refused(refused: TokenRefused, label: str) -> HubAuthError:
    """What it means that a code was not turned into tokens."""
    if refused.ends_the_grant:
        return LoginRefused("This sign-in took too long or was used before. Sign in again.", code="code_refused")
    return fault(refused.error, label)


def fault(error: str, label: str) -> ProviderError:
    """What an error of the token endpoint means that says nothing about the grant. Section 5.2 (row F11)."""
    match error:
        case "invalid_client" | "unauthorized_client" | "incorrect_client_credentials":  # the last is GitHub's word
            return ProviderError(
                f"{label} does not accept this hub as its client; the administrators must look at it.",
                code="provider_refused_client",
            )
        case "invalid_target":
            return ProviderError(
                f"{label} does not know the resource that is configured; the administrators must look at it.",
                code="invalid_target",
            )  # RFC 8707, section 2 (row R15)
        case "temporarily_unavailable" | "slow_down" | "server_error":
            return ProviderUnavailable(f"{label} does not answer, try again.")
        case _:
            return bad_response(label)


def _parsed(response: Response, rules: TokenRules) -> Members:
    try:
        if response.is_json:
            found = strict_json.loads(response.body)
        elif rules.form_encoded and response.media_type == "application/x-www-form-urlencoded":
            found = parse_form(response.body)
        else:
            found = None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_response(rules.label)
    return found


def parse_form(body: bytes) -> dict[str, str]:
    """The members of a form-encoded answer, each once. Raises ValueError."""
    pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=50)
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member comes twice")
    return dict(pairs)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):  # appendix A
        raise ValueError(f"{name} is no text")
    return value


def _optional(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if not isinstance(value, str | None):
        raise ValueError(f"{name} is no text")
    return value


def _scopes(members: Members, separator: str) -> list[str] | None:
    """They stand in columns, pages and terminals, which a provider must not be able to break."""
    value = _optional(members, "scope")
    scopes = None if value is None else value.replace(separator, " ").split()
    if not all(scope.isprintable() for scope in scopes or ()):
        raise ValueError("a scope cannot be shown")
    return scopes


def _secret(members: Mapping[str, Any], name: str) -> Secret | None:
    value = _optional(members, name)
    return Secret(value) if value else None


def _lifetime(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError("expires_in is no number of seconds")
    return float(min(value, LONGEST_LIFE))
