"""The provider type `github`: github.com, and GitHub Enterprise by its address.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from urllib.parse import urlsplit

from traitlets import Bool, Set, TraitError, Unicode, default, validate
from traitlets.utils.bunch import Bunch

from hubauth_core import ConfigError, Credential, Identity, LoginRefused, Secret
from hubauth_core.oauth2 import Api, Claims, Membership, SelfHostedProvider, membership

from . import api as github
from .organizations import MOST_ENTRIES, SHOW_ORGANIZATIONS, blocked, not_in, spelled

SHOW_EMAIL: Final = frozenset({"user", "user:email"})
"""Scopes that let the hub see addresses that a person keeps private."""


class GitHubProvider(SelfHostedProvider):
    """Sign-in with GitHub.

    The subject is the account's number, because a login can be renamed and taken by somebody else. A sign-in asks for
    the profile and the primary address, which counts if GitHub has verified it. Private repositories open with `repo`,
    which a person may grant beside that where `offered_scopes` names it.

    Rules about organizations and teams go by what GitHub says to the person's own token, at each sign-in and each
    check, of the account's present login (`organizations`).
    """

    title = "GitHub"
    default_scope = ("read:user", "user:email")
    scope_separator = ","
    anew_prompt = "select_account"  # GitHub has no word for "ask for the password"
    authorize_path = "/login/oauth/authorize"
    token_path = "/login/oauth/access_token"
    hosts_git = True
    git_username = "x-access-token"  # GitHub's own word for tokens of apps; with a person's token any name does

    allowed_organizations = Set(
        Unicode(),
        help="Organizations (`org`) and teams (`org:team-slug`) whose members may enter, members in private too.",
    ).tag(config=True)
    required_organizations = Set(
        Unicode(),
        help="Organizations (`org`) and teams (`org:team-slug`) of which everybody who enters must be in each.",
    ).tag(config=True)
    teams_as_groups = Bool(
        False, help="Take the teams of a person as groups, called `org:team-slug` as GitHub writes them."
    ).tag(config=True)

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

    @default("groups_claim")
    def _default_groups_claim(self) -> str:
        return "teams" if self.teams_as_groups else ""

    @default("scope")
    def _default_scope_option(self) -> list[str]:
        return [*self.default_scope, *(["read:org"] if self._asking else [])]

    @validate("allowed_organizations", "required_organizations")
    def _entries(self, proposal: Bunch) -> set[str]:
        try:
            return {spelled(entry) for entry in proposal.value}
        except ValueError as error:
            raise TraitError(f"{proposal.trait.name}: {error}") from None

    def check_options(self) -> None:
        """Look at the rules, too: what they need must be asked for."""
        super().check_options()
        if len(self._rules) > MOST_ENTRIES:
            raise ConfigError(
                f"allowed_organizations and required_organizations have {len(self._rules)} entries, which is more than "
                f"the {MOST_ENTRIES} that a sign-in asks about; use teams_as_groups with allowed_groups in their place"
            )
        if self._asking and not SHOW_ORGANIZATIONS & set(self.scope):
            raise ConfigError(f"{self._asking} needs 'read:org' in scope; add it there, or leave scope out")

    @property
    def grants(self) -> bool:
        """Whether any rule here can let somebody in."""
        return super().grants or bool(self.allowed_organizations)

    @property
    def rule_claims(self) -> Sequence[str]:
        """What rules look at: of organizations, the entries that a person is in, and those that GitHub hides."""
        return (*super().rule_claims, *(("organizations", "hidden_organizations") if self._rules else ()))

    @property
    def asked_about(self) -> Sequence[str]:
        """Every organization and team of a rule."""
        return (*super().asked_about, *self._rules)

    def admits(self, identity: Identity, scopes: AbstractSet[str]) -> bool:
        """Whether the person is in one of `allowed_organizations`."""
        is_in = self.allowed_organizations & _named(identity, "organizations")
        return bool(is_in) or super().admits(identity, scopes)

    def restrict(self, identity: Identity) -> None:
        """Turn away whoever is not in each of `required_organizations`. Raises LoginRefused."""
        super().restrict(identity)
        missing = self.required_organizations - _named(identity, "organizations")
        if missing:
            hidden = missing & _named(identity, "hidden_organizations")
            raise blocked(self.label, hidden) if hidden == missing else not_in(self.label)

    def not_admitted(self, identity: Identity) -> LoginRefused | None:
        """What to tell somebody about whom an allowed organization says nothing to this hub."""
        hidden = self.allowed_organizations & _named(identity, "hidden_organizations")
        return blocked(self.label, hidden) if hidden else None

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """The account, its verified address where the token may see it, and what rules and groups need.

        Raises LoginRefused `scope_insufficient` where the person has granted less than the rules need.
        """
        token = tokens.access_token
        account = await github.account(api, self.userinfo_url, token)
        scopes, of_app = tokens.scopes if account.scopes is None else account.scopes, _is_of_app(tokens)
        if self._asking and not of_app and not scopes & SHOW_ORGANIZATIONS:
            raise LoginRefused(
                f"This hub must see your organizations at {self.label} (read:org), which you have not granted. Sign in "
                "again, and grant it.",
                code="scope_insufficient",
            )
        verified = None
        if of_app or scopes & SHOW_EMAIL:
            verified = await github.verified_email(api, self.api_url, token)
        found = await self._membership(api, token, account.profile.get("login"))
        return {
            **account.profile,
            "email": verified or account.profile.get("email"),
            "email_verified": verified is not None,
            "picture": account.profile.get("avatar_url"),
            "organizations": sorted(found.inside),
            "hidden_organizations": sorted(found.hidden),
            "teams": await github.teams(api, self.api_url, token) if self.teams_as_groups else [],
        }

    async def _membership(self, api: Api, token: Secret, login: object) -> Membership:
        if not isinstance(login, str) or not login:
            raise api.bad_response()

        async def is_in(entry: str) -> bool | None:
            return await github.is_in(api, self.api_url, token, login, entry)

        found = await membership(is_in, self._rules)
        if found.hidden:
            self.log.warning("hubauth: %s hides who is in %s", self.label, ", ".join(sorted(found.hidden)))
        return found

    @property
    def _rules(self) -> AbstractSet[str]:
        """Every organization and team of a rule."""
        return self.allowed_organizations | self.required_organizations

    @property
    def _asking(self) -> str:
        """The option for which GitHub is asked about organizations, "" for none."""
        options = ("allowed_organizations", "required_organizations", "teams_as_groups")
        return next((option for option in options if getattr(self, option)), "")

    async def revoke_credential(self, credential: Credential) -> None:
        """Have the token deleted, in GitHub's own way. Raises ProviderError.

        GitHub offers none for a refresh token alone: it ends with the six months that it has.
        """
        if credential.resource or not self.client_secret:
            return
        async with self.api.patience():
            await github.delete_token(self.api, self.api_url, self.client, credential.access_token)


def _is_of_app(tokens: Credential) -> bool:
    """Whether a GitHub App got them: those know permissions in place of scopes, and only theirs run out."""
    return tokens.access_token.reveal().startswith("ghu_") or tokens.refresh_token is not None


def _named(identity: Identity, claim: str) -> frozenset[str]:
    """The entries in a claim of ours; none where nothing is recorded yet."""
    return frozenset(identity.claims.get(claim) or ())
