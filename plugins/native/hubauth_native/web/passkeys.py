"""`passkeys/challenge`: what the browser's call to a passkey begins with. The same for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tornado import web

from hubauth_core import Page

from .page import NativePage

if TYPE_CHECKING:
    from ..provider import NativeProvider


class PasskeyChallenge(NativePage):
    """Hands out a challenge, which the browser keeps in a signed cookie."""

    def post(self) -> None:
        told = self.house.passkeys.challenge(self)
        if told is None:
            raise web.HTTPError(404, "Passkeys cannot be used at this address.")
        self.finish(told)


def pages(provider: NativeProvider) -> Sequence[Page]:
    """Below the provider's own path."""
    return [Page(pattern="passkeys/challenge", handler=PasskeyChallenge, options={"provider": provider})]
