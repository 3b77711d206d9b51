"""The provider type `gitlab`: gitlab.com, and a GitLab of your own by its address.

https://docs.gitlab.com/api/oauth2/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Literal

from traitlets import Bool, Int, Set, TraitError, Unicode, Union, default, validate
from traitlets.utils.bunch import Bunch

from hubauth_core import ConfigError, Credential, Identity, LoginRefused
from hubauth_core.oauth2 import Api, Claims, Membership, SelfHostedProvider, membership

from . import api as gitlab
from .memberships import MOST_ENTRIES, SHOW_MEMBERSHIPS, group, level_of, not_in, project, unreadable


class GitLabProvider(SelfHostedProvider):
    """Sign-in with GitLab.

    The subject is the account's number, because a username can be renamed and taken by somebody else. The address of
    mail counts as verified once GitLab has it confirmed. Repositories open with `read_repository` or
    `write_repository`, which a person may grant beside `read_user` where `offered_scopes` names them.

    Rules about groups and projects go by what GitLab says to the person's own token about the account's number, at each
    sign-in and each check.
    """

    title = "GitLab"
    default_scope = ("read_user",)
    revocation_path = "/oauth/revoke"
    api_path = "/api/v4"
    hosts_git = True
    git_username = "oauth2"

    allowed_gitlab_groups = Set(
        Union([Int(), Unicode()]),
        help="Groups and subgroups, by full path (`group/subgroup`) or number, whose members may enter; members of a "
        "group above are members, too.",
    ).tag(config=True)
    required_gitlab_groups = Set(
        Union([Int(), Unicode()]),
        help="Groups and subgroups, by full path or number, of which everybody who enters must be in each.",
    ).tag(config=True)
    minimum_access_level = Union(
        [Int(), Unicode()],
        default_value=10,
        help="The least role that makes a member of a group: `guest`, `planner`, `reporter`, `developer`, "
        "`maintainer`, `owner`, or GitLab's number for it.",
    ).tag(config=True)
    allowed_project_ids = Set(
        Union([Int(), Unicode()]), help="Projects, by number or full path (`group/project`), whose members may enter."
    ).tag(config=True)
    minimum_project_access_level = Union(
        [Int(), Unicode()], default_value=30, help="The least role that makes a member of a project, in the same words."
    ).tag(config=True)
    gitlab_groups_as_groups = Bool(
        False,
        help="Take the groups of a person, from `minimum_access_level` on, as groups; they are called by their full "
        "path.",
    ).tag(config=True)

    _is_old: bool | None = None

    @default("url")
    def _default_url(self) -> str:
        return "https://gitlab.com"

    @default("icon")
    def _default_icon(self) -> str:
        return "gitlab"

    @default("subject_claim")
    def _default_subject_claim(self) -> str:
        return "id"

    @default("groups_claim")
    def _default_groups_claim(self) -> str:
        return "groups" if self.gitlab_groups_as_groups else ""

    @default("scope")
    def _default_scope_option(self) -> list[str]:
        return [*self.default_scope, *(["read_api"] if self._asking else [])]

    @validate("allowed_gitlab_groups", "required_gitlab_groups")
    def _groups_by_name(self, proposal: Bunch) -> set[str]:
        return _each(group, proposal)

    @validate("allowed_project_ids")
    def _projects_by_name(self, proposal: Bunch) -> set[str]:
        return _each(project, proposal)

    @validate("minimum_access_level", "minimum_project_access_level")
    def _level(self, proposal: Bunch) -> int:
        try:
            return level_of(proposal.value)
        except ValueError as error:
            raise TraitError(f"{proposal.trait.name}: {error}") from None

    def check_options(self) -> None:
        """Look at the rules, too: what they need must be asked for."""
        super().check_options()
        asked = len(self._groups) + len(self.allowed_project_ids)
        if asked > MOST_ENTRIES:
            raise ConfigError(
                f"allowed_gitlab_groups, required_gitlab_groups and allowed_project_ids have {asked} entries, which is "
                f"more than the {MOST_ENTRIES} that a sign-in asks about; use gitlab_groups_as_groups with "
                "allowed_groups in their place"
            )
        if self._asking and not SHOW_MEMBERSHIPS & set(self.scope):
            raise ConfigError(f"{self._asking} needs 'read_api' in scope; add it there, or leave scope out")

    @property
    def grants(self) -> bool:
        """Whether any rule here can let somebody in."""
        return super().grants or bool(self.allowed_gitlab_groups or self.allowed_project_ids)

    @property
    def rule_claims(self) -> Sequence[str]:
        """What rules look at: the entries that a person is in, and those that GitLab does not show."""
        ours = ("gitlab_groups", "gitlab_projects", "hidden_groups", "hidden_projects")
        return (*super().rule_claims, *(ours if self._groups or self.allowed_project_ids else ()))

    @property
    def asked_about(self) -> Sequence[str]:
        """Every group and project of a rule, with the access level from which it counts."""
        groups = (f"group {entry} {self.minimum_access_level}" for entry in self._groups)
        projects = (f"project {entry} {self.minimum_project_access_level}" for entry in self.allowed_project_ids)
        return (*super().asked_about, *groups, *projects)

    def admits(self, identity: Identity, scopes: AbstractSet[str]) -> bool:
        """Whether the person is in one of `allowed_gitlab_groups`, or in one of `allowed_project_ids`."""
        in_group = self.allowed_gitlab_groups & _named(identity, "gitlab_groups")
        in_project = self.allowed_project_ids & _named(identity, "gitlab_projects")
        return bool(in_group or in_project) or super().admits(identity, scopes)

    def restrict(self, identity: Identity) -> None:
        """Turn away whoever is not in each of `required_gitlab_groups`. Raises LoginRefused."""
        super().restrict(identity)
        missing = self.required_gitlab_groups - _named(identity, "gitlab_groups")
        if missing:
            raise unreadable(self.label) if missing <= _named(identity, "hidden_groups") else not_in(self.label)

    def not_admitted(self, identity: Identity) -> LoginRefused | None:
        """What to tell somebody about whom an allowed group or project says nothing."""
        hidden = self.allowed_gitlab_groups & _named(identity, "hidden_groups")
        hidden |= self.allowed_project_ids & _named(identity, "hidden_projects")
        return unreadable(self.label) if hidden else None

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """The account, and what rules and groups need. Its address counts as verified once it is confirmed.

        Raises LoginRefused `scope_insufficient` where less was granted than the rules need.
        """
        account = await gitlab.user(api, self.userinfo_url, tokens.access_token)
        number = account.get("id")
        if not isinstance(number, int) or isinstance(number, bool):
            raise api.bad_response()
        if self._asking and not tokens.scopes & SHOW_MEMBERSHIPS:
            raise gitlab.too_narrow(self.label)
        member = gitlab.Member(
            api=api,
            api_url=self.api_url,
            token=tokens.access_token,
            account=number,
            today=datetime.fromtimestamp(self.now(), UTC).date(),
        )
        in_groups = await self._membership(member, "groups", self._groups, self.minimum_access_level)
        in_projects = await self._membership(
            member, "projects", self.allowed_project_ids, self.minimum_project_access_level
        )
        return {
            **account,
            "email_verified": bool(account.get("confirmed_at")),
            "picture": account.get("avatar_url"),
            "gitlab_groups": sorted(in_groups.inside),
            "gitlab_projects": sorted(in_projects.inside),
            "hidden_groups": sorted(in_groups.hidden),
            "hidden_projects": sorted(in_projects.hidden),
            "groups": await member.groups(self.minimum_access_level) if self.gitlab_groups_as_groups else [],
        }

    async def _membership(
        self, member: gitlab.Member, what: Literal["groups", "projects"], entries: AbstractSet[str], level: int
    ) -> Membership:
        async def is_in(entry: str) -> bool | None:
            return await member.is_in(what, entry, level)

        async def is_in_directly(entry: str) -> bool | None:
            return await member.is_in(what, entry, level, directly=True)

        found = await membership(is_in, entries)
        outside = entries - found.inside - found.hidden
        if outside and await self._knows_direct_members_only(member):
            directly = await membership(is_in_directly, outside)
            found = Membership(found.inside | directly.inside, found.hidden | directly.hidden)
        if found.hidden:
            self.log.warning("hubauth: %s hides who is in %s", self.label, ", ".join(sorted(found.hidden)))
        return found

    async def _knows_direct_members_only(self, member: gitlab.Member) -> bool:
        if self._is_old is None:
            self._is_old = await member.is_old()
        return self._is_old

    @property
    def _groups(self) -> AbstractSet[str]:
        """Every group of a rule."""
        return self.allowed_gitlab_groups | self.required_gitlab_groups

    @property
    def _asking(self) -> str:
        """The option for which GitLab is asked about memberships, "" for none."""
        options = (
            *("allowed_gitlab_groups", "required_gitlab_groups", "allowed_project_ids"),
            "gitlab_groups_as_groups",
        )
        return next((option for option in options if getattr(self, option)), "")


def _each(parse: Callable[[object], str], proposal: Bunch) -> set[str]:
    try:
        return {parse(entry) for entry in proposal.value}
    except ValueError as error:
        raise TraitError(f"{proposal.trait.name}: {error}") from None


def _named(identity: Identity, claim: str) -> frozenset[str]:
    """The entries in a claim of ours; none where nothing is recorded yet."""
    return frozenset(identity.claims.get(claim) or ())
