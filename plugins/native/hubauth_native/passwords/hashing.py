"""Hashing of passwords: argon2id in a bounded pool; bcrypt is read only, for accounts that came from elsewhere.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html, RFC 9106; rows S01, P03, P05, P09

What is stored is `nfc` and argon2's own string with its parameters and salt: `nfc$argon2id$v=19$m=...`. Without that
word the password was hashed as it was typed.
"""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import bcrypt
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from hubauth_core import ConfigError, Secret

from .evenness import Evenness, kind_of
from .pool import Pool
from .typed import PasswordRefused, normalised, received

NFC: Final = "nfc"
"""Stands before a hash whose password was normalised."""

SALT: Final = 16
"""Bytes of a hash's salt."""

LEAST: Final = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
"""What OWASP advises at least: KiB of memory, passes over it; one thread."""

MOST_MEMORY: Final = 2**20
MOST_PASSES: Final = 100
"""KiB and passes beyond which no hash is computed, wherever it came from."""

TRIES: Final = 3
"""How often a kind of hash is measured."""

_BCRYPT: Final = ("$2a$", "$2b$", "$2y$")
_BCRYPT_READS: Final = 72
_BCRYPT_MOST: Final = 15


@dataclass(frozen=True)
class Cost:
    """What one hash costs: `memory` in KiB, `passes` over it, `lanes` that can be computed at once."""

    memory: int
    passes: int
    lanes: int = 1

    def check(self) -> None:
        """Raises ConfigError for less than OWASP advises."""
        if not any(self.memory >= memory and self.passes >= passes for memory, passes in LEAST):
            advised = ", ".join(f"{memory} and {passes}" for memory, passes in LEAST)
            raise ConfigError(
                f"argon2_memory_cost = {self.memory} with argon2_time_cost = {self.passes} makes stolen hashes too "
                f"easy to guess. OWASP advises at least one of: {advised}. Tests may set argon2_unsafe = True."
            )


@dataclass(frozen=True)
class Verified:
    """Whether the password was right; `rehashed` is what to store from now on where the old hash is out of date."""

    ok: bool
    rehashed: Secret | None = field(default=None, repr=False)


class Hasher:
    """Makes and verifies hashes, in the threads of `pool`."""

    def __init__(self, cost: Cost, pool: Pool) -> None:
        self._pool = pool
        self._argon2 = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes, salt_len=SALT
        )
        begun = time.perf_counter()
        self._nobodys = Secret(self._hash(secrets.token_hex(SALT)))
        usual = kind_of(self._nobodys.reveal())
        self._even = Evenness(usual)
        self._even.met(usual, time.perf_counter() - begun)

    async def hash(self, password: str) -> Secret:
        """What to store for a password. Raises PasswordRefused for what can be none, Busy."""
        return Secret(await self._pool.run(self._hash, normalised(password)))

    async def verify(self, stored: Secret | None, password: str) -> Verified:
        """Whether `password` is the one behind `stored`. Raises Busy.

        None, and what is no hash, is never right, and takes as long as a wrong password (rows S03, V19). Pass None also
        for an account that may not sign in.
        """
        verified, took = await self._pool.run(self._timed, stored, password)
        if stored and is_hash(stored.reveal()):
            self._even.met(kind_of(stored.reveal()), took)
        await self._even.wait(took)
        return verified

    async def learn(self, examples: Iterable[Secret]) -> None:
        """Measure hashes of the kinds that are stored, so that none is told from another by its time. Raises Busy."""
        seconds = {}
        for each in (self._nobodys, *examples):
            tries = [(await self._pool.run(self._timed, each, "-"))[1] for _ in range(TRIES)]
            seconds[kind_of(each.reveal())] = statistics.median(tries)
        self._even.learn(seconds)

    def _timed(self, stored: Secret | None, password: str) -> tuple[Verified, float]:
        begun = time.perf_counter()
        return self._verify(stored, password), time.perf_counter() - begun

    def _hash(self, normal: str) -> str:
        return f"{NFC}{self._argon2.hash(normal)}"

    def _verify(self, stored: Secret | None, password: str) -> Verified:
        try:
            whole = received(password)
        except PasswordRefused:
            stored, password, whole = None, "-", b"-"
        text = stored.reveal() if stored else ""
        known = is_hash(text)
        if known and text.startswith(_BCRYPT):
            right, current = bcrypt.checkpw(whole[:_BCRYPT_READS], text.encode("ascii")), False
        else:
            word, _, rest = (text if known else self._nobodys.reveal()).partition("$")
            typed = normalised(password) if word == NFC else password
            right = self._is_right(f"${rest}", typed) and known
            current = word == NFC and not self._argon2.check_needs_rehash(f"${rest}")
        if not right:
            return Verified(False)
        return Verified(True, None if current else Secret(self._hash(normalised(password))))

    def _is_right(self, argon2: str, typed: str) -> bool:
        try:
            return self._argon2.verify(argon2, typed)
        except (VerificationError, InvalidHashError):
            return False


def is_hash(text: str) -> bool:
    """Whether `text` is a hash that can be verified here, at a cost that a hub can afford."""
    if text.startswith(_BCRYPT):
        cost = text[4:6]
        return len(text) == 60 and text.isascii() and cost.isdecimal() and 4 <= int(cost) <= _BCRYPT_MOST
    try:
        asked = extract_parameters(text.removeprefix(NFC))
    except InvalidHashError:
        return False
    return asked.memory_cost <= MOST_MEMORY and asked.time_cost <= MOST_PASSES
