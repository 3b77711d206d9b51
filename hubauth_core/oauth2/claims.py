"""What a source says about a person, and how a configured path finds a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NewType, TypeAlias

Claims: TypeAlias = Mapping[str, Any]
"""Claims by name, as a source sent them over a connection of our own."""

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""The claims of a signed token; only `idtoken.Verifier` makes them."""

REUSABLE: Final = frozenset(
    {
        "email", "e-mail", "email_address", "mail", "login", "login_name", "preferred_username", "upn", "username",
        "user_name", "name", "nickname", "displayname", "display_name", "unique_name", "samaccountname",
    }
)  # fmt: skip
"""Claims that a source lets people change or hands on to others: never a subject (row V16)."""


def claim(claims: Claims, path: str) -> Any:
    """The claim at a dotted path, None if there is none.

    A claim whose whole name holds dots ("https://hub.example/groups") is found first.
    """
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def reusable(path: str) -> bool:
    """Whether a path names something that can pass from one person to another."""
    return path.rsplit(".", 1)[-1].lower() in REUSABLE
