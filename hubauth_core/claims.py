"""What a source says about a person, and how a configured path finds a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NewType, TypeAlias

Claims: TypeAlias = Mapping[str, Any]
"""Claims by name, as a source sent them over a connection of our own."""

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""The claims of a signed token; only `idtoken.Verifier` makes them."""


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
