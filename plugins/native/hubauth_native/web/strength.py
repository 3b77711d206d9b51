"""`password-strength`: what the meter below a new password shows; the check of the form says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from hubauth_core import HubAuthError, Page
from hubauth_core.plugin import answer_to

from ..passwords.policy import Strength
from .page import NativePage

if TYPE_CHECKING:
    from ..provider import NativeProvider

ABOUT: Final = ("username", "email", "full_name")
"""Fields of the same form that tell who it is about."""


class StrengthPage(NativePage):
    """Judges a password that is being typed, in JSON. Nothing is stored, and nobody else is asked."""

    async def post(self) -> None:
        try:
            strength = await self._judge()
        except HubAuthError as error:
            self.set_status(answer_to(error).status)
            if retry_after := getattr(error, "retry_after", None):
                self.set_header("Retry-After", str(int(retry_after)))
            self.finish({"error": error.code})
        else:
            self.finish(asdict(strength))

    async def _judge(self) -> Strength:
        password = self.one("password", longest=16 * 1024)
        about = [self.one(name) for name in ABOUT]
        await self.house.throttle.admit("strength", address=self.address)
        if own := self.account:
            about += [own.username, own.email or "", own.full_name]
        return await self.house.policy.strength(password, about)


def pages(provider: NativeProvider) -> Sequence[Page]:
    """Below the provider's own path."""
    return [Page(pattern="password-strength", handler=StrengthPage, options={"provider": provider})]
