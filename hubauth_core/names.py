"""Hub usernames: how a provider's username becomes one, which ones cannot be told apart, and prefixes.

Rows V14 and V38 of the security table: capped before any work, no invisible characters, look-alikes share one key.
"""

from __future__ import annotations

import functools
import importlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from .errors import ConfigError, LoginRefused

LONGEST = 255
"""Characters of the longest hub username: the width of the hub's column."""

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show nothing (Unicode's default-ignorable ones outside category Cf, and the blank pattern)."""

_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def normalise(username: str) -> str:
    """The hub's spelling of a username: NFKC and lower case. Raises LoginRefused for what no hub user can be called."""
    if not username or len(username) > LONGEST:
        raise _invalid("it is empty" if not username else f"it is longer than {LONGEST} characters")
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).lower())
    if username != username.strip() or name != name.strip():
        raise _invalid("it begins or ends with a space")
    if any(map(_forbidden, username)) or any(map(_forbidden, name)):
        raise _invalid("it holds characters that cannot be seen")
    if "/" in name or not unquote(name).strip("."):
        raise _invalid("it cannot be part of an address")
    return name


def name_key(name: str) -> str:
    """What names that look alike have in common: case, compatibility forms and confusable letters are folded.

    ASCII stays as it is; any other character becomes its prototype of https://www.unicode.org/reports/tr39/#skeleton.
    """
    folded = _fold(name)
    return folded if folded.isascii() else _fold("".join(map(_prototype, folded)))


@dataclass(frozen=True)
class Prefix:
    """What hub usernames of one provider begin with; `explicit` if the administrator wrote it out."""

    text: str
    explicit: bool


def prefixes_of(configured: Mapping[str, str | None]) -> dict[str, Prefix]:
    """The prefix of each provider, from its `username_prefix` (None where not set). Raises ConfigError on a clash.

    Name every configured provider, also one that is broken: what the others default to must not depend on it.
    """
    alone = len(configured) == 1
    found = {
        provider: Prefix("" if alone else f"{provider}-", explicit=False)
        if prefix is None
        else Prefix(_checked(provider, prefix), explicit=True)
        for provider, prefix in configured.items()
    }
    for one, prefix in found.items():
        for other, longer in found.items():
            if (
                one != other
                and name_key(longer.text).startswith(name_key(prefix.text))
                and (prefix.text or not longer.text)
            ):
                raise ConfigError(_clash(one, prefix.text, other, longer.text))
    return found


def _checked(provider: str, prefix: str) -> str:
    if not prefix:
        return prefix
    try:
        normal = normalise(prefix + "x")[:-1]
    except LoginRefused as error:
        raise ConfigError(f"username_prefix = {prefix!r} of provider {provider!r}: {error.sentence}") from error
    if normal != prefix:
        raise ConfigError(f"Hub usernames are lower case: set username_prefix = {normal!r} for provider {provider!r}.")
    return prefix


def _clash(one: str, prefix: str, other: str, longer: str) -> str:
    if not prefix:
        return f"Providers {one!r} and {other!r} both have username_prefix = ''; only one may."
    return (
        f"username_prefix {prefix!r} of provider {one!r} begins {longer!r} of provider {other!r}, so that both could "
        "make the same hub username; change the username_prefix of one of them."
    )


def _invalid(why: str) -> LoginRefused:
    return LoginRefused(f"Your username cannot be used on this hub: {why}.", code="name_invalid")


def _forbidden(character: str) -> bool:
    if character.isascii():
        return not character.isprintable()
    return unicodedata.category(character) in _FORBIDDEN_CATEGORIES or bool(_INVISIBLE.match(character))


def _fold(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded).casefold()


@functools.cache
def _confusables() -> Mapping[str, list[dict[str, str]]]:
    """Character -> those it can be taken for. Read when the first name outside ASCII arrives."""
    module = importlib.import_module("confusable_homoglyphs.confusables")
    data: Mapping[str, list[dict[str, str]]] = module.confusables_data
    return data


@functools.lru_cache(maxsize=4096)
def _prototype(character: str) -> str:
    """The character that stands for all that look like this one.

    The library's table is a set of stars (prototype in the middle); of a lone pair either end may stand for both.
    """
    if character.isascii():
        return character
    alike = [entry["c"] for entry in _confusables().get(character, ())]
    plain = [other for other in alike if other.isascii()]
    if plain:
        return min(plain)
    if len(alike) != 1:
        return character
    middle = len(_confusables().get(alike[0], ())) > 1
    return alike[0] if middle else min(character, alike[0])
