"""Adding a first or a further factor: a secret and recovery codes that do not count until one factor was shown to work.

Nothing is stored before that: what was proposed goes through the browser, sealed for one person and half an hour. So
nobody else who has the same password sees it, and a secret that nobody confirmed is nowhere (row V32).
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from hubauth_core import Secret

from .recovery import RecoveryCodes, new_codes
from .store import RECOVERY, FactorRefused, Factors, Owner
from .totp import Totp, code_in, new_secret, steps_of

LASTS: Final = 1800.0
"""Seconds that adding a factor may take."""
_NONCE: Final = 12


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What somebody is asked to put into their app, and the codes to write down. `sealed` brings it back.

    `codes` is empty for who has some already.
    """

    secret: Secret
    codes: tuple[str, ...] = field(repr=False)
    sealed: str = field(repr=False)


class Enrolment:
    """Proposes, and stores what was shown to work. `key`: 32 bytes."""

    def __init__(self, factors: Factors, totp: Totp, recovery: RecoveryCodes, key: bytes) -> None:
        self._factors = factors
        self._totp = totp
        self._recovery = recovery
        self._cipher = AESGCM(key)

    def propose(self, owners: Sequence[Owner]) -> Proposal:
        """A new secret for a person, with recovery codes if they have none."""
        secret = new_secret()
        codes = () if self._factors.of(owners, RECOVERY) else new_codes()
        told = {"secret": secret.reveal(), "codes": codes, "at": time.time()}
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, json.dumps(told).encode(), _bound_to(owners))
        return Proposal(secret=secret, codes=codes, sealed=base64.urlsafe_b64encode(sealed).decode())

    def resume(self, owners: Sequence[Owner], sealed: str) -> Proposal | None:
        """What was proposed to this person; None if it was not, or too long ago."""
        try:
            raw = base64.urlsafe_b64decode(sealed[:4096].encode())
            told: dict[str, Any] = json.loads(self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(owners)))
        except (ValueError, InvalidTag):
            return None
        if not 0 <= time.time() - told["at"] <= LASTS:
            return None
        return Proposal(secret=Secret(told["secret"]), codes=tuple(told["codes"]), sealed=sealed)

    async def app(
        self, owners: Sequence[Owner], proposal: Proposal, typed: str, label: str
    ) -> Callable[[Connection], None]:
        """The work of a transaction that stores the app, if this is its code now. Raises FactorRefused."""
        code = code_in(typed)
        steps = steps_of(proposal.secret, code, self._totp.clock()) if code else []
        if not steps:
            raise FactorRefused(
                "That is not what the app shows now. Look again; the clocks of phone and hub must agree.",
                code="code_wrong",
            )
        return self.with_codes(owners, proposal, await self._totp.sealed(owners[0], proposal.secret, label, max(steps)))

    def with_codes(
        self, owners: Sequence[Owner], proposal: Proposal, add: Callable[[Connection], str]
    ) -> Callable[[Connection], None]:
        """The work that stores a factor and with it the codes that were shown; browsers are asked again."""

        def work(connection: Connection) -> None:
            add(connection)
            # A form that comes once more brings no code back that was used meanwhile.
            if proposal.codes and not self._factors.count(connection, owners, RECOVERY):
                self._recovery.replace(connection, owners, proposal.codes)
            self._factors.distrust(connection, owners)

        return work


def _bound_to(owners: Sequence[Owner]) -> bytes:
    return json.dumps(list(owners[0])).encode()
