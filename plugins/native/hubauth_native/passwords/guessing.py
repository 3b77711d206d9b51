"""How soon a password is guessed, by zxcvbn: the page's meter and the check on the server are this one function.

https://github.com/dropbox/zxcvbn
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zxcvbn import zxcvbn

LOOKED_AT: Final = 100
"""Characters that are looked at. What follows them only makes a password better."""

FEW: Final = 24
MANY_SIGNS: Final = 8
"""Of a password with more than `MANY_SIGNS` different signs, `FEW` characters: each sign may stand for several letters,
and zxcvbn tries them all, which takes seconds for a long one."""

_ALONE = threading.Lock()
"""zxcvbn keeps the words of one call in a global."""


@dataclass(frozen=True)
class Guessing:
    """`score`: 0 (at once) to 4 (hardly ever). `advice`: why, and what helps; "" for a good one."""

    score: int
    advice: str


def guessing(password: str, words: Sequence[str] = ()) -> Guessing:
    """Judge a password; `words` are what somebody who knows the person or the place would try first."""
    signs = {character for character in password if not character.isalpha()}
    with _ALONE:
        result = zxcvbn(password[: FEW if len(signs) > MANY_SIGNS else LOOKED_AT], words, LOOKED_AT)
    told = result["feedback"]
    return Guessing(result["score"], " ".join(filter(None, [told["warning"], *told["suggestions"]])))
