"""Logout tokens: a source says that somebody has signed out there, signed like an ID token, and each good once.

https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..claims import VerifiedClaims
from ..errors import LoginRefused
from ..types import Secret
from . import idtoken
from .identity import text
from .jwks import Keys

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

OLDEST: Final = 600.0
"""Seconds after its `iat` in which a token is taken; a token needs no longer to arrive."""

REMEMBERED: Final = OLDEST + 2 * 120.0
"""Seconds: one whose `iat` is ahead by the largest `clock_skew` is taken until it is behind by as much."""

MOST: Final = 10_000
"""Tokens that are remembered. Only the source itself can make as many in ten minutes; more are refused till then."""


async def verify(
    token: Secret, keys: Keys, expected: idtoken.Expected, now: float, *, untyped: bool = False
) -> VerifiedClaims:
    """The claims of a logout token that names a person. `untyped` takes one whose header does not say that it is one.

    Raises LoginRefused with a code `logout_token_...` that says what is wrong with it (rows C44-C46, 10.5.5),
    ProviderError where the source's keys cannot be had.
    """
    try:
        _, claims = await idtoken.signed(token, keys, expected, _is_untyped if untyped else _is_typed)
        idtoken.check_parties(claims, expected)
        _check_times(claims, expected.skew, now)
        _check_event(claims)
        _check_text(claims, "jti")
        if "sub" in claims:
            _check_text(claims, "sub")
    except idtoken.Refused as refused:
        raise LoginRefused("This is not a logout token of the source.", code=f"logout_token_{refused}") from None
    if "sub" not in claims:
        raise LoginRefused(
            "This logout token names a session and no person; this hub knows people alone.",
            code="logout_token_sid_alone",
        )
    return VerifiedClaims(claims)


class Seen:
    """The logout tokens of one source that have done their work; `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def claim(self, claims: VerifiedClaims) -> None:
        """Remember a token for as long as it would be taken. Raises LoginRefused for one that was seen (row R22)."""
        now, jti = self._clock(), str(claims["jti"])
        self._until = {each: until for each, until in self._until.items() if until > now}
        if jti in self._until:
            raise LoginRefused("This logout token was used before.", code="logout_token_used")
        if len(self._until) >= MOST:
            raise LoginRefused("Too many logout tokens at once; try again.", code="too_many_attempts")
        self._until[jti] = now + REMEMBERED

    def release(self, claims: VerifiedClaims) -> None:
        """It has not done its work after all, and may come again."""
        self._until.pop(str(claims["jti"]), None)


def _is_typed(kind: object) -> bool:
    """Section 2.4, and RFC 7515, section 4.1.9, for the prefix."""
    return isinstance(kind, str) and kind.lower().removeprefix("application/") == "logout+jwt"


def _is_untyped(kind: object) -> bool:
    return kind is None or _is_typed(kind) or (isinstance(kind, str) and kind.lower() == "jwt")


def _check_times(claims: dict[str, Any], skew: float, now: float) -> None:
    if idtoken.seconds(claims, "exp") <= now - skew:
        raise idtoken.Refused("expired")
    if not now - OLDEST - skew < idtoken.seconds(claims, "iat") <= now + skew:
        raise idtoken.Refused("time")


def _check_event(claims: dict[str, Any]) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise idtoken.Refused("event")
    if "nonce" in claims:  # an ID token, made to look like one
        raise idtoken.Refused("nonce")


def _check_text(claims: dict[str, Any], name: str) -> None:
    try:
        text(claims.get(name))
    except ValueError:
        raise idtoken.Refused(name) from None
