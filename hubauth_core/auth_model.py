"""What the hub is told about somebody: rights and auth_state, in the shapes that JupyterHub has for them."""

from __future__ import annotations

from typing import Any

from .types import Credential, Decision, SignIn

TOKENS = ("access_token", "id_token")
"""Not the refresh token: whoever spent it would end the grant for everybody."""


def rights(decision: Decision, *, listed_admin: bool, groups: bool, roles: bool = False) -> dict[str, Any]:
    """The members `admin` and, with `groups` and `roles` (the hub's `manage_groups` and `manage_roles`), those; None
    leaves what the hub has.

    `listed_admin`: the administrator's hub-wide list names the hub user.
    """
    told: dict[str, Any] = {"admin": True if listed_admin else decision.admin}
    if groups:
        told["groups"] = None if decision.groups is None else sorted(decision.groups)
    if roles:
        told["roles"] = None if decision.roles is None else [{"name": role} for role in sorted(decision.roles)]
    return told


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


def issued(credential: Credential) -> dict[str, Any]:
    """A credential as OAuthenticator's auth_state has it."""
    tokens = {name: getattr(credential, name) for name in TOKENS}
    found: dict[str, Any] = {name: token.reveal() for name, token in tokens.items() if token is not None}
    return found | {"scope": sorted(credential.scopes)}
