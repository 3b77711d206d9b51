"""The provider type `gitlab`: gitlab.com, and a GitLab of your own by its address.

https://docs.gitlab.com/api/oauth2/
"""

from __future__ import annotations

from traitlets import default

from hubauth_core import Credential
from hubauth_core.oauth2 import Api, Claims, SelfHostedProvider

from . import api as gitlab


class GitLabProvider(SelfHostedProvider):
    """Sign-in with GitLab.

    The subject is the account's number, because a username can be renamed and taken by somebody else. The address of
    mail counts as verified once GitLab has it confirmed. Repositories open with `read_repository` or
    `write_repository`, which a person may grant beside `read_user` where `offered_scopes` names them.
    """

    title = "GitLab"
    default_scope = ("read_user",)
    revocation_path = "/oauth/revoke"
    api_path = "/api/v4"
    hosts_git = True
    git_username = "oauth2"

    @default("url")
    def _default_url(self) -> str:
        return "https://gitlab.com"

    @default("icon")
    def _default_icon(self) -> str:
        return "gitlab"

    @default("subject_claim")
    def _default_subject_claim(self) -> str:
        return "id"

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """The account. Its address counts as verified once it is confirmed."""
        account = await gitlab.user(api, self.userinfo_url, tokens.access_token)
        return {
            **account,
            "email_verified": bool(account.get("confirmed_at")),
            "picture": account.get("avatar_url"),
        }
