"""`verify`: a link that proves an address. A GET, which programs that look at mails send too, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hubauth_core import HubAuthError, Page

from .signup import ApplicantPage

if TYPE_CHECKING:
    from ..provider import NativeProvider


class VerifyPage(ApplicantPage):
    """Shows what would be proved, and takes the word for it."""

    async def get(self) -> None:
        try:
            values = self.plain_request().query.get("token", ("",))
            proof = self.house.verification.look(values[0])
        except HubAuthError as error:
            await self.say(error)
        else:
            opens = proof.account.status == "active" or self.house.approval.vouches(proof.email)
            await self.show("native-verify.html", proof=proof, token=values[0], opens=opens)

    async def post(self) -> None:
        try:
            token = self.one("token")
            await self.house.throttle.admit("link", address=self.address)
            account = await self.house.verification.confirm(token, origin=self.address)
        except HubAuthError as error:
            await self.say(error)
        else:
            self.remember(account)
            self.done("Your address is confirmed.", "signup/status")


def pages(provider: NativeProvider) -> Sequence[Page]:
    """Below the provider's own path."""
    return [Page(pattern="verify", handler=VerifyPage, options={"provider": provider})]
