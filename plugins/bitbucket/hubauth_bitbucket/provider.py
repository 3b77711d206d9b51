"""The provider type `bitbucket`: Bitbucket Cloud, its workspaces as groups.

https://developer.atlassian.com/cloud/bitbucket/oauth-2/
"""

from __future__ import annotations

import re
from typing import Final

from traitlets import default

from hubauth_core import ConfigError, Credential
from hubauth_core.oauth2 import Api, Claims, SelfHostedProvider

from . import api as bitbucket

WORKSPACES: Final = "workspaces"
"""The claim that this type adds."""

SLUG: Final = re.compile(r"[a-z0-9_-]+")
"""What a workspace is called in addresses."""


class BitbucketProvider(SelfHostedProvider):
    """Sign-in with Bitbucket Cloud.

    The subject is the account's `uuid`, because a username can be changed. Workspaces are groups, by their slugs. The
    primary address counts if Bitbucket has it confirmed. Private repositories open with `repository`, which a person
    may grant where `offered_scopes` names it and the OAuth consumer has it.
    """

    title = "Bitbucket"
    default_scope = ("account", "email")
    authorize_path = "/site/oauth2/authorize"
    token_path = "/site/oauth2/access_token"
    hosts_git = True
    git_username = "x-token-auth"

    @default("url")
    def _default_url(self) -> str:
        return "https://bitbucket.org"

    @default("api_url")
    def _default_api_url(self) -> str:
        return "https://api.bitbucket.org/2.0" if self.url == "https://bitbucket.org" else f"{self.url}/2.0"

    @default("icon")
    def _default_icon(self) -> str:
        return "bitbucket"

    @default("subject_claim")
    def _default_subject_claim(self) -> str:
        return "uuid"

    @default("groups_claim")
    def _default_groups_claim(self) -> str:
        return WORKSPACES

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        super().check_options()
        groups = self.allowed_groups | self.required_groups | self.admin_groups
        if self.groups_claim == WORKSPACES and (wrong := sorted(each for each in groups if not SLUG.fullmatch(each))):
            raise ConfigError(
                f"a rule names the group {wrong[0]!r}; groups are workspaces, by the slug in their address"
            )

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """The account, its confirmed address where the token may see it, and its workspaces where they matter."""
        account = await bitbucket.user(api, self.userinfo_url, tokens.access_token)
        email = None
        if "email" in tokens.scopes:
            email = await bitbucket.verified_email(api, self.api_url, tokens.access_token)
        claims = {
            **account,
            "name": account.get("display_name"),
            "picture": _avatar(account),
            "email": email,
            "email_verified": email is not None,
        }
        if self.groups_claim != WORKSPACES:
            return claims
        return {**claims, WORKSPACES: await bitbucket.workspaces(api, self.api_url, tokens.access_token)}


def _avatar(account: Claims) -> str | None:
    try:
        return str(account["links"]["avatar"]["href"])
    except (KeyError, TypeError):
        return None
