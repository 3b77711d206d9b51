"""Hub-wide rules: they name hub users and groups of the hub, and hold for people of every provider.

JupyterHub applies `allow_all`, `allowed_users`, `blocked_users` and `allow_existing_users` itself. Here is what it does
not have: rules by group, and an end to being an administrator. A group counts as the provider of the home identity says
it, by the name that it has on this hub; one that the hub merely remembers lets nobody in.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final, Protocol

from .errors import ConfigError, LoginRefused
from .provider import Provider
from .rule_checks import check_not_blocked
from .types import Decision

BY_GROUP: Final = ("allowed_groups", "required_groups", "admin_groups")


class Options(Protocol):
    """What is read of the authenticator's options."""

    manage_groups: bool
    manage_roles: bool
    allowed_users: set[str]
    blocked_users: set[str]
    admin_users: set[str]
    allowed_groups: set[str]
    required_groups: set[str]
    admin_groups: set[str]


def applied(options: Options, name: str, decision: Decision) -> Decision:
    """What becomes of a provider's decision about the hub user `name`. Raises LoginRefused `group_missing`.

    `admin` is False for who is in none of `admin_groups`, unless a list or their own provider makes them one.
    """
    groups = decision.groups or frozenset()
    if not options.required_groups <= groups:
        raise LoginRefused("You are not in every group that this hub wants.", code="group_missing")
    in_admin_group = bool(groups & options.admin_groups)
    admin = decision.admin or in_admin_group or name in options.admin_users
    return replace(
        decision,
        allowed=decision.allowed or in_admin_group or bool(groups & options.allowed_groups),
        admin=True if admin else False if options.admin_groups else decision.admin,
    )


def check(
    options: Options, providers: Mapping[str, Provider], *, several: bool, broken: AbstractSet[str] = frozenset()
) -> None:
    """Raise ConfigError for hub-wide rules that can never match, contradict each other, or need what is not set.

    `providers` are those in service, `broken` those that will be again; `several`: whether the hub has several in all.
    """
    for option in ("allowed_users", "admin_users"):
        check_not_blocked(
            f"c.Authenticator.{option}", _spelled(getattr(options, option)), _spelled(options.blocked_users)
        )
    for option in BY_GROUP:
        named = getattr(options, option)
        if named and not options.manage_groups:
            raise ConfigError(f"c.HubAuthenticator.{option} needs c.Authenticator.manage_groups = True")
        for group in sorted(named if not broken else ()):
            if not any(_can_say(each, group, several=several) for each in providers.values()):
                raise ConfigError(
                    f"c.HubAuthenticator.{option}: no provider puts anybody into the hub group {group!r}. With several "
                    "providers a group is called '<provider>:<group>' unless group_map names it; groups_claim, or "
                    "another option of the type, reads the groups of a provider"
                )
    for name, provider in providers.items():
        if provider.group_map and not options.manage_groups:
            raise ConfigError(f"group_map of provider {name!r} needs c.Authenticator.manage_groups = True")
        if provider.role_map and not options.manage_roles:
            raise ConfigError(f"role_map of provider {name!r} needs c.Authenticator.manage_roles = True")


def _can_say(provider: Provider, group: str, *, several: bool) -> bool:
    """Whether people of a provider can get into a group of the hub."""
    if not provider.says_groups:
        return False
    prefix = f"{provider.name}:" if several else ""
    named = any(group in names for names in provider.group_map.values())
    return named or (group.startswith(prefix) and group.removeprefix(prefix) not in provider.group_map)


def _spelled(names: set[str]) -> set[str]:
    """As the hub spells them."""
    return {name.lower() for name in names}
