"""`verify`: a link that proves an address. A GET, which programs that look at mails send too, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hubauth_core import HubAuthError, LoginRefused, Page

from ..accounts import Account
from ..verification import Proof
from .signup import ApplicantPage

if TYPE_CHECKING:
    from ..provider import NativeProvider

NOT_THAT: Final = "This is not the password that was chosen with the account. Type that one."


class VerifyPage(ApplicantPage):
    """Shows what would be proved, and takes the word for it.

    Another browser than the one that asked for the account types its password too: else somebody could ask for one with
    a foreign address, and have its owner open it for them (rows M12, V30).
    """

    async def get(self) -> None:
        try:
            values = self.plain_request().query.get("token", ("",))
            proof = self.house.verification.look(values[0])
        except HubAuthError as error:
            await self.say(error)
        else:
            await self._show(proof, values[0])

    async def post(self) -> None:
        try:
            token = self.one("token")
            await self.house.throttle.admit("link", address=self.address)
            proof = self.house.verification.look(token)
            if not await self._asked_for(proof.account):
                await self._show(proof, token, LoginRefused(NOT_THAT, code="bad_credentials"))
                return
            account = await self.house.verification.confirm(token, origin=self.address)
        except HubAuthError as error:
            await self.say(error)
        else:
            self.remember(account)
            self.done("Your address is confirmed.", "signup/status")

    async def _show(self, proof: Proof, token: str, error: HubAuthError | None = None) -> None:
        opens = proof.account.status == "active" or self.house.approval.vouches(proof.email)
        known = self._is_browser_of(proof.account)
        await self.show("native-verify.html", error, proof=proof, token=token, opens=opens, known=known)

    def _is_browser_of(self, account: Account) -> bool:
        applied = self.applied
        return applied is not None and applied.id == account.id

    async def _asked_for(self, account: Account) -> bool:
        """Whether whoever is here has asked for the account. Raises TooMany, Busy."""
        if self._is_browser_of(account):
            return True
        await self.house.throttle.admit("password", account=account.id, address=self.address)
        typed = self.one("password", longest=16 * 1024)
        return (await self.house.hasher.verify(account.password_hash, typed)).ok


def pages(provider: NativeProvider) -> Sequence[Page]:
    """Below the provider's own path."""
    return [Page(pattern="verify", handler=VerifyPage, options={"provider": provider})]
