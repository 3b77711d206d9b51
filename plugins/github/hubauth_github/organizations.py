"""Organizations and teams in rules: how an entry is spelled, and what their refusals say.

https://docs.github.com/en/rest/orgs/members and https://docs.github.com/en/rest/teams/members
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from hubauth_core import LoginRefused

SHOW_ORGANIZATIONS: Final = frozenset({"read:org", "write:org", "admin:org"})
"""Scopes that let the hub see memberships that are not public."""

MOST_ENTRIES: Final = 50
"""Organizations and teams that one sign-in asks about at most."""

_ENTRY: Final = re.compile(r"[a-z0-9_-]{1,100}(:[a-z0-9_-]{1,255})?")


def spelled(entry: str) -> str:
    """An entry of a rule, `org` or `org:team-slug`, as it is compared: GitHub's names know no case.

    Raises ValueError.
    """
    name = entry.strip().lower() if entry.isascii() else ""
    if not _ENTRY.fullmatch(name):
        raise ValueError(
            f"{entry!r} is neither `org` nor `org:team-slug`; both stand in their addresses at GitHub, "
            "https://github.com/orgs/<org>/teams/<team-slug>"
        )
    return name


def not_in(label: str) -> LoginRefused:
    """The refusal of somebody who is not in all that is required."""
    return LoginRefused(
        f"You are not in every organization and team at {label} that this hub wants.", code="organization_missing"
    )


def blocked(label: str, hidden: Iterable[str]) -> LoginRefused:
    """The refusal of somebody about whom an organization says nothing, which is no word about the membership."""
    names = ", ".join(sorted({entry.partition(":")[0] for entry in hidden}))
    return LoginRefused(
        f"{names} does not let this hub see at {label} whether you are a member. If it uses single sign-on, sign in to "
        "it there first; else ask one of its owners to approve this hub's app. Then sign in again.",
        code="organization_blocks_app",
    )
