"""`icon.svg`: the icon that comes with a backend, where the hub's Font Awesome has none."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from tornado import web

from hubauth_core import Page

from .page import SocialPage

if TYPE_CHECKING:
    from ..provider import SocialProvider

PATH: Final = "icon.svg"


class IconPage(SocialPage):
    """The drawing. It is shown as an image, so nothing in it runs."""

    async def get(self) -> None:
        name = self.social.described.icon
        if not name:
            raise web.HTTPError(404)
        self.set_header("Content-Type", "image/svg+xml")
        self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.set_header("Cache-Control", "public, max-age=86400")
        self.finish((files("social_core") / "static/social_auth/icons" / name).read_bytes())


def pages(provider: SocialProvider) -> list[Page]:
    """The page of this file, for one provider."""
    return [Page(pattern=r"icon\.svg", handler=IconPage, options={"provider": provider})]
