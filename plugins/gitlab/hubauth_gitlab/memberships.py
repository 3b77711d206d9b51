"""Groups and projects in rules: how an entry is spelled, from which role on a member counts, and who is one.

https://docs.gitlab.com/api/members/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from hubauth_core import LoginRefused

SHOW_MEMBERSHIPS: Final = frozenset({"read_api", "api"})
"""Scopes that let the hub see members of groups and projects; `read_user` does not."""

MOST_ENTRIES: Final = 50
"""Groups and projects that one sign-in asks about at most."""

ROLES: Final[Mapping[str, int]] = {
    "guest": 10, "planner": 15, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50
}  # fmt: skip
"""GitLab's roles, and its numbers for them. Minimal access (5) is none."""

_PART: Final = r"(?!\.+(?:/|$))[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART}){{0,20}}")


def group(entry: object) -> str:
    """An entry of a rule about groups, a number or a full path, as text. Raises ValueError."""
    name = _number_or_path(entry)
    if not name:
        raise ValueError(f"{entry!r} is neither a group's number nor its path, as in `group/subgroup`")
    return name


def project(entry: object) -> str:
    """An entry of a rule about projects, a number or a full path, as text. Raises ValueError."""
    name = _number_or_path(entry)
    if not name or not (name.isdecimal() or "/" in name):
        raise ValueError(f"{entry!r} is neither a project's number nor its path, as in `group/project`")
    return name


def _number_or_path(entry: object) -> str:
    """ "" for what is neither: an address, a path that is encoded already, a name with spaces."""
    name = str(entry) if isinstance(entry, int | str) and not isinstance(entry, bool) else ""
    if name.isascii() and name.isdecimal():
        return str(int(name)) if int(name) else ""
    return name if _PATH.fullmatch(name) and not name.endswith((".git", ".atom")) else ""


def level_of(role: object) -> int:
    """The access level of a role's name or number. Raises ValueError."""
    level = ROLES.get(role.strip().lower()) if isinstance(role, str) else role
    if not isinstance(level, int) or isinstance(level, bool) or level not in ROLES.values():
        raise ValueError(f"{role!r} is not a role of GitLab: {', '.join(ROLES)}, or its number")
    return level


def counts(member: Mapping[str, Any], account: int, level: int, today: date) -> bool:
    """Whether an answer about a member says that this account has at least this role now.

    Raises ValueError for an answer about somebody else, or one that cannot be read.
    """
    has, until = member.get("access_level"), member.get("expires_at")
    if member.get("id") != account or not isinstance(has, int) or isinstance(has, bool):
        raise ValueError("not the member that was asked for")
    if not isinstance(until, str | None):
        raise ValueError("expires_at is no date")
    in_use = member.get("state") == "active" and member.get("membership_state", "active") == "active"
    expired = until is not None and date.fromisoformat(until[:10]) <= today
    return in_use and not expired and has >= level


def not_in(label: str) -> LoginRefused:
    """The refusal of somebody who is not in all that is required."""
    return LoginRefused(
        f"You are not in every group at {label} that this hub wants, or not with the role that it wants.",
        code="gitlab_group_missing",
    )


def unreadable(label: str) -> LoginRefused:
    """The refusal of somebody about whom a group says nothing, which is no word about the membership."""
    return LoginRefused(
        f"{label} does not show this hub whether you are in a group or project that it asks about. Ask an owner of the "
        "group, and the administrators of this hub.",
        code="group_unreadable",
    )
