"""What hubauth needs of JupyterHub's own sections and cannot grant itself: one call in the configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from traitlets.config.loader import LazyConfigValue

SCOPE: Final = "custom:hubauth:credentials:read"
"""What a token needs to read the credentials that its user has stored."""

DESCRIPTION: Final = "Read the credentials that hubauth keeps for a user."

GRANTED: Final = {
    "user": ["self", f"{SCOPE}!user"],
    "server": ["users:activity!user", "access:servers!server", f"{SCOPE}!user"],
}
"""The hub's own default scopes of these roles, and ours."""

ASKED_BY_SERVERS: Final = ("git_credential_helper", "spawner_files")
"""Options of the authenticator that do nothing where servers cannot read their own user's credentials."""


def configure(c: Any, *, servers: bool = True) -> None:
    """Let users, and their servers, read their own credentials: `from hubauth_core import configure; configure(c)`.

    Adds to `c.JupyterHub.custom_scopes` and to the roles `user` and `server` of `c.JupyterHub.load_roles`; what stands
    there already is kept. Call it after your own `load_roles`. `servers=False` leaves the servers out, for a hub where
    they run what their users did not write (BinderHub).
    """
    hub = c.JupyterHub
    hub.custom_scopes = {SCOPE: {"description": DESCRIPTION}, **_set_before(hub, "custom_scopes", {})}
    roles = [dict(role) for role in _set_before(hub, "load_roles", [])]
    granted = {name: scopes for name, scopes in GRANTED.items() if servers or name != "server"}
    for name, scopes in granted.items():
        role = next((role for role in roles if role.get("name") == name), None)
        if role is None:
            roles.append({"name": name, "scopes": list(scopes)})
        else:
            *theirs, ours = scopes
            before = role.get("scopes", theirs)
            role["scopes"] = [*before, *([] if ours in before else [ours])]
    hub.load_roles = roles


def lacking(load_roles: Iterable[Mapping[str, Any]], extra_user_scopes: Collection[str] = ()) -> list[str]:
    """Which of the roles `user` and `server` do not let their holders read their own credentials.

    `extra_user_scopes` is the hub's option (6.0 and later), which it takes only where no role `user` is configured.
    """
    held = {"user": extra_user_scopes} | {str(role.get("name")): role.get("scopes") or () for role in load_roles}
    return [name for name in GRANTED if not {SCOPE, f"{SCOPE}!user"}.intersection(held.get(name, ()))]


def in_vain(authenticator: Any, roles: Collection[str]) -> list[str]:
    """Which options of the authenticator do nothing, because these roles lack the scope."""
    return [option for option in ASKED_BY_SERVERS if "server" in roles and getattr(authenticator, option)]


def told_of(roles: Sequence[str]) -> str:
    """What roles without the scope mean, and what to write, in a sentence."""
    several = len(roles) > 1
    whom = " and ".join({"user": "people", "server": "their servers"}[role] for role in roles)
    return (
        f"The {'roles' if several else 'role'} {' and '.join(roles)} {'lack' if several else 'lacks'} {SCOPE}!user: "
        f"{whom} cannot read their own stored credentials. Where they should, write into the hub's configuration: "
        "from hubauth_core import configure; configure(c)"
    )


def _set_before(section: Any, name: str, default: Any) -> Any:
    """What the configuration says so far, also where it says it as `c.JupyterHub.load_roles.append(...)`."""
    found = section.get(name, default)
    return found.get_value(default) if isinstance(found, LazyConfigValue) else found
