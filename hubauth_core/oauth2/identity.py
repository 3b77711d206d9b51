"""From claims to an identity, by the paths that the configuration names."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ..claims import Claims, claim
from ..errors import LoginRefused
from ..types import Identity

LONGEST: Final = 255
"""Characters of a subject (OpenID Connect Core, section 2) and of a username."""


Where: TypeAlias = str | Callable[[dict[str, Any]], Any]
"""Where a part of an identity is: a dotted path, or the administrator's own function of the claims."""


@dataclass(frozen=True)
class Paths:
    """Where in the claims the parts of an identity are."""

    subject: Where
    username: Where
    groups: Where = ""
    roles: Where = ""


class ClaimFailed(LoginRefused):
    """A function of the administrator's could not be used on somebody's claims: nobody enters by it."""

    def __init__(self, label: str) -> None:
        super().__init__(
            f"What {label} says of you could not be read; the administrators of this hub must look at it.",
            code="claim_failed",
        )


def identity_of(claims: Claims, paths: Paths, label: str) -> Identity:
    """The identity in the claims.

    Raises ValueError for a wrong shape, LoginRefused for an unproven address and for a function that fails.
    """
    email, verified = claims.get("email"), claims.get("email_verified") is True  # row V06: the boolean, nothing else
    username: str = _part(claims, paths.username, text, label)
    if not verified and _is_address(paths.username, username, email):
        raise LoginRefused(f"Your e-mail address at {label} is not verified.", code="email_not_verified")
    return Identity(
        subject=_part(claims, paths.subject, subject, label),
        username=username,
        name=_maybe_text(claims.get("name")),
        email=_maybe_text(email),
        email_verified=verified and bool(email),
        groups=_part(claims, paths.groups, _names, label) if paths.groups else None,
        roles=_part(claims, paths.roles, _names, label) if paths.roles else None,
        avatar=_maybe_text(claims.get("picture")),
        claims=claims,
    )


def subject(value: Any) -> str:
    """A subject as text: a number is one, a truth value or an empty text is not (row X13). Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return text(value)


def text(value: Any) -> str:
    """A text of 1 to 255 characters without NUL, and none that JSON alone has. Raises ValueError."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or "\0" in value:
        raise ValueError("not a text of 1 to 255 characters")
    value.encode()  # half of a pair of surrogates is written down nowhere
    return value


def _part(claims: Claims, where: Where, shaped: Callable[[Any], Any], label: str) -> Any:
    """One part of an identity in its shape. Raises ValueError for what the source says, else ClaimFailed."""
    if isinstance(where, str):
        return shaped(claim(claims, where))
    try:
        found = where(copy.deepcopy(dict(claims)))
        if inspect.iscoroutine(found):
            found.close()
        return shaped(list(found) if isinstance(found, set | frozenset | tuple) else found)
    except Exception as error:
        raise ClaimFailed(label) from error


def _is_address(path: Where, username: str, email: Any) -> bool:
    """Whether the username is the e-mail address, which then must be verified (row V06)."""
    by_name = isinstance(path, str) and path.rsplit(".", 1)[-1].lower() in {"email", "mail", "email_address"}
    return by_name or (isinstance(email, str) and username.casefold() == email.casefold())


def _maybe_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _names(value: Any) -> frozenset[str]:
    """The names in a claim of groups or roles: a list, one name, or nothing, which is none. Raises ValueError."""
    names = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("groups or roles are no list of names")
    return frozenset(name for name in names if name)
