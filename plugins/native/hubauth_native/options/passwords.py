"""Options about passwords."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from traitlets import Bool, HasTraits, Integer, List, Unicode, default

from ..passwords.hashing import MOST_MEMORY, MOST_PASSES, Cost
from ..passwords.policy import ALONE, WITH_FACTOR, Rules


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

    password_min_length = Integer(
        ALONE, min=WITH_FACTOR, help="Characters that a password needs at least. NIST SP 800-63B asks for 15."
    ).tag(config=True)
    password_min_length_with_factor = Integer(
        WITH_FACTOR,
        min=WITH_FACTOR,
        help="The same where `second_factor` is `required`: for everybody.",
    ).tag(config=True)
    password_min_score = Integer(
        2,
        min=0,
        max=4,
        help="Least score of a new password by zxcvbn: 0 takes any, 2 withstands a million guesses, 4 ten billion.",
    ).tag(config=True)
    context_words = List(
        Unicode(),
        help="Words that people here would try first, such as the name of your institution. No password is made of "
        "them alone. The hub's own name, and the person's, are among them anyway.",
    ).tag(config=True)
    breached_passwords_url = Unicode(
        help="Address of a service that knows passwords from breaches, as https://api.pwnedpasswords.com/range/ does. "
        "It is told five characters of a digest, nothing else. Unset: nobody is asked. If it does not answer, "
        "passwords are taken without it, and the log says so."
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

    def password_rules(self, public_url: str, *, second_factor: bool) -> Rules:
        """Which passwords are taken at this hub; `second_factor`: whether everybody must have one."""
        return Rules(
            shortest=self.password_min_length_with_factor if second_factor else self.password_min_length,
            advised=WITH_FACTOR if second_factor else ALONE,
            least_score=self.password_min_score,
            place=[urlsplit(public_url).hostname or "", *self.context_words],
            breaches_url=self.breached_passwords_url,
        )
