"""Passwords that are tried first: common ones, and what is made of words of the person or the place.

The whole password counts, never a part of it (row P06), whatever its case and its compatibility forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from zxcvbn.matching import RANKED_DICTIONARIES

COMMON: Final = RANKED_DICTIONARIES["passwords"]
"""30,000 common passwords, in lower case, from what was published of breaches; zxcvbn ships them."""

SERVICE: Final = ("jupyter", "hub", "jupyterhub", "jupyterlab", "lab", "notebook", "server", "hubauth")
"""Words of this service."""

SHORTEST: Final = 3
"""Letters of a word that counts."""
MOST: Final = 100
"""Words that are looked at."""
DIGITS: Final = 4
"""Digits that make a password of such words no better: a year."""

_BETWEEN: Final = re.compile(r"[\W_]+")


def is_common(password: str) -> bool:
    """Whether it is one of the passwords that everybody chooses (row 6.2.4)."""
    return folded(password) in COMMON


def words_of(about: Iterable[str]) -> list[str]:
    """The words in names, addresses and hosts: each as a whole, and its parts."""
    found: dict[str, None] = {}
    for each in about:
        text = folded(each[:255])
        for word in (text, *_BETWEEN.split(text)):
            if len(_letters(word)) >= SHORTEST:
                found[word] = None
    return list(found)[:MOST]


def is_made_of(password: str, words: Iterable[str]) -> bool:
    """Whether it is nothing but such words, in any order and number, with a few digits or signs (row 6.2.11)."""
    text = folded(password)
    letters = _letters(text)
    if not letters or sum(character.isdigit() for character in text) > DIGITS:
        return False
    parts = {_letters(word) for word in words}
    reached = {0}
    for start in range(len(letters)):
        if start in reached:
            reached.update(start + len(part) for part in parts if part and letters.startswith(part, start))
    return len(letters) in reached


def folded(text: str) -> str:
    """Without case and without compatibility forms: what looks or means the same is the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())
