"""The hub's roles: which there are, and how JupyterHub is told of a user's so that it takes away no more than meant.

With `manage_roles` JupyterHub takes every role from a user that it is not told of, `user` and `admin` included, and
(5.x) deletes one of its managed roles with its last holder, to make it anew without a scope when it is named again. So
it is told of the former two each time, and of each role in full.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

from jupyterhub import orm

from .discovery import nearest
from .errors import ConfigError
from .provider import Provider

NOT_FOR_PEOPLE: Final = frozenset({"admin", "server", "token"})
"""`admin` goes with being an administrator, which `admin_users` and `admin_groups` give."""

RoleSpec = dict[str, Any]
"""A role as JupyterHub's `load_roles` and its model of a sign-in have it."""


class HubRoles:
    """The roles that the hub had when it started."""

    def __init__(self) -> None:
        self._known: dict[str, RoleSpec] = {}

    def load(self, session: Any) -> None:
        """Read them; by now the hub has written those of its configuration, its own, and the managed ones."""
        self.expect(
            {"name": row.name, "description": row.description, "scopes": list(row.scopes or ())}
            for row in session.query(orm.Role)
        )

    def expect(self, roles: Iterable[RoleSpec]) -> None:
        """Take these for the roles of the hub."""
        self._known = {role["name"]: role for role in roles}

    def check(self, providers: Mapping[str, Provider]) -> None:
        """Raise ConfigError where a `role_map` leads to a role that is none, or none for people."""
        there = self._known.keys() - NOT_FOR_PEOPLE
        for name, provider in providers.items():
            for role in sorted({role for roles in provider.role_map.values() for role in roles} - there):
                if role in NOT_FOR_PEOPLE:
                    remedy = " Set admin_users or admin_groups" if role == "admin" else ""
                    raise ConfigError(f"role_map of provider {name!r}: {role!r} is no role for people.{remedy}")
                raise ConfigError(
                    f"role_map of provider {name!r}: the hub has no role {role!r}. {nearest(role, there)} Roles are "
                    "made in c.JupyterHub.load_roles or c.HubAuthenticator.managed_roles"
                )

    def told(self, roles: Iterable[str]) -> list[RoleSpec]:
        """Roles in full, as JupyterHub wants to be told of them (it writes into them); never one that was not there."""
        return [copy.deepcopy(self._known[role]) for role in sorted(roles) if role in self._known]

    def complete(self, roles: Iterable[RoleSpec], *, admin: bool) -> list[RoleSpec]:
        """These roles, and those that a hub user keeps whatever a provider says."""
        given = {role["name"]: role for role in roles}
        kept = self.told(["admin", "user"] if admin else ["user"])
        return [*given.values(), *(role for role in kept if role["name"] not in given)]
