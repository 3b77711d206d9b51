"""Rules that can never match, and rules that contradict each other: they stop the start, because both look like safety.

What a source will say of people is not known by then; of that, what is missing refuses at the sign-in.
"""

from __future__ import annotations

from typing import Final

from .errors import ConfigError
from .rule_options import RuleOptions

ABOUT_GROUPS: Final = ("allowed_groups", "required_groups", "admin_groups", "group_map")


def check_rules(rules: RuleOptions) -> None:
    """Look at the rules of one provider together. Raises ConfigError that names the option."""
    for option in ("allowed_users", "admin_users"):
        check_not_blocked(option, getattr(rules, option), rules.blocked_users)
    if not rules.says_groups:
        for option in ABOUT_GROUPS:
            if getattr(rules, option):
                raise ConfigError(
                    f"{option} can never match: this provider says nothing of groups. Set groups_claim, or the option "
                    "of this type that reads them"
                )
    if rules.role_map and not (rules.says_groups or rules.says_roles):
        raise ConfigError("role_map can never match: this provider says nothing of groups or roles. Set roles_claim")


def check_not_blocked(option: str, named: set[str], blocked: set[str]) -> None:
    """Raise ConfigError for an entry that is both let in and kept out."""
    if both := sorted(named & blocked):
        raise ConfigError(f"{option} and blocked_users both name {both[0]!r}; keep one of them")
