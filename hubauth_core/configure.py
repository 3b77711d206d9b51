"""What hubauth needs of JupyterHub's own sections and cannot grant itself: one call in the configuration."""

from __future__ import annotations

from typing import Any, Final

SCOPE: Final = "custom:hubauth:credentials:read"
"""What a token needs to read the credentials that its user has stored."""

DESCRIPTION: Final = "Read the credentials that hubauth keeps for a user."

GRANTED: Final = {
    "user": ["self", f"{SCOPE}!user"],
    "server": ["users:activity!user", "access:servers!server", f"{SCOPE}!user"],
}
"""The hub's own default scopes of these roles, and ours."""


def configure(c: Any) -> None:
    """Let users, and their servers, read their own credentials: `from hubauth_core import configure; configure(c)`.

    Adds to `c.JupyterHub.custom_scopes` and to the roles `user` and `server` of `c.JupyterHub.load_roles`; what stands
    there already is kept. Call it after your own `load_roles`.
    """
    hub = c.JupyterHub
    hub.custom_scopes = {**_set_before(hub, "custom_scopes", {}), SCOPE: {"description": DESCRIPTION}}
    roles = [dict(role) for role in _set_before(hub, "load_roles", [])]
    for name, scopes in GRANTED.items():
        role = next((role for role in roles if role.get("name") == name), None)
        if role is None:
            roles.append({"name": name, "scopes": scopes})
        else:
            ours = scopes[-1]
            role["scopes"] = [*role.get("scopes", scopes[:-1]), *([] if ours in role.get("scopes", ()) else [ours])]
    hub.load_roles = roles


def _set_before(section: Any, name: str, default: Any) -> Any:
    return section.get(name, default)
