"""Addresses of the provider's own pages as they stand in mails and one-time links.

They begin with the hub's public address as it is configured, never with what a request names as its host (row S02).
"""

from __future__ import annotations

from typing import Final

from hubauth_core import Core, Secret

from .links import Purpose

TOKEN: Final = "token"
"""The parameter that holds what a link is about; the hub leaves its value out of its log."""


class Addresses:
    """The pages of one provider, `name`."""

    def __init__(self, core: Core, name: str) -> None:
        self._core = core
        self._name = name

    @property
    def hub(self) -> str:
        """The hub itself; without a `public_url` of the hub this and all the others are paths."""
        return self._core.public_url or self._core.base_url

    def page(self, path: str) -> str:
        """The address of a page of this provider."""
        return f"{self.hub}auth/{self._name}/{path}"

    def link(self, purpose: Purpose, token: Secret) -> str:
        """A one-time link: the page of that name with a hyphen for each underscore, such as `first-password`."""
        return f"{self.page(purpose.replace('_', '-'))}?{TOKEN}={token.reveal()}"
