"""The provider type `gitlab`: gitlab.com, and a GitLab of your own by its address.

https://docs.gitlab.com/api/oauth2/
"""

from __future__ import annotations

from typing import Any

from traitlets import TraitError, Unicode, default, validate

from hubauth_core import Credential
from hubauth_core.oauth2 import Api, Claims, OAuth2Provider

from . import api as gitlab


class GitLabProvider(OAuth2Provider):
    """Sign-in with GitLab.

    The subject is the account's number, because a username can be renamed and taken by somebody else. The address of
    mail counts as verified once GitLab has it confirmed.
    """

    title = "GitLab"
    default_scope = ("read_user",)

    url = Unicode("https://gitlab.com", help="GitLab's address, with its path where it has one.").tag(config=True)
    api_url = Unicode(help="The address of its REST API. Defaults to `<url>/api/v4`.").tag(config=True)

    @validate("url", "api_url")
    def _base(self, proposal: dict[str, Any]) -> str:
        if "?" in proposal["value"]:
            raise TraitError(f"{proposal['trait'].name} = {proposal['value']!r} cannot be used: it holds a query")
        return str(proposal["value"]).rstrip("/")

    @default("api_url")
    def _default_api_url(self) -> str:
        return f"{self.url}/api/v4"

    @default("authorize_url")
    def _default_authorize_url(self) -> str:
        return f"{self.url}/oauth/authorize"

    @default("token_url")
    def _default_token_url(self) -> str:
        return f"{self.url}/oauth/token"

    @default("userinfo_url")
    def _default_userinfo_url(self) -> str:
        return f"{self.api_url}/user"

    @default("icon")
    def _default_icon(self) -> str:
        return "gitlab"

    @default("subject_claim")
    def _default_subject_claim(self) -> str:
        return "id"

    def check_options(self) -> None:
        """Look at the addresses first: the others are made from them."""
        self.check_url("url")
        self.check_url("api_url")
        super().check_options()

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """The account. Its address counts as verified once it is confirmed."""
        account = await gitlab.user(api, self.userinfo_url, tokens.access_token)
        return {
            **account,
            "email_verified": bool(account.get("confirmed_at")),
            "picture": account.get("avatar_url"),
        }
