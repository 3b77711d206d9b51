"""git tells every helper of an address to store what one of them has answered: who else would get the hub's token?

The hub lets its helper stand alone where the user was connected when the server started. It does not stand alone where
an account was connected later, or where somebody adds a helper by hand (`git -c credential.helper=store ...`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from typing import Final

from .places import Place
from .whole_path import SHORT

SETTINGS: Final = ("git", "config", "--null", "--get-regexp", r"^credential\.(.*\.)?helper$")


def others(place: Place) -> list[str]:
    """The helpers beside ours that git asks for this place, as its configuration names them."""
    return listed(place, _configured())


def listed(place: Place, settings: Iterable[tuple[str, str]]) -> list[str]:
    """The same, from (name, value) in git's order. An empty value switches off what came before.

    What cannot be told not to be for this place counts as if it were.
    """
    found: list[str] = []
    for name, helper in settings:
        pattern = name.removeprefix("credential.").removesuffix("helper").removesuffix(".")
        covers = _covers(pattern, place)
        if helper and covers is not False:
            found.append(helper)
        elif not helper and covers:
            found.clear()
    return [helper for helper in found if helper != SHORT and f"git-credential-{SHORT}" not in helper]


def _covers(pattern: str, place: Place) -> bool | None:
    """Whether a setting is for a place; None if we cannot tell, as with wildcards and user names."""
    try:
        return not pattern or place.within(Place.parse(pattern))
    except ValueError:
        return None


def _configured() -> Iterator[tuple[str, str]]:
    """What git reads here, with the variables that it hands to its helpers."""
    try:
        done = subprocess.run(SETTINGS, capture_output=True, check=False, timeout=10)  # noqa: S603  # fixed words
    except (OSError, subprocess.SubprocessError):
        return
    for setting in done.stdout.decode(errors="replace").split("\0"):
        name, _, value = setting.partition("\n")
        if name:
            yield name, value
