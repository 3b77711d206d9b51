"""Which entries of rules a person is in, by the word of a source that is asked about each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from .at_once import together


@dataclass(frozen=True)
class Membership:
    """The entries that a person is in, and those that the source does not show; in any other the person is not."""

    inside: frozenset[str]
    hidden: frozenset[str]


async def membership(is_in: Callable[[str], Awaitable[bool | None]], entries: Iterable[str]) -> Membership:
    """Ask about each entry; None as an answer is no word about it. What `is_in` raises ends all of it."""
    asked = sorted(set(entries))
    told = dict(zip(asked, await together(is_in, asked), strict=True))
    return Membership(
        inside=frozenset(entry for entry in asked if told[entry] is True),
        hidden=frozenset(entry for entry in asked if told[entry] is None),
    )
