"""Recovery codes: for the day on which the phone is gone. Shown once, used once, and a new set replaces the old one.

A code has 120 random bits, so that its SHA-256 may stand in the database in place of a password hash (row 6.5.2).
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from hubauth_core.plugin import Database

from .store import RECOVERY, Factors, Owner, digest

CODES: Final = 10
CODE_BYTES: Final = 15
FEW: Final = 3
"""Codes that are left when their owner is told to make new ones."""

_GROUP: Final = 4
_CODE: Final = re.compile(r"[a-z2-7]{24}")


def new_codes() -> tuple[str, ...]:
    """A set of codes, as people write them down."""
    return tuple(_grouped(secrets.token_bytes(CODE_BYTES)) for _ in range(CODES))


def code_in(typed: str) -> str:
    """The code in what somebody typed, without what groups it; "" if it is something else."""
    code = re.sub(r"[\s-]", "", typed[:128]).lower()
    return code if _CODE.fullmatch(code) else ""


class RecoveryCodes:
    """The recovery codes of the people of one native provider."""

    def __init__(self, database: Database, factors: Factors) -> None:
        self._database = database
        self._factors = factors

    async def check(self, owners: Sequence[Owner], typed: str) -> bool:
        """Whether this is one of a person's codes; it is used up then. Raises StoreError."""
        code = code_in(typed)
        if not code:
            return False
        return await self._database.write(partial(self._factors.spend_code, owners=owners, digest=self._digest(code)))

    def left(self, owners: Sequence[Owner]) -> int:
        """How many codes a person has not used."""
        return len(self._factors.of(owners, RECOVERY))

    def replace(self, connection: Connection, owners: Sequence[Owner], codes: Iterable[str]) -> None:
        """Give a person these codes, and take all older ones away."""
        self._factors.forget_codes(connection, owners)
        for code in codes:
            self._factors.add(connection, owners[0], RECOVERY, digest=self._digest(code_in(code)))

    def _digest(self, code: str) -> str:
        return digest(RECOVERY, self._factors.keeper, code)


def _grouped(random: bytes) -> str:
    code = base64.b32encode(random).decode().lower()
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
