"""What the pages of a social provider share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubauth_core.plugin import ActingHandler

if TYPE_CHECKING:
    from ..provider import SocialProvider


class SocialPage(ActingHandler):
    """A page of one social provider. Its options: `provider`."""

    def initialize(self, provider: SocialProvider) -> None:
        self.social = provider
