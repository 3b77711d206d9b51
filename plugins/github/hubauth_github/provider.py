"""The provider type `github`: github.com, and GitHub Enterprise by its address.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from traitlets import default

from hubauth_core import Credential
from hubauth_core.oauth2 import Api, Claims, SelfHostedProvider

from . import api as github

SHOW_EMAIL: Final = frozenset({"user", "user:email"})
"""Scopes that let the hub see addresses that a person keeps private."""


class GitHubProvider(SelfHostedProvider):
    """Sign-in with GitHub.

    The subject is the account's number, because a login can be renamed and taken by somebody else. A sign-in asks for
    the profile and the primary address, which counts if GitHub has verified it. Private repositories open with `repo`,
    which a person may grant beside that where `offered_scopes` names it.
    """

    title = "GitHub"
    default_scope = ("read:user", "user:email")
    scope_separator = ","
    anew_prompt = "select_account"  # GitHub has no word for "ask for the password"
    authorize_path = "/login/oauth/authorize"
    token_path = "/login/oauth/access_token"
    hosts_git = True
    git_username = "x-access-token"  # GitHub's own word for tokens of apps; with a person's token any name does

    @default("url")
    def _default_url(self) -> str:
        return "https://github.com"

    @default("api_url")
    def _default_api_url(self) -> str:
        host = urlsplit(self.url).netloc.lower()
        if host == "github.com" or host.endswith(".ghe.com"):
            return f"https://api.{host}"
        return f"{self.url}/api/v3"

    @default("icon")
    def _default_icon(self) -> str:
        return "github"

    @default("client_authentication")
    def _default_client_authentication(self) -> str:
        return "post"  # the only way that GitHub documents

    @default("subject_claim")
    def _default_subject_claim(self) -> str:
        return "id"

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "login"

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """The account, and its verified address where the token may see it."""
        account = await github.user(api, self.userinfo_url, tokens.access_token)
        email = account.get("email")
        verified = None
        if tokens.scopes & SHOW_EMAIL:
            verified = await github.verified_email(api, self.api_url, tokens.access_token)
        return {
            **account,
            "email": verified or email,
            "email_verified": verified is not None,
            "picture": account.get("avatar_url"),
        }

    async def revoke_credential(self, credential: Credential) -> None:
        """Have the token deleted, in GitHub's own way. Raises ProviderError.

        GitHub offers none for a refresh token alone: it ends with the six months that it has.
        """
        if credential.resource or not self.client_secret:
            return
        async with self.api.patience():
            await github.delete_token(self.api, self.api_url, self.client, credential.access_token)
