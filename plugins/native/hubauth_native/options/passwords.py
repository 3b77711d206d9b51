"""Options about passwords."""

from __future__ import annotations

import os

from traitlets import Bool, HasTraits, Integer, default

from ..passwords.hashing import MOST_MEMORY, MOST_PASSES, Cost


class PasswordOptions(HasTraits):
    """Mixed into `NativeProvider`."""

    argon2_memory_cost = Integer(
        19456,
        min=8,
        max=MOST_MEMORY,
        help="Memory that the hash of one password takes, in KiB. Existing hashes follow at the next sign-in.",
    ).tag(config=True)
    argon2_time_cost = Integer(
        2, min=1, max=MOST_PASSES, help="How often the hash of a password passes over its memory."
    ).tag(config=True)
    argon2_parallelism = Integer(
        1, min=1, max=16, help="Lanes of that memory; more than one only helps where processors are idle."
    ).tag(config=True)
    argon2_unsafe = Bool(
        False, help="Take a cost below what OWASP advises. For tests: stolen hashes are guessed sooner."
    ).tag(config=True)

    hash_threads = Integer(
        min=1,
        max=64,
        help="Passwords that are hashed at once; the others wait. Unset: half of the processors, 4 at most.",
    ).tag(config=True)
    hash_queue = Integer(
        200, min=1, help="Passwords that may wait to be hashed; beyond it people are asked to come back (503)."
    ).tag(config=True)

    @default("hash_threads")
    def _half_of_the_processors(self) -> int:
        return max(1, min(4, (os.cpu_count() or 1) // 2))

    @property
    def argon2_cost(self) -> Cost:
        """What a hash costs. Raises ConfigError where that is too little."""
        cost = Cost(self.argon2_memory_cost, self.argon2_time_cost, self.argon2_parallelism)
        if not self.argon2_unsafe:
            cost.check()
        return cost
