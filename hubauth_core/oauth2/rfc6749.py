"""The authorization code grant, seen from the client: what the browser carries, what the token endpoint is sent.

https://www.rfc-editor.org/rfc/rfc6749
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from ..errors import HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from ..types import Credential, Request, Secret, Transaction
from . import rfc7636, strict_json
from .http import Response, bad_response

OURS: Final = frozenset(
    {
        "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method", "request", "request_uri",
    }
)  # fmt: skip
"""Parameters of the authorization request that no option can add or replace (rows R02, R05)."""

LONGEST_LIFE: Final = 10 * 365 * 86400
"""Seconds that an access token is taken to be good for at most."""


def reserved_in(url: str) -> frozenset[str]:
    """The parameters in an address that only the sign-in itself may set."""
    return OURS & {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def authorization_url(
    endpoint: str, client_id: str, transaction: Transaction, scope: Sequence[str], extra: Mapping[str, str]
) -> str:
    """Where the browser is sent. Section 4.1.1, with PKCE and a nonce always (rows R02, C16)."""
    url = prepare_grant_uri(
        endpoint,
        client_id,
        "code",
        redirect_uri=transaction.redirect_uri,
        scope=list(scope),
        state=transaction.state,
        **{name: value for name, value in extra.items() if name not in OURS},
        nonce=transaction.nonce,
        code_challenge=rfc7636.challenge(transaction.verifier.reveal()),
        code_challenge_method=rfc7636.METHOD,
    )
    return str(url)


@dataclass(frozen=True, kw_only=True)
class Callback:
    """What the browser brought back. Section 4.1.2."""

    code: str = field(repr=False)
    error: str
    issuer: str | None


def parse_callback(request: Request) -> Callback:
    """The parameters of the answer, each at most once (row X22). Raises LoginRefused."""
    try:
        values = {name: request.one(name) for name in ("code", "error", "error_description", "state", "iss")}
    except ValueError:
        raise LoginRefused("The answer is not as it should be. Sign in again.", code="callback_repeated") from None
    return Callback(code=values["code"] or "", error=values["error"] or "", issuer=values["iss"])


def code_of(callback: Callback, label: str) -> str:
    """The code of a callback that is no error. Raises LoginRefused, ProviderUnavailable (row X20)."""
    match callback.error:
        case "":
            pass
        case "access_denied":
            raise LoginRefused(f"You did not sign in at {label}.", code="cancelled")
        case "temporarily_unavailable" | "server_error":
            raise ProviderUnavailable(f"{label} cannot sign you in now, try again.")
        case _:
            raise LoginRefused(f"{label} did not sign you in.", code="provider_refused")
    if not callback.code:
        raise LoginRefused("The answer is not as it should be. Sign in again.", code="code_missing")
    return callback.code


def basic(client_id: str, secret: Secret) -> str:
    """The Authorization header of a client: both parts are form-encoded first. Section 2.3.1 (row C18)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.reveal())}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def code_fields(code: str, transaction: Transaction) -> dict[str, str]:
    """The form that turns a code into tokens. Section 4.1.3; the same redirect_uri as before (row R12)."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": transaction.redirect_uri,
        "code_verifier": transaction.verifier.reveal(),
    }


def refresh_fields(refresh_token: Secret) -> dict[str, str]:
    """The form that renews a credential. Section 6."""
    return {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}


@dataclass(frozen=True, kw_only=True)
class TokenRules:
    """How one provider's token endpoint answers: form-encoded or not (row F06), and what parts its scopes."""

    label: str
    form_encoded: bool = False
    scope_separator: str = " "


def parse_tokens(response: Response, rules: TokenRules, requested: Sequence[str], now: float) -> Credential:
    """The credential in an answer of the token endpoint. Section 5.1; unknown members are left alone (row R12).

    Raises LoginRefused where the code was not accepted, ProviderError for everything else that is no credential.
    """
    members = _members(response, rules)
    if "error" in members:
        raise token_error(members["error"], rules.label)
    if response.status != 200:
        raise bad_response(rules.label)
    try:
        return _credential(members, rules, requested, now)
    except (ValueError, KeyError):
        raise bad_response(rules.label) from None


def token_error(error: Any, label: str) -> HubAuthError:
    """What an error of the token endpoint means. Section 5.2."""
    match error:
        case "invalid_grant" | "bad_verification_code":  # the second is GitHub's word
            return LoginRefused("This sign-in took too long or was used before. Sign in again.", code="code_refused")
        case "invalid_client" | "unauthorized_client" | "incorrect_client_credentials":
            return ProviderError(
                f"{label} does not accept this hub as its client; the administrators must look at it.",
                code="provider_refused_client",
            )
        case "temporarily_unavailable" | "slow_down":
            return ProviderUnavailable(f"{label} does not answer, try again.")
        case _:
            return bad_response(label)


def _members(response: Response, rules: TokenRules) -> dict[str, Any]:
    try:
        if response.is_json:
            members = strict_json.loads(response.body)
        elif rules.form_encoded and response.media_type == "application/x-www-form-urlencoded":
            pairs = parse_qsl(response.body.decode("ascii"), strict_parsing=True, max_num_fields=50)
            members = dict(pairs) if len(dict(pairs)) == len(pairs) else None
        else:
            members = None
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise bad_response(rules.label)
    return members


def _credential(members: dict[str, Any], rules: TokenRules, requested: Sequence[str], now: float) -> Credential:
    if _text(members, "token_type").lower() != "bearer":  # row X25
        raise ValueError("a token type that was not asked for")
    scope = _optional(members, "scope")
    granted = requested if scope is None else scope.replace(rules.scope_separator, " ").split()
    lifetime = _lifetime(members.get("expires_in"))
    return Credential(
        access_token=Secret(_text(members, "access_token")),
        refresh_token=_secret(members, "refresh_token"),
        id_token=_secret(members, "id_token"),
        scopes=frozenset(granted),
        expires_at=None if lifetime is None else now + lifetime,
    )


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
