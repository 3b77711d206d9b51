"""What the kit makes of an author's facts: the same person renamed, a namesake, nobody; and what a class holds."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

MISSING: Final[Any] = object()
"""No fact was stated; as a replacement: leave the member out."""

NO_SUBJECTS: Final = {
    "absent": MISSING, "null": None, "true": True, "empty": "", "list": [7], "object": {"id": 7}, "fraction": 7.5,
    "long": "x" * 256, "nul": "7\0",
}  # fmt: skip
"""What stands where a subject should and is none (row X13)."""

NO_USERNAMES: Final = {"absent": MISSING, "null": None, "number": 7, "empty": "", "list": ["ann"]}
"""What stands where a username should and is none."""

_OF_TRAITLETS: Final = ("__", "_trait", "_all_trait", "_static", "_descriptors", "_instance_inits")


def replaced(value: Any, old: str, new: Any) -> Any:
    """A copy of JSON in which `old` has become `new`, or what `new` makes of it."""
    if isinstance(value, Mapping):
        members = {name: replaced(member, old, new) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not MISSING}
    if isinstance(value, list):
        return [replaced(item, old, new) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int) or str(value) != old:
        return value
    return new(value) if callable(new) else new


def another(subject: Any) -> Any:
    """The subject of somebody else, of the same kind."""
    return subject + 1 if isinstance(subject, int) else f"{subject}-2"


def changeable(cls: type) -> dict[str, Any]:
    """A copy of what hangs on a class and could be changed through an instance."""
    return {
        f"{owner.__name__}.{name}": copy.deepcopy(value)
        for owner in cls.__mro__
        for name, value in vars(owner).items()
        if isinstance(value, list | dict | set) and not name.startswith(_OF_TRAITLETS)
    }
