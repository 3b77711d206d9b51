"""Which repositories the helper answers for: those below the addresses in HUBAUTH_GIT_URLS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote

from ..origin import Origin

VARIABLE: Final = "HUBAUTH_GIT_URLS"


@dataclass(frozen=True)
class Place:
    """A server, and a path on it, segment by segment."""

    origin: Origin
    path: tuple[str, ...] = ()

    @classmethod
    def of(cls, protocol: str, host: str, path: str = "") -> Self:
        """Raises ValueError where a token must not go, and for a path that leads elsewhere than it seems to."""
        if any(character in host for character in "/?#@\\%"):
            raise ValueError("no host")
        return cls(Origin.for_tokens(f"{protocol}://{host}"), _segments(path))

    @classmethod
    def parse(cls, url: str) -> Self:
        """One address of the list. Raises ValueError."""
        protocol, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        return cls.of(protocol, host, path)

    def within(self, other: Place) -> bool:
        """Whether this is the other place or below it."""
        return self.origin == other.origin and self.path[: len(other.path)] == other.path

    @property
    def url(self) -> str:
        """As an address."""
        return "/".join([str(self.origin), *(quote(segment, safe="") for segment in self.path)])


def ours(environment: Mapping[str, str]) -> list[Place]:
    """What the hub wrote into the environment, nothing if it did not. Raises ValueError if it cannot be read."""
    listed = json.loads(environment.get(VARIABLE) or "[]")
    if not isinstance(listed, list) or not all(isinstance(url, str) for url in listed):
        raise ValueError(f"{VARIABLE} is no list of addresses")
    return [Place.parse(url) for url in listed]


def is_ours(place: Place, places: Iterable[Place]) -> bool:
    """Whether a place is within any of these."""
    return any(place.within(each) for each in places)


def _segments(path: str) -> tuple[str, ...]:
    """The path's segments. Raises ValueError for one that a server could take for a step up, however it is encoded.

    git has decoded the path already, so what still looks encoded hides something.
    """
    if unquote(path) != path or "\\" in path or not path.isprintable():
        raise ValueError("a path that is not plain")
    segments = tuple(segment for segment in path.split("/") if segment)
    if {".", ".."} & set(segments):
        raise ValueError("a path that leads upwards")
    return segments
