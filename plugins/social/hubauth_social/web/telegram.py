"""`telegram`: Telegram's button, which only its own script draws. https://core.telegram.org/widgets/login

The answer comes back to the callback, signed with the bot's token; the state in its address is the transaction's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from tornado import web

from hubauth_core import Page

from .page import SocialPage

if TYPE_CHECKING:
    from ..provider import SocialProvider

BACKEND: Final = "social_core.backends.telegram.TelegramAuth"
PATH: Final = "telegram"

POLICY: Final = (
    "default-src 'self'; script-src 'self' https://telegram.org; frame-src https://oauth.telegram.org; "
    "img-src 'self' https: data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
)
"""What the page may load: the widget's script and the frame that it makes, beside the hub's own files."""

LONGEST_STATE: Final = 128


class TelegramPage(SocialPage):
    """The button, with the address that Telegram sends the browser back to."""

    async def get(self) -> None:
        states = self.plain_request().query.get("state", ())
        if self.social.described.path != BACKEND or len(states) != 1 or len(states[0]) > LONGEST_STATE:
            raise web.HTTPError(404)
        self.set_header("Content-Security-Policy", POLICY)
        back = f"{self.callback_url(self.social)}?{urlencode({'redirect_state': states[0]})}"
        page = await self.render_template(
            "social-telegram.html", label=self.social.label, bot=self.social.resolved["BOT_USERNAME"], back=back
        )
        self.finish(page)


def address(provider: SocialProvider, state: str) -> str:
    """Where the button is."""
    return f"{provider.base_url}auth/{provider.name}/{PATH}?{urlencode({'state': state})}"


def pages(provider: SocialProvider) -> list[Page]:
    """The page of this file, for one provider."""
    return [Page(pattern=PATH, handler=TelegramPage, options={"provider": provider})]
