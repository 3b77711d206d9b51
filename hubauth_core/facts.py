"""What rules go by is recorded at each sign-in and at each check, so that they hold while the source is not asked.

Beside name and subject that is groups, roles, granted scopes, whether an address is verified and at which domain, and
those claims that rules look at; nothing else of a person is kept here. By all this rules decide as they did when it was
said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from .claims import claim
from .types import Identity

LONGEST: Final = 256 * 1024
"""Characters of what is recorded of one identity; of somebody about whom a source says more, rules know nothing."""


def recorded(
    identity: Identity, scopes: AbstractSet[str], paths: Iterable[str], asked_about: Iterable[str] = ()
) -> str:
    """What is written down of an identity; `paths` are the claims that rules look at, `asked_about` what the source was
    asked for them."""
    verified = identity.email_verified and bool(identity.email)
    local, _, domain = (identity.email or "").rpartition("@")
    facts: dict[str, Any] = {
        "groups": None if identity.groups is None else sorted(identity.groups),
        "roles": None if identity.roles is None else sorted(identity.roles),
        "verified": verified,
        "domain": domain.lower() if verified and local else "",
        "scopes": sorted(scopes),
        "asked": sorted(asked_about),
        "claims": {path: claim(identity.claims, path) for path in paths},
    }
    try:
        written = json.dumps(facts, sort_keys=True, default=str)  # in ASCII: a claim may hold half a surrogate pair
    except (TypeError, ValueError, RecursionError):  # a plugin may say what is no JSON
        return ""
    return written if len(written) <= LONGEST else ""


def recalled(written: str) -> Mapping[str, Any]:
    """What was written down, as further arguments of `Identity`; of the address there is the domain alone."""
    facts = json.loads(written) if written else {}
    domain, verified = facts.get("domain", ""), facts.get("verified", False)
    return {
        "groups": _names(facts.get("groups")),
        "roles": _names(facts.get("roles")),
        "email": f"*@{domain}" if domain else "*" if verified else None,
        "email_verified": verified,
        "claims": facts.get("claims", {}),
    }


def scopes_in(written: str) -> frozenset[str]:
    """The scopes that were granted when this was written down."""
    return frozenset(json.loads(written).get("scopes", ())) if written else frozenset()


def asked_in(written: str) -> frozenset[str]:
    """What the source had been asked about when this was written down."""
    return frozenset(json.loads(written).get("asked", ())) if written else frozenset()


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
