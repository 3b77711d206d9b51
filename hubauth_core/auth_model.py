"""What the hub is told about somebody: rights and auth_state, in the shapes that JupyterHub has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .types import Credential, Decision, Identity, SignIn

TOKENS = ("access_token", "id_token")
"""Not the refresh token: whoever spent it would end the grant for everybody."""


def rights(decision: Decision, *, groups: bool) -> dict[str, Any]:
    """The members `admin` and, with `groups` (the hub's `manage_groups`), those; None leaves what the hub has."""
    told: dict[str, Any] = {"admin": decision.admin}
    if groups:
        told["groups"] = None if decision.groups is None else sorted(decision.groups)
    return told


def user_info(identity: Identity) -> dict[str, str]:
    """How a user's server shows them to others: JupyterHub 6.0 and later hands it to JupyterLab."""
    shown = {"name": identity.name, "display_name": identity.name, "avatar_url": identity.avatar}
    if not (identity.avatar or "").startswith(("https://", "http://")):
        shown["avatar_url"] = None
    return {name: text for name, text in shown.items() if text}


def auth_state(sign_in: SignIn, *, tokens: bool) -> dict[str, Any]:
    """Provider, subject and claims; with `tokens` also what OAuthenticator's auth_state has, under its names."""
    identity = sign_in.identity
    state: dict[str, Any] = {
        "provider": identity.provider,
        "subject": identity.subject,
        "claims": dict(identity.claims),
    }
    if tokens and sign_in.credentials:
        state |= issued(sign_in.credentials[0]) | {f"{identity.provider}_user": dict(identity.claims)}
    return state


def with_claims(state: Mapping[str, Any], identity: Identity) -> dict[str, Any] | None:
    """An auth_state with what a source has just said of the person; None where there is nothing new in it."""
    if (state.get("provider"), state.get("subject")) != identity.key:
        return None
    claims = dict(identity.claims)
    now = {**state, "claims": claims}
    if (of_source := f"{identity.provider}_user") in state:
        now[of_source] = claims
    return None if now == state else now


def issued(credential: Credential) -> dict[str, Any]:
    """A credential as OAuthenticator's auth_state has it."""
    tokens = {name: getattr(credential, name) for name in TOKENS}
    found: dict[str, Any] = {name: token.reveal() for name, token in tokens.items() if token is not None}
    return found | {"scope": sorted(credential.scopes)}
