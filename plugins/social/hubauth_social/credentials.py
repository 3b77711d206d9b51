"""What a backend of OAuth 2.0 has issued, as a credential; renewed, checked and revoked by the backend itself."""

from __future__ import annotations

import base64
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthCredentialError, AuthProviderError, AuthResponseError, SocialAuthBaseException

from hubauth_core import (
    Credential,
    Fresh,
    ProviderError,
    ReauthRequired,
    RefreshedCredential,
    Rotated,
    Secret,
    Unavailable,
)

from .visit import Done

LATER: Final = frozenset({"connection_failed", "timeout", "rate_limited", "unavailable", "tls_error"})
"""Codes of python-social-auth for a source that does not answer now."""

LONGEST: Final = 20 * 365 * 24 * 3600
"""Seconds: a greater number is a moment, a smaller one a duration."""


def credential_of(done: Done, asked: str = "", now: Callable[[], float] = time.time) -> Credential | None:
    """The credential that a sign-in brought; None where the source has issued none that anybody could use."""
    return _credential({**done.tokens, **done.response}, asked, now)


def renew(backend: BaseAuth[Any], credential: Credential, now: Callable[[], float] = time.time) -> RefreshedCredential:
    """Renew a credential with its refresh token. To be called in a thread.

    Raises ProviderError where the source does not take this hub for its client, or answers rubbish: the grant may well
    be good then.
    """
    before = _as_stored(credential)
    token = backend.get_refresh_token(before)
    if token is None or not hasattr(backend, "refresh_token"):
        good = credential.expires_at is None or now() < credential.expires_at
        return Fresh() if good else ReauthRequired("expired")
    try:
        members = backend.refresh_token(token, **backend.get_refresh_token_kwargs(before))
        _check_same_person(backend, credential, members)
    except AuthCredentialError:
        return ReauthRequired("refused")
    except SocialAuthBaseException as error:
        if error.code in LATER:
            return Unavailable(_seconds(error.retry_after))
        raise ProviderError("The source did not renew this credential.", code="provider_bad_response") from None
    renewed = _credential(members, "", now)
    if renewed is None:
        raise ProviderError("The source did not renew this credential.", code="provider_bad_response")
    return Rotated(
        replace(
            renewed,
            refresh_token=renewed.refresh_token or credential.refresh_token,
            id_token=renewed.id_token or credential.id_token,
            scopes=renewed.scopes or credential.scopes,
        )
    )


def revoke(backend: BaseAuth[Any], credential: Credential, uid: str) -> None:
    """Tell the source that a credential is no longer wanted. To be called in a thread. Raises ProviderError."""
    try:
        backend.revoke_token(credential.access_token.reveal(), uid)  # type: ignore[attr-defined]
    except (AuthProviderError, AuthResponseError) as error:
        raise ProviderError("The source did not take this back.", retry_after=_seconds(error.retry_after)) from None


def payload(id_token: Secret | None) -> dict[str, Any]:
    """The claims of an ID token that was verified when it came; {} where there is none."""
    if id_token is None:
        return {}
    try:
        part = id_token.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _check_same_person(backend: Any, credential: Credential, members: Mapping[str, Any]) -> None:
    """A renewed ID token is of the same issuer, person and client (rows C32, C33). Raises AuthResponseError."""
    before = payload(credential.id_token)
    if not members.get("id_token") or not before or not hasattr(backend, "validate_refresh_id_token_claims"):
        return
    backend.validate_refresh_id_token_claims(before, backend.id_token)


def _credential(members: Mapping[str, Any], asked: str, now: Callable[[], float]) -> Credential | None:
    access_token = members.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        return None
    scopes = members.get("scope") or asked
    return Credential(
        access_token=Secret(access_token),
        refresh_token=_secret(members.get("refresh_token")),
        id_token=_secret(members.get("id_token")),
        token_type=str(members.get("token_type") or "Bearer"),
        scopes=frozenset(re.split(r"[ ,]+", scopes.strip())) if isinstance(scopes, str) and scopes else frozenset(),
        expires_at=_expiry(members, now()),
    )


def _as_stored(credential: Credential) -> dict[str, Any]:
    """What python-social-auth would have stored."""
    kept = {
        "access_token": credential.access_token,
        "refresh_token": credential.refresh_token,
        "id_token": credential.id_token,
    }
    return {name: secret.reveal() for name, secret in kept.items() if secret is not None}


def _expiry(members: Mapping[str, Any], now: float) -> float | None:
    """When an access token ends; backends call it by one of these names, as a duration or as a moment."""
    for name in ("expires_in", "expires", "expires_at"):
        try:
            said = float(members[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if 0 < said < math.inf:
            return said if said > LONGEST else now + said
    return None


def _secret(value: Any) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after[:10]) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
