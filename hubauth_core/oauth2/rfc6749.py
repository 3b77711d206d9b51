"""The authorization code grant, seen from the client: what the browser carries, what the token endpoint is sent.

https://www.rfc-editor.org/rfc/rfc6749
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote_plus, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from ..errors import LoginRefused, ProviderUnavailable
from ..types import Request, Secret, Transaction
from . import rfc7636

OURS: Final = frozenset(
    {
        "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method", "request", "request_uri", "resource",
    }
)  # fmt: skip
"""Parameters of the authorization request that no further parameter can add or replace (rows R02, R05)."""

OF_TOKEN_REQUEST: Final = frozenset(
    {
        "grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "client_assertion",
        "client_assertion_type", "resource", "refresh_token",
    }
)  # fmt: skip
"""Fields of the token request that no further one can add or replace."""

SCOPE: Final = re.compile(r"[!#-\[\]-~]+")
"""One scope. Section 3.3."""


def reserved_in(url: str) -> frozenset[str]:
    """The parameters in an address that only the sign-in itself may set."""
    return OURS & {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def authorization_url(
    endpoint: str,
    client_id: str,
    transaction: Transaction,
    scope: Sequence[str],
    extra: Mapping[str, str],
    resource: Sequence[str] = (),
) -> str:
    """Where the browser is sent. Section 4.1.1, with PKCE and a nonce always (rows R02, C16).

    `resource` is RFC 8707's, section 2.1: what the access token is for.
    """
    url = prepare_grant_uri(
        endpoint,
        client_id,
        "code",
        redirect_uri=transaction.redirect_uri,
        scope=list(scope),
        state=transaction.state,
        **{name: value for name, value in extra.items() if name not in OURS},
        resource=list(resource),
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


def code_fields(code: str, transaction: Transaction, resource: Sequence[str] = ()) -> dict[str, str | Sequence[str]]:
    """The form that turns a code into tokens. Section 4.1.3; the same redirect_uri as before (row R12)."""
    return {
        "resource": resource,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": transaction.redirect_uri,
        "code_verifier": transaction.verifier.reveal(),
    }


def refresh_fields(refresh_token: Secret, resource: Sequence[str] = ()) -> dict[str, str | Sequence[str]]:
    """The form that renews a credential. Section 6; without a scope it is for as much as before."""
    return {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal(), "resource": resource}
