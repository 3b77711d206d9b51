"""Which passwords are good enough: NIST SP 800-63B-4, section 3.1.1.2; rows P01, P06, P07, 6.2.*.

Length, a blocklist, and how soon it is guessed. No rule says which characters a password needs, and none grows old.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from .blocklist import SERVICE, is_common, is_made_of, words_of
from .breaches import Breaches
from .guessing import guessing
from .pool import Pool
from .typed import PasswordRefused, normalised

ALONE: Final = 15
WITH_FACTOR: Final = 8
"""Characters that NIST asks for, where a password is all there is, and where a second factor is always asked."""

_TOO_COMMON: Final = "This password is one of the most common ones, which are tried first. Choose another one."
_MADE_OF: Final = (
    "This password is made of your name, your address or words of this place, which are tried first. "
    "Choose another one."
)
_BREACHED: Final = (
    "This password is known from a breach of another service, so it is tried first. Choose another one, and change "
    "it wherever else you use it."
)
_GOOD: Final = (
    "Good enough.",
    "Good enough.",
    "Good enough. One more word makes it stronger.",
    "Strong.",
    "Very strong.",
)


@dataclass(frozen=True)
class Strength:
    """What the page shows of a password: `score` from 0 to 4, a sentence, and whether it would be taken."""

    score: int
    words: str
    ok: bool


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What an administrator may set. `shortest`: characters, `advised`: what NIST asks for here.

    `least_score`: as of zxcvbn, 0 to 4. `place`: names and words of this hub. `breaches_url`: "" asks nobody.
    """

    shortest: int = ALONE
    advised: int = ALONE
    least_score: int = 2
    place: Sequence[str] = ()
    breaches_url: str = ""


class Policy:
    """Judges passwords by `rules`. Raises ConfigError for an address that cannot be asked."""

    def __init__(self, rules: Rules, log: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        self.rules = rules
        self._place = words_of([*SERVICE, *rules.place])
        self._breaches = Breaches(rules.breaches_url, log) if rules.breaches_url else None
        self._pool = Pool(threads=1, queue=50)
        self._meter = Pool(threads=1, queue=10)  # of its own: whoever floods the meter keeps nobody from a new password
        if rules.shortest < rules.advised:
            words = "hubauth: passwords of %d characters are taken; without a second factor for all, NIST asks for %d"
            log.warning(words, rules.shortest, rules.advised)

    async def check(self, password: str, about: Sequence[str] = (), *, least: int | None = None) -> None:
        """Raises PasswordRefused, whose sentence says why, and Busy.

        `about`: username, address and name of the person. `least`: characters, where it is not the usual number.
        """
        judged = await self._pool.run(self._judge, password, about, self._least(least))
        if not judged.ok:
            raise PasswordRefused(judged.words)
        if self._breaches is not None and await self._breaches.knows(normalised(password)):
            raise PasswordRefused(_BREACHED)

    async def strength(self, password: str, about: Sequence[str] = (), *, least: int | None = None) -> Strength:
        """What `check` would say, without asking anybody else. Raises Busy."""
        return await self._meter.run(self._judge, password, about, self._least(least))

    def _least(self, least: int | None) -> int:
        return self.rules.shortest if least is None else least

    def _judge(self, password: str, about: Sequence[str], least: int) -> Strength:
        try:
            normal = normalised(password)
        except PasswordRefused as error:
            return Strength(0, error.sentence, False)
        words = words_of(about) + self._place
        guessed = guessing(normal, words)
        problem = self._problem(normal, words, least)
        if not problem and guessed.score < self.rules.least_score:
            problem = f"This password is easy to guess. {guessed.advice}".strip()
        if problem:
            return Strength(min(guessed.score, 1), problem, False)
        return Strength(guessed.score, _GOOD[guessed.score], True)

    def _problem(self, normal: str, words: Sequence[str], least: int) -> str:
        if len(normal) < least:
            return (
                f"Too short: {len(normal)} of at least {least} characters. A few words in a row make a good password."
            )
        if is_common(normal):
            return _TOO_COMMON
        return _MADE_OF if is_made_of(normal, words) else ""
