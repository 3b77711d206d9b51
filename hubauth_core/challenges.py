"""Sign-ins that a plugin holds up for one more step: kept in the process, for as long as their transaction lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .calls import Asked
from .transaction import LIFETIME
from .types import SignIn

MOST: Final = 1000
"""Sign-ins that may wait at once; the oldest give way."""


@dataclass(frozen=True)
class HeldUp:
    """A sign-in of which the source has done its part, and what it waits for."""

    sign_in: SignIn
    asked: Asked


class Challenges:
    """Who is held up, by the state of the transaction."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, HeldUp]] = {}

    def hold(self, state: str, held: HeldUp) -> None:
        """Keep a sign-in until its form comes back."""
        now = self._clock()
        alive = [(name, each) for name, each in self._held.items() if each[0] > now]
        self._held = dict(alive[-(MOST - 1) :]) | {state: (now + LIFETIME, held)}

    def resume(self, state: str) -> HeldUp | None:
        """Who was held up under this state, once; None if nobody is."""
        until, held = self._held.pop(state, (0.0, None))
        return held if until > self._clock() else None
