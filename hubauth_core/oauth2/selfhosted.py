"""A source that runs in more than one place: every address follows from its `url`, and from that of its API."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import TraitError, Unicode, default, validate

from ..urls import base_of
from .provider import OAuth2Provider


class SelfHostedProvider(OAuth2Provider):
    """An OAuth 2.0 source at an address that the administrator names, or at its maker's.

    An author sets the paths and, as its default, `url`; two of them at different addresses live side by side.
    """

    authorize_path: ClassVar[str] = "/oauth/authorize"
    token_path: ClassVar[str] = "/oauth/token"
    api_path: ClassVar[str] = ""
    revocation_path: ClassVar[str] = ""
    """"" where tokens are not taken back in the way of RFC 7009."""

    userinfo_path: ClassVar[str] = "/user"
    """Below `api_url`; the others are below `url`."""

    hosts_git: ClassVar[bool] = False
    """Whether there are git repositories below `url`, which the access token opens."""

    url = Unicode(help="The address of the source, with its path where it has one.").tag(config=True)
    api_url = Unicode(help="The address of its API, where it is not the one that belongs to `url`.").tag(config=True)

    @validate("url", "api_url")
    def _base(self, proposal: dict[str, Any]) -> str:
        if "?" in proposal["value"]:
            raise TraitError(f"{proposal['trait'].name} = {proposal['value']!r} cannot be used: it holds a query")
        return str(proposal["value"]).rstrip("/")

    @default("api_url")
    def _default_api_url(self) -> str:
        return self.url + self.api_path

    @default("authorize_url")
    def _default_authorize_url(self) -> str:
        return self.url + self.authorize_path

    @default("token_url")
    def _default_token_url(self) -> str:
        return self.url + self.token_path

    @default("revocation_url")
    def _default_revocation_url(self) -> str:
        return self.revocation_path and self.url + self.revocation_path

    @default("git_urls")
    def _default_git_urls(self) -> list[str]:
        try:
            return [base_of(self.url)] if self.hosts_git else []
        except ValueError:  # a token for git travels over https alone, even where a sign-in need not
            return []

    @default("userinfo_url")
    def _default_userinfo_url(self) -> str:
        return self.api_url + self.userinfo_path

    def check_options(self) -> None:
        """Look at the addresses first: the others are made from them."""
        self.check_url("url")
        self.check_url("api_url")
        super().check_options()
