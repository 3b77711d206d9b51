"""One attempt to prove who somebody is by a factor that they have, counted by person and by address (rows S04, V40)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from hubauth_core import LoginRefused, Request

from ..house import House
from ..password_change import MOST_FAILURES
from .passkeys import FIELD, PasskeyCloned
from .recovery import FEW, RecoveryCodes
from .recovery import code_in as recovery_code_in
from .store import Factors, Owner
from .telling import Act, account_of, done, record
from .totp import Totp

KIND: Final = "second_factor"

WRONG = "That code is not right, or it was used already. Wait for the next one, and try again."


class Proof:
    """Checks a code or a passkey."""

    def __init__(self, house: House, factors: Factors, totp: Totp, recovery: RecoveryCodes) -> None:
        self._house = house
        self._factors = factors
        self._totp = totp
        self._recovery = recovery

    async def by_factor(self, owners: Sequence[Owner], request: Request, said: str = WRONG) -> None:
        """Take the code or the passkey of a form.

        Raises LoginRefused `bad_credentials`, TooMany, StoreError.
        """
        shut = await self._house.throttle.write(partial(self._count, owners=owners, address=request.address))
        try:
            if shut:
                raise LoginRefused(said, code="bad_credentials")
            if request.form.get(FIELD):
                await self._house.passkeys.check(request, owners)
            elif not await self._by_code(owners, request):
                raise LoginRefused(said, code="bad_credentials")
        except LoginRefused as refusal:
            await self._tell(owners, request, refusal)
            raise
        await self._house.throttle.write(partial(self._succeeded, owners=owners))

    def _count(self, connection: Connection, *, owners: Sequence[Owner], address: str) -> bool:
        """Count a failure until it is none, together with wrong passwords; whether there were too many (row P10)."""
        house = self._house
        house.throttle.take(connection, kind=KIND, account=_key(owners), address=address)
        account = account_of(house, owners)
        held = house.accounts.held(connection, account.id) if account else None
        if held is None or held.failures > MOST_FAILURES:
            return held is not None
        return not house.accounts.change(connection, held.id, failures=held.failures + 1)

    def _succeeded(self, connection: Connection, *, owners: Sequence[Owner]) -> None:
        self._house.throttle.forget(connection, kind=KIND, account=_key(owners))
        if (account := account_of(self._house, owners)) is not None:
            self._house.accounts.change(connection, account.id, failures=0)

    async def _by_code(self, owners: Sequence[Owner], request: Request) -> bool:
        values = request.form.get("code", ())
        typed = values[0] if len(values) == 1 else ""
        if not recovery_code_in(typed):
            return await self._totp.check(owners, typed)
        if not await self._recovery.check(owners, typed):
            return False
        left = self._recovery.left(owners)
        act = Act(
            kind="recovery_code_used",
            reason=f"left_{left}",
            letter="factor_recovery_used",
            address=request.address,
        )
        await done(self._house, owners, act, lambda connection: None, left=left, few=left <= FEW)
        return True

    async def _tell(self, owners: Sequence[Owner], request: Request, refusal: LoginRefused) -> None:
        cloned = isinstance(refusal, PasskeyCloned)
        reason = "passkey_counter" if cloned else refusal.code
        act = Act(kind="second_factor_failed", reason=reason, letter="factor_cloned", address=request.address)
        if cloned:
            await done(self._house, owners, act, lambda connection: None)
        else:
            record(self._house, owners, account_of(self._house, owners), act)


def _key(owners: Sequence[Owner]) -> str:
    return ":".join(owners[0])
