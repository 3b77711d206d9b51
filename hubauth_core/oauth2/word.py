"""What an OpenID provider says of somebody long after the sign-in: the userinfo endpoint now, and its last ID token.

An ID token is as old as the last renewal; what stands in it alone (groups do, at some sources) counts while it is
young, and after that a new one is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final

from ..claims import Claims, claim

OF_THE_TOKEN: Final = frozenset(
    {"acr", "amr", "at_hash", "aud", "auth_time", "azp", "c_hash", "exp", "iat", "iss", "jti", "nbf", "nonce", "sid"}
)
"""Claims about an ID token, not about a person."""

YOUNG: Final = 60.0
"""Seconds for which an ID token counts at least, unless it ends before."""


def is_young(id_token: Claims, now: float, longest: float) -> bool:
    """Whether an ID token says how it is: issued within `longest` seconds, and not expired."""
    issued, expires = (id_token.get(name) for name in ("iat", "exp"))
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        return False
    return now <= min(expires, issued + max(longest, YOUNG))


def stands_alone(
    id_token: Claims,
    userinfo: Claims,
    needed: Iterable[str | Callable[..., Any]],
    proven: AbstractSet[str],
) -> bool:
    """Whether something that is needed stands in the ID token alone.

    `needed` are paths of claims, and functions of all of them; of `proven` claims the ID token's word counts alone.
    """
    for path in needed:
        if not isinstance(path, str):
            alone = bool(id_token.keys() - userinfo.keys() - OF_THE_TOKEN)
        else:
            has_it = bool(path) and claim(id_token, path) is not None
            alone = has_it and (claim(userinfo, path) is None or not {path, path.partition(".")[0]}.isdisjoint(proven))
        if alone:
            return True
    return False


def together(id_token: Claims, userinfo: Claims, proven: AbstractSet[str]) -> Claims:
    """What both say. The userinfo endpoint's word is the newer one; that an address is verified goes with it."""
    older = dict(id_token)
    if "email" in userinfo and userinfo["email"] != older.get("email"):
        older.pop("email_verified", None)
    return {**older, **{name: value for name, value in userinfo.items() if name not in proven}}
