"""The token for groups as it is kept between two checks, sealed by the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hubauth_core import Credential, Secret


def kept(token: Credential) -> dict[str, Any]:
    """A token as `SignIn.state`."""
    return {
        "access_token": token.access_token.reveal(),
        "refresh_token": token.refresh_token.reveal() if token.refresh_token else None,
        "scopes": sorted(token.scopes),
        "expires_at": token.expires_at,
    }


def recalled(state: Mapping[str, Any] | None, resource: str) -> Credential | None:
    """The token that was kept, None for none."""
    if not state or "access_token" not in state:
        return None
    refresh_token = state.get("refresh_token")
    return Credential(
        access_token=Secret(state["access_token"]),
        refresh_token=Secret(refresh_token) if refresh_token else None,
        scopes=frozenset(state.get("scopes", ())),
        expires_at=state.get("expires_at"),
        resource=resource,
    )
