"""Rules by organization and team: how they are written, and that only GitHub's own yes is one."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from hubauth_core import (
    ConfigError,
    Credential,
    HubAuthError,
    HubCall,
    Identity,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    ReauthRequired,
    Request,
    Secret,
    Unavailable,
    Updated,
)
from hubauth_core.testing.source import FakeSource, Reply, answer_json
from hubauth_github import GitHubProvider
from hubauth_github.organizations import MOST_ENTRIES, spelled

API = "https://api.github.com"
ME = f"{API}/user"
IN_ORG = f"{API}/user/memberships/orgs"
TEAMS = f"{API}/user/teams"
ACCOUNT = {"id": 583231, "login": "Octo-Cat"}
NOBODY: frozenset[str] = frozenset()


def github(**options: Any) -> GitHubProvider:
    return GitHubProvider("github", client_id="hub", client_secret="secret", **options)


def member_of(org: str, state: str = "active", role: str | None = "member") -> Reply:
    return answer_json({"state": state, "role": role, "organization": {"login": org, "id": 1}})


def in_team(org: str, team: str) -> str:
    return f"{API}/orgs/{org}/teams/{team}/memberships/Octo-Cat"


async def person(
    provider: GitHubProvider, answers: dict[str, Reply], token: str = "gho_1", *scopes: str, headers: Any = None
) -> Identity:
    """Who signs in, where GitHub answers so."""
    source, provider.api = FakeSource(), provider.new_api()
    provider.api.transport = source
    source.on("GET", ME, answer_json(ACCOUNT, **(headers or {})))
    for address, reply in answers.items():
        source.on("GET", address, reply)
    granted = frozenset(scopes or ("read:org",))
    claims = await provider.fetch_claims(Credential(access_token=Secret(token), scopes=granted), provider.api)
    source.check()
    return provider.identity(claims)


def verdict(provider: GitHubProvider, identity: Identity) -> tuple[bool, str]:
    """Whether a rule here lets the person in, and the reason that keeps them out."""
    try:
        provider.restrict(identity)
    except LoginRefused as refusal:
        return False, refusal.code
    admitted = provider.admits(identity, NOBODY)
    told = None if admitted else provider.not_admitted(identity)
    return admitted, told.code if told else ""


# How a rule is written.


@pytest.mark.parametrize(
    ("entry", "name"),
    [("my-org", "my-org"), ("My-Org", "my-org"), ("my-org:Team_1", "my-org:team_1"), (" my-org ", "my-org")],
)
def test_an_entry_is_an_organization_or_its_team(entry: str, name: str) -> None:
    assert github(allowed_organizations=[entry]).allowed_organizations == {name}
    assert github(required_organizations=[entry]).required_organizations == {name}


@pytest.mark.parametrize("option", ["allowed_organizations", "required_organizations"])
@pytest.mark.parametrize(
    "entry",
    [
        "",
        ":",
        "org:",
        ":team",
        "a:b:c",
        "my org",
        "org:My Team",
        "org/team",
        "https://github.com/org",
        "öрг",
        "\u212aorg",
    ],
)
def test_any_other_entry_stops_the_start(option: str, entry: str) -> None:
    with pytest.raises(TraitError, match=option):
        github(**{option: [entry]})


@given(st.text(max_size=40))
def test_what_is_accepted_stands_for_itself_in_an_address(entry: str) -> None:
    try:
        name = spelled(entry)
    except ValueError:
        return
    org, _, team = name.partition(":")
    assert spelled(name) == name == entry.strip().lower()
    assert httpx.URL(f"{API}/orgs/{org}/teams/{team}").path == f"/orgs/{org}/teams/{team}"


@pytest.mark.parametrize(
    "rule",
    [{"allowed_organizations": ["a"]}, {"required_organizations": ["a:b"]}, {"teams_as_groups": True}],
    ids=["allowed", "required", "teams"],
)
async def test_what_a_rule_needs_is_asked_for(rule: dict[str, Any], new_transaction: Any) -> None:
    step = await github(**rule).begin_login(Request(), new_transaction("github"))
    assert parse_qs(urlsplit(step.url).query)["scope"] == ["read:user user:email read:org"]
    for scope in ([], ["read:user", "user:email", "repo"]):
        with pytest.raises(ConfigError, match=f"{next(iter(rule))} needs 'read:org' in scope"):
            github(scope=scope, **rule)
    for wider in ("read:org", "write:org", "admin:org"):
        assert github(scope=[wider], **rule).scope == [wider]


def test_there_is_an_end_to_what_a_sign_in_asks() -> None:
    entries = [f"org-{number}" for number in range(MOST_ENTRIES)]
    assert github(allowed_organizations=entries)
    with pytest.raises(ConfigError, match="teams_as_groups"):
        github(allowed_organizations=entries, required_organizations=["one-more"])


def test_a_rule_by_organization_can_let_somebody_in() -> None:
    assert not github().grants
    assert github(allowed_organizations=["a"]).grants
    assert not github(required_organizations=["a"]).grants
    assert github().rule_claims == ()
    assert set(github(required_organizations=["a"]).rule_claims) == {"organizations", "hidden_organizations"}


# Who is in.


@pytest.mark.parametrize("told", ["my-org", "My-Org"])
async def test_a_member_of_an_allowed_organization_may_enter(told: str) -> None:
    provider = github(allowed_organizations=["My-ORG", "other"])
    answers = {f"{IN_ORG}/my-org": member_of(told), f"{IN_ORG}/other": answer_json({"message": "Not Found"}, 404)}
    identity = await person(provider, answers)
    assert identity.claims["organizations"] == ["my-org"]
    assert verdict(provider, identity) == (True, "")


async def test_a_team_is_asked_about_under_the_accounts_present_login() -> None:
    provider = github(allowed_organizations=["my-org:team"], username_map={"octo-cat": "somebody"})
    identity = await person(provider, {in_team("my-org", "team"): answer_json({"state": "active", "role": "member"})})
    assert verdict(provider, identity) == (True, "")


async def test_an_invitation_that_was_not_accepted_is_no_membership() -> None:
    provider = github(allowed_organizations=["my-org", "my-org:team"])
    answers = {
        f"{IN_ORG}/my-org": member_of("my-org", "pending"),
        in_team("my-org", "team"): answer_json({"state": "pending", "role": "member"}),
    }
    assert verdict(provider, await person(provider, answers)) == (False, "")


@pytest.mark.parametrize(
    ("role", "enters"), [("admin", True), ("billing_manager", False), ("maintainer", False), (None, False)]
)
async def test_who_pays_the_bills_of_an_organization_is_no_member(role: str | None, enters: bool) -> None:
    provider = github(allowed_organizations=["my-org"])
    identity = await person(provider, {f"{IN_ORG}/my-org": member_of("my-org", role=role)})
    assert verdict(provider, identity) == (enters, "")


async def test_whoever_is_not_in_all_that_is_required_stays_out_under_allow_all() -> None:
    provider = github(allow_all=True, required_organizations=["a", "b:team"])
    inside, outside = answer_json({"state": "active", "role": "maintainer"}), answer_json({"message": "Not Found"}, 404)
    both = await person(provider, {f"{IN_ORG}/a": member_of("a"), in_team("b", "team"): inside})
    one = await person(provider, {f"{IN_ORG}/a": member_of("a"), in_team("b", "team"): outside})
    provider.restrict(both)
    assert verdict(provider, one) == (False, "organization_missing")
    assert verdict(provider, Identity(subject="1", username="nobody-asked-yet")) == (False, "organization_missing")


async def test_the_membership_of_another_organization_does_not_count() -> None:
    with pytest.raises(ProviderError):
        await person(github(allowed_organizations=["team"]), {f"{IN_ORG}/team": member_of("team-x")})


async def test_an_entry_that_is_not_configured_any_more_lets_nobody_in() -> None:
    provider = github(allowed_organizations=["new"])
    before = Identity(subject="1", username="ann", claims={"organizations": ["old"], "hidden_organizations": None})
    assert verdict(provider, before) == (False, "")


SAML = "Resource protected by organization SAML enforcement. You must grant your OAuth token access."
RESTRICTED = "Although you appear to have the correct authorization credentials, the `my-org` organization has enabled "


@pytest.mark.parametrize(
    "reply",
    [
        answer_json({"message": SAML}, 403, x_github_sso="required; url=https://github.com/orgs/my-org/sso?a=1"),
        answer_json({"message": "Not Found"}, 404, x_github_sso="required; url=https://github.com/orgs/my-org/sso"),
        answer_json({"message": RESTRICTED + "OAuth App access restrictions"}, 403),
        answer_json({"message": "Resource not accessible by integration"}, 403),
    ],
    ids=["single-sign-on", "single-sign-on-404", "restricted", "app-not-installed"],
)
async def test_an_organization_that_says_nothing_is_named_and_lets_nobody_in(reply: Reply) -> None:
    answers = {f"{IN_ORG}/my-org": reply}
    provider = github(allowed_organizations=["my-org"])
    identity = await person(provider, answers)
    assert verdict(provider, identity) == (False, "organization_blocks_app")
    assert "my-org does not let this hub see" in str(provider.not_admitted(identity))
    assert verdict(github(required_organizations=["my-org"]), identity) == (False, "organization_blocks_app")
    assert verdict(github(required_organizations=["my-org", "b"]), identity) == (False, "organization_missing")
    provider = github(allowed_organizations=["my-org", "other"])
    assert verdict(provider, await person(provider, {**answers, f"{IN_ORG}/other": member_of("other")})) == (True, "")


@pytest.mark.row("F03")
@pytest.mark.parametrize(
    ("reply", "pause"),
    [
        (answer_json({"message": "API rate limit exceeded"}, 403, x_ratelimit_remaining="0"), None),
        (answer_json({"message": "slow down"}, 403, retry_after="60"), 60.0),
        (answer_json({"message": "You have exceeded a secondary rate limit."}, 403), None),
        (answer_json({"message": "slow down"}, 429, retry_after="60"), 60.0),
        (answer_json({"message": "down"}, 502), None),
    ],
    ids=["primary", "secondary", "secondary-by-words", "too-many", "down"],
)
@pytest.mark.parametrize("address", [f"{IN_ORG}/a", in_team("a", "t"), TEAMS], ids=["organization", "team", "teams"])
async def test_a_limit_or_an_outage_is_no_word_about_a_membership(reply: Reply, pause: float, address: str) -> None:
    provider = github(allowed_organizations=["a", "a:t"], teams_as_groups=True)
    good = {f"{IN_ORG}/a": member_of("a"), in_team("a", "t"): answer_json({"state": "active"}), TEAMS: answer_json([])}
    with pytest.raises(ProviderUnavailable) as unavailable:
        await person(provider, {**good, address: reply})
    assert unavailable.value.retry_after == pause


BODIES: list[Any] = [
    *(None, [], {}, "active", True, {"state": "active"}, {"message": "Not Found"}, [{"state": "active"}]),
    {"state": "active", "organization": {"login": "my-org"}, "role": "admin"},
    {"state": ["active"], "organization": {"login": "my-org"}},
    {"state": "active", "organization": {"login": "my-org-x"}},
]


@given(status=st.integers(201, 599), body=st.sampled_from(BODIES), team=st.booleans(), rule=st.booleans())
async def test_no_other_answer_lets_anybody_in(status: int, body: Any, team: bool, rule: bool) -> None:
    """Every status but 200, with whatever body, under a rule that allows and under one that requires."""
    entry = "my-org:team" if team else "my-org"
    provider = github(**{"required_organizations" if rule else "allowed_organizations": [entry]}, allow_all=rule)
    address = in_team("my-org", "team") if team else f"{IN_ORG}/my-org"
    try:
        identity = await person(provider, {address: answer_json(body, status)})
    except HubAuthError:
        return
    assert verdict(provider, identity)[0] is False
    assert not provider.admits(identity, NOBODY)


@given(body=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
async def test_rubbish_in_place_of_a_membership_lets_nobody_in(body: Any) -> None:
    provider = github(allowed_organizations=["my-org"])
    with pytest.raises(ProviderError):
        await person(provider, {f"{IN_ORG}/my-org": answer_json(body)})


async def test_a_redirect_is_neither_followed_nor_believed() -> None:
    provider = github(allowed_organizations=["my-org"])
    with pytest.raises(ProviderError):
        await person(provider, {f"{IN_ORG}/my-org": answer_json({}, 302, location=f"{API}/elsewhere")})


# What was granted.


@pytest.mark.parametrize(
    ("scopes", "header", "enough"),
    [
        (("read:org",), None, True),
        (("read:user", "admin:org"), "read:user,admin:org", True),
        (("read:user",), None, False),
        (("read:user",), "read:user, read:org", True),
        (("read:org",), "read:user, user:email", False),
        (("read:org",), "", False),
        (("read:organizations",), None, False),
    ],
    ids=["granted", "wider", "narrower", "header-knows-better", "taken-back", "nothing", "alike"],
)
async def test_whoever_grants_less_than_the_rules_need_is_told(
    scopes: tuple[str, ...], header: str | None, enough: bool
) -> None:
    provider = github(required_organizations=["my-org"])
    headers = {} if header is None else {"x_oauth_scopes": header}
    answers = {f"{IN_ORG}/my-org": member_of("my-org")}
    if "user:email" in (header or ""):
        answers = {}
    if enough:
        assert verdict(provider, await person(provider, answers, "gho_1", *scopes, headers=headers)) == (False, "")
        return
    with pytest.raises(LoginRefused) as refusal:
        await person(provider, answers, "gho_1", *scopes, headers=headers)
    assert refusal.value.code == "scope_insufficient"


async def test_a_github_app_has_permissions_in_place_of_scopes() -> None:
    provider = github(allowed_organizations=["my-org"])
    emails = answer_json([{"email": "a@x.test", "primary": True, "verified": True}])
    answers = {f"{IN_ORG}/my-org": member_of("my-org"), f"{ME}/emails": emails}
    identity = await person(provider, answers, "ghu_1", headers={"x_oauth_scopes": ""})
    assert verdict(provider, identity) == (True, "")
    assert (identity.email, identity.email_verified) == ("a@x.test", True)


# Between two sign-ins.


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer_json({"message": "Not Found"}, 404), (False, "")),
        (member_of("my-org"), (True, "")),
        (answer_json({"message": SAML}, 403), (False, "organization_blocks_app")),
        (answer_json({"message": "Bad credentials"}, 401), ReauthRequired("token_refused")),
        (answer_json({"message": "API rate limit exceeded"}, 403, retry_after="60"), Unavailable(60.0)),
        (answer_json({}, 502), Unavailable(None)),
    ],
    ids=["left", "still-in", "single-sign-on", "token-revoked", "limit", "down"],
)
async def test_what_a_check_finds_while_somebody_is_at_work(reply: Reply, outcome: object) -> None:
    provider = github(allowed_organizations=["my-org"])
    identity = await person(provider, {f"{IN_ORG}/my-org": member_of("my-org")})
    source, provider.api = FakeSource(), provider.new_api()
    provider.api.transport = source
    source.on("GET", ME, answer_json(ACCOUNT, x_oauth_scopes="read:org"))
    source.on("GET", f"{IN_ORG}/my-org", reply)
    found = await provider.refresh_identity(identity, Credential(access_token=Secret("gho_1")), HubCall())
    assert (verdict(provider, found.identity) if isinstance(found, Updated) else found) == outcome


async def test_a_scope_that_is_taken_back_asks_for_a_new_sign_in() -> None:
    provider, source = github(allowed_organizations=["my-org"]), FakeSource()
    provider.api.transport = source
    source.on("GET", ME, answer_json(ACCOUNT, x_oauth_scopes="read:user"))
    identity = Identity(subject="583231", username="Octo-Cat")
    tokens = Credential(access_token=Secret("gho_1"), scopes=frozenset({"read:org"}))
    assert await provider.refresh_identity(identity, tokens, HubCall()) == ReauthRequired("scope_insufficient")


# Teams as groups.


def a_team(org: str, slug: str) -> dict[str, Any]:
    return {"id": 1, "name": f"The {slug}", "slug": slug, "organization": {"login": org, "id": 1}}


async def test_teams_are_groups_page_after_page() -> None:
    provider = github(teams_as_groups=True)
    source = FakeSource()
    provider.api.transport = source
    source.on("GET", ME, answer_json(ACCOUNT))
    first = answer_json([a_team("My-Org", "staff")], link=f'<{TEAMS}?page=2>; rel="next"')
    source.on("GET", TEAMS, first, answer_json([a_team("other", "staff")]))
    tokens = Credential(access_token=Secret("gho_1"), scopes=frozenset({"read:org"}))
    identity = provider.identity(await provider.fetch_claims(tokens, provider.api))
    assert identity.groups == {"My-Org:staff", "other:staff"}
    assert [request.url.params.get("page") for request in source.calls("GET", TEAMS)] == [None, "2"]


async def test_without_the_option_nothing_is_said_of_groups() -> None:
    identity = await person(github(), {})
    assert identity.groups is None


@pytest.mark.row("F07")
@pytest.mark.parametrize("link", ["https://elsewhere.test/teams?page=2", "http://api.github.com/user/teams?page=2"])
async def test_a_list_of_teams_is_not_followed_to_another_host(link: str) -> None:
    with pytest.raises(ProviderError):
        await person(github(teams_as_groups=True), {TEAMS: answer_json([], link=f'<{link}>; rel="next"')})


@pytest.mark.parametrize(
    "reply",
    [
        answer_json({"message": "Forbidden"}, 403),
        answer_json({"message": "Not Found"}, 404),
        answer_json([{"slug": "staff"}]),
        answer_json([a_team("my-org", "")]),
        answer_json({"teams": []}),
    ],
    ids=["forbidden", "not-found", "no-organization", "no-slug", "no-list"],
)
async def test_a_list_of_teams_that_cannot_be_read_is_not_an_empty_one(reply: Reply) -> None:
    with pytest.raises(ProviderError):
        await person(github(teams_as_groups=True), {TEAMS: reply})


async def test_a_suspended_account_is_refused() -> None:
    provider, source = github(), FakeSource()
    provider.api.transport = source
    source.on("GET", ME, answer_json({"message": "Sorry. Your account was suspended."}, 403))
    with pytest.raises(LoginRefused) as refusal:
        await provider.fetch_claims(Credential(access_token=Secret("gho_1")), provider.api)
    assert refusal.value.code == "account_inactive"


def test_each_entry_of_a_rule_is_asked_about() -> None:
    provider = github(allowed_organizations={"One"}, required_organizations={"two:team"})
    assert set(provider.asked_about) == {"one", "two:team"}
