"""Codes of an authenticator app: six digits for each step of 30 seconds, by the server's clock.

https://www.rfc-editor.org/rfc/rfc6238
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pyotp
from sqlalchemy import Connection

from hubauth_core import Core, CredentialError, Secret
from hubauth_core.plugin import Database

from .store import TOTP, Factor, Factors, Owner, digest, new_id

STEP: Final = 30
"""Seconds of a step (row 6.5.5)."""
SKEW: Final = 1
"""Steps that a phone's clock may be away from ours (section 5.2)."""
SECRET_BYTES: Final = 20
"""The length of the hash behind it (RFC 4226, section 4, R6)."""

_CODE: Final = re.compile(r"[0-9]{6}")


def new_secret() -> Secret:
    """A secret of 160 random bits, in base32."""
    return Secret(base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode())


def address(secret: Secret, *, username: str, issuer: str) -> str:
    """What the QR code says: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    return pyotp.TOTP(secret.reveal()).provisioning_uri(name=username, issuer_name=issuer)


def code_in(typed: str) -> str:
    """The six digits in what somebody typed; "" if it is something else."""
    code = "".join(typed[:32].split())
    return code if _CODE.fullmatch(code) else ""


def steps_of(secret: Secret, code: str, now: float) -> list[int]:
    """The steps around `now` (Unix seconds) whose code this is; takes as long for any code."""
    current, generator = int(now // STEP), pyotp.TOTP(secret.reveal())
    around = range(current - SKEW, current + SKEW + 1)
    return [step for step in around if hmac.compare_digest(generator.generate_otp(step), code)]


class Totp:
    """The authenticator apps of the people of one native provider. Their secrets are sealed under the crypt keys."""

    def __init__(
        self, core: Core, database: Database, factors: Factors, clock: Callable[[], float] = time.time
    ) -> None:
        self._core = core
        self._database = database
        self._factors = factors
        self.clock = clock

    @property
    def possible(self) -> bool:
        """Whether there are crypt keys to seal a secret under."""
        return self._core.has_keys

    async def check(self, owners: Sequence[Owner], typed: str) -> bool:
        """Whether this is the code of one of a person's apps now; it is used up then (row V09). Raises StoreError."""
        code = code_in(typed)
        for factor in self._factors.of(owners, TOTP) if code else ():
            secret = await self._secret(factor)
            for step in reversed(steps_of(secret, code, self.clock())) if secret else ():
                if await self._database.write(partial(self._factors.spend_step, factor_id=factor.id, step=step)):
                    return True
        return False

    async def sealed(self, owner: Owner, secret: Secret, label: str, step: int) -> Callable[[Connection], str]:
        """The work of a transaction that stores a secret; `step` is the last one that was used, -1 for none.

        The work answers with the factor's id; it raises FactorRefused for a secret that the owner has already.
        """
        factor_id = new_id()
        data = await self._core.seal(_bound_to(owner, factor_id), TOTP, {"secret": secret.reveal()})
        known = digest(TOTP, self._factors.keeper, *owner, secret.reveal())
        row = {"digest": known, "id": factor_id, "label": label, "data": data, "counter": step}
        return partial(self._factors.add, owner=owner, kind=TOTP, **row)  # type: ignore[arg-type]  # a row of its kind

    async def seal_anew(self) -> int:
        """Seal every secret that an older crypt key has sealed under the first one; how many. Raises StoreError."""
        renewed = 0
        for factor in self._factors.all_of(TOTP) if self.possible else ():
            bound_to = _bound_to(factor.owner, factor.id)
            try:
                content, by_first_key = await self._core.open(bound_to, TOTP, factor.data)
            except CredentialError:
                continue  # its owner is told at the next sign-in that the code is not right; a lost key may come back
            if not by_first_key:
                fresh = await self._core.seal(bound_to, TOTP, content)
                keep = partial(self._factors.keep_data, factor_id=factor.id, old=factor.data, new=fresh)
                await self._database.write(keep)
                renewed += 1
        return renewed

    async def _secret(self, factor: Factor) -> Secret | None:
        try:
            content, _ = await self._core.open(_bound_to(factor.owner, factor.id), TOTP, factor.data)
        except CredentialError:
            self._core.log.error(
                "hubauth: the authenticator app %s of %s cannot be read: its crypt key is gone. An administrator can "
                "reset the factors of that account.",
                factor.id,
                factor.subject,
            )
            return None
        return Secret(content["secret"])


def _bound_to(owner: Owner, factor_id: str) -> str:
    """What the sealed secret says it is of, so that it opens in no other row (row F14)."""
    return ":".join((*owner, factor_id))
