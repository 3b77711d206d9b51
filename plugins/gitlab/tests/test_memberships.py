"""Rules by group and project: how they are written, and that only GitLab's own yes about this person is one."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

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
    Refused,
    Request,
    Secret,
    Unavailable,
    Updated,
)
from hubauth_core.testing.source import FakeSource, Reply, answer_json
from hubauth_gitlab import GitLabProvider
from hubauth_gitlab.memberships import MOST_ENTRIES, ROLES, group, project

API = "https://gitlab.com/api/v4"
VERSION = f"{API}/version"
GROUPS = f"{API}/groups"
ANN = {"id": 41, "username": "ann", "state": "active"}
NOT_FOUND = answer_json({"message": "404 Not found"}, 404)
NEW = answer_json({"version": "19.0.1-ee", "revision": "0"})
TODAY = 1_750_000_000.0
"""15 June 2025, in the afternoon."""


def gitlab(**options: Any) -> GitLabProvider:
    provider = GitLabProvider("gitlab", client_id="hub", client_secret="secret", **options)
    provider.now = lambda: TODAY
    return provider


def at(entry: str, what: str = "groups", members: str = "members/all") -> str:
    return f"{API}/{what}/{quote(entry, safe='')}/{members}/41"


def member(level: int = 30, **more: Any) -> Reply:
    """An answer as GitLab documents it."""
    told = {"id": 41, "username": "ann", "state": "active", "access_level": level, "expires_at": None}
    return answer_json({**told, "membership_state": "active", "locked": False, **more})


async def person(provider: GitLabProvider, answers: dict[str, Reply], *scopes: str) -> Identity:
    """Who signs in, where GitLab answers so."""
    source, provider.api = FakeSource(), provider.new_api()
    provider.api.transport = source
    source.on("GET", f"{API}/user", answer_json(ANN))
    source.on("GET", VERSION, NEW, optional=True)
    for address, reply in answers.items():
        source.on("GET", address, reply)
    tokens = Credential(access_token=Secret("glat-1"), scopes=frozenset(scopes or ("read_user", "read_api")))
    claims = await provider.fetch_claims(tokens, provider.api)
    source.check()
    return provider.identity(claims)


def verdict(provider: GitLabProvider, identity: Identity) -> tuple[bool, str]:
    """Whether a rule here lets the person in, and the reason that keeps them out."""
    try:
        provider.restrict(identity)
    except LoginRefused as refusal:
        return False, refusal.code
    admitted = provider.admits(identity, frozenset())
    told = None if admitted else provider.not_admitted(identity)
    return admitted, told.code if told else ""


# How a rule is written.


@pytest.mark.parametrize("option", ["allowed_gitlab_groups", "required_gitlab_groups"])
def test_a_group_is_a_path_or_a_number(option: str) -> None:
    written = [7, "8", "top", "Top/sub-group", "a.b/c_d/e", "top/123"]
    assert getattr(gitlab(**{option: written}), option) == {"7", "8", "top", "Top/sub-group", "a.b/c_d/e", "top/123"}


def test_a_project_is_a_path_or_a_number() -> None:
    assert gitlab(allowed_project_ids=[7, "8", "top/sub/p"]).allowed_project_ids == {"7", "8", "top/sub/p"}


@pytest.mark.parametrize("option", ["allowed_gitlab_groups", "required_gitlab_groups", "allowed_project_ids"])
@pytest.mark.parametrize(
    "entry",
    [
        *("", " ", 0, "0", -1, True, "/top/sub", "top/sub/", "top//sub", "top%2Fsub", "top/../other", "..", "top/."),
        *("my group/sub", "https://gitlab.com/top/sub", "top/sub.git", "top/süb", "\u0661\u0662", "-top/sub", "a?b/c"),
    ],
)
def test_any_other_entry_stops_the_start(option: str, entry: object) -> None:
    with pytest.raises(TraitError, match=option):
        gitlab(**{option: [entry]})


def test_a_project_has_a_group() -> None:
    with pytest.raises(TraitError, match="allowed_project_ids"):
        gitlab(allowed_project_ids=["project"])


@given(st.text(st.sampled_from("ab1/.-_%~ \u00e9"), max_size=30) | st.text(max_size=10) | st.integers())
def test_what_is_accepted_is_one_segment_of_an_address_and_encoded_once(entry: object) -> None:
    for parse in (group, project):
        try:
            name = parse(entry)
        except ValueError:
            continue
        assert parse(name) == name == str(entry).lstrip("0" if str(entry).isdecimal() else "")
        assert "%" not in name
        assert unquote(quote(name, safe="")) == name
        assert not {"", ".", ".."} & set(name.split("/"))


@pytest.mark.parametrize("option", ["minimum_access_level", "minimum_project_access_level"])
def test_a_role_has_a_name_and_a_number(option: str) -> None:
    for role, level in ROLES.items():
        assert getattr(gitlab(**{option: role}), option) == getattr(gitlab(**{option: level}), option) == level
    assert getattr(gitlab(**{option: "Maintainer"}), option) == 40
    for wrong in (0, 5, 60, 31, "30", "master", "", -10):
        with pytest.raises(TraitError, match=option):
            gitlab(**{option: wrong})
    assert (gitlab().minimum_access_level, gitlab().minimum_project_access_level) == (10, 30)


RULES: list[dict[str, Any]] = [
    {"allowed_gitlab_groups": ["a"]},
    {"required_gitlab_groups": ["a"]},
    {"allowed_project_ids": [7]},
    {"gitlab_groups_as_groups": True},
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: next(iter(rule)))
async def test_what_a_rule_needs_is_asked_for(rule: dict[str, Any], new_transaction: Any) -> None:
    step = await gitlab(**rule).begin_login(Request(), new_transaction("gitlab"))
    assert parse_qs(urlsplit(step.url).query)["scope"] == ["read_user read_api"]
    for scope in ([], ["read_user", "read_repository"]):
        with pytest.raises(ConfigError, match=f"{next(iter(rule))} needs 'read_api' in scope"):
            gitlab(scope=scope, **rule)
    assert gitlab(scope=["api"], **rule).scope == ["api"]
    with pytest.raises(LoginRefused) as refusal:
        await person(gitlab(**rule), {}, "read_user", "openid")
    assert refusal.value.code == "scope_insufficient"


def test_there_is_an_end_to_what_a_sign_in_asks() -> None:
    numbers = list(range(1, MOST_ENTRIES + 1))
    assert gitlab(allowed_gitlab_groups=numbers)
    with pytest.raises(ConfigError, match="gitlab_groups_as_groups"):
        gitlab(allowed_gitlab_groups=numbers, allowed_project_ids=[1])


def test_a_rule_by_group_or_project_can_let_somebody_in() -> None:
    assert not gitlab().grants
    assert gitlab(allowed_gitlab_groups=["a"]).grants
    assert gitlab(allowed_project_ids=[1]).grants
    assert not gitlab(required_gitlab_groups=["a"]).grants
    assert gitlab().rule_claims == ()
    assert {"gitlab_groups", "gitlab_projects"} <= set(gitlab(allowed_project_ids=[1]).rule_claims)


# Who is in.


@pytest.mark.parametrize("entry", ["top", "top/sub", "top/sub/below", "12"])
async def test_a_member_of_an_allowed_group_may_enter(entry: str) -> None:
    provider = gitlab(allowed_gitlab_groups=[entry, "elsewhere"])
    identity = await person(provider, {at(entry): member(10), at("elsewhere"): NOT_FOUND})
    assert verdict(provider, identity) == (True, "")


async def test_a_path_is_encoded_exactly_once() -> None:
    provider, source = gitlab(allowed_gitlab_groups=["top/sub"], allowed_project_ids=["top/sub/p.x"]), FakeSource()
    provider.api.transport = source
    source.on("GET", f"{API}/user", answer_json(ANN))
    source.on("GET", at("top/sub"), member())
    source.on("GET", at("top/sub/p.x", "projects"), member())
    tokens = Credential(access_token=Secret("glat-1"), scopes=frozenset({"read_api"}))
    await provider.fetch_claims(tokens, provider.api)
    asked = {request.url.raw_path.decode() for request in source.requests}
    assert "/api/v4/groups/top%2Fsub/members/all/41" in asked
    assert "/api/v4/projects/top%2Fsub%2Fp.x/members/all/41" in asked


@pytest.mark.row("V01")
@pytest.mark.parametrize("theirs", ["top-sub", "top", "top/subway", "top/sub/below", "Top/sub-x", "sub", "xtop/sub"])
async def test_a_group_that_is_only_named_alike_lets_nobody_in(theirs: str) -> None:
    provider = gitlab(allowed_gitlab_groups=["top/sub"])
    identity = await person(provider, {at("top/sub"): NOT_FOUND})
    assert verdict(provider, identity) == (False, "")
    of_theirs = Identity(subject="41", username="ann", claims={"gitlab_groups": [theirs], "groups": [theirs]})
    assert verdict(provider, of_theirs) == (False, "")
    assert verdict(gitlab(required_gitlab_groups=["top/sub"]), of_theirs) == (False, "gitlab_group_missing")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("least", ROLES)
async def test_a_member_needs_the_least_role(role: str, least: str) -> None:
    provider = gitlab(allowed_gitlab_groups=["top"], minimum_access_level=least)
    identity = await person(provider, {at("top"): member(ROLES[role])})
    assert provider.admits(identity, frozenset()) is (ROLES[role] >= ROLES[least])


async def test_a_member_of_a_project_is_a_developer_unless_it_says_otherwise() -> None:
    for level, least, admitted in ((20, 30, False), (30, 30, True), (20, "reporter", True)):
        provider = gitlab(allowed_project_ids=[7], minimum_project_access_level=least)
        identity = await person(provider, {at("7", "projects"): member(level)})
        assert provider.admits(identity, frozenset()) is admitted


@pytest.mark.row("V01")
@pytest.mark.parametrize(
    "fault",
    [
        *({"state": state} for state in ("blocked", "banned", "deactivated", "awaiting", None)),
        *({"membership_state": state} for state in ("awaiting", "created", None)),
        *({"access_level": level} for level in (0, 5)),
        *({"expires_at": day} for day in ("2025-06-15", "2025-06-14", "2001-01-01")),
    ],
    ids=str,
)
async def test_a_member_who_is_blocked_waiting_or_expired_is_none(fault: dict[str, Any]) -> None:
    for rule, what in (("allowed_gitlab_groups", "groups"), ("allowed_project_ids", "projects")):
        provider = gitlab(**{rule: ["7"]}, minimum_project_access_level=10)
        assert verdict(provider, await person(provider, {at("7", what): member(**fault)})) == (False, "")


async def test_a_membership_that_ends_tomorrow_counts_today() -> None:
    assert date.fromtimestamp(TODAY) == date(2025, 6, 15)
    provider = gitlab(allowed_gitlab_groups=["7"])
    identity = await person(provider, {at("7"): member(expires_at="2025-06-16")})
    assert verdict(provider, identity) == (True, "")


@pytest.mark.row("V01")
@pytest.mark.parametrize(
    "fault",
    [{"id": 42}, {"id": "41"}, {"id": None}, {"access_level": "30"}, {"access_level": True}, {"expires_at": "soon"}],
    ids=str,
)
async def test_an_answer_about_somebody_else_or_nobody_is_no_answer(fault: dict[str, Any]) -> None:
    with pytest.raises(ProviderError):
        await person(gitlab(allowed_gitlab_groups=["7"]), {at("7"): member(**fault)})


async def test_whoever_is_not_in_all_that_is_required_stays_out_under_allow_all() -> None:
    provider = gitlab(allow_all=True, required_gitlab_groups=["a", "b/c"])
    both = await person(provider, {at("a"): member(), at("b/c"): member()})
    one = await person(provider, {at("a"): member(), at("b/c"): NOT_FOUND})
    provider.restrict(both)
    assert verdict(provider, one) == (False, "gitlab_group_missing")
    assert verdict(provider, Identity(subject="1", username="new")) == (False, "gitlab_group_missing")


@pytest.mark.row("V01")
async def test_a_group_that_cannot_be_read_lets_nobody_in_and_is_told_apart() -> None:
    forbidden = answer_json({"message": "403 Forbidden"}, 403)
    provider = gitlab(allowed_gitlab_groups=["top"], allowed_project_ids=[7])
    identity = await person(provider, {at("top"): forbidden, at("7", "projects"): NOT_FOUND})
    assert verdict(provider, identity) == (False, "group_unreadable")
    assert verdict(gitlab(required_gitlab_groups=["top"]), identity) == (False, "group_unreadable")
    assert verdict(gitlab(required_gitlab_groups=["top", "b"]), identity) == (False, "gitlab_group_missing")
    identity = await person(provider, {at("top"): NOT_FOUND, at("7", "projects"): forbidden})
    assert verdict(provider, identity) == (False, "group_unreadable")


async def test_a_scope_that_is_too_small_is_no_word_about_a_membership() -> None:
    short = answer_json({"error": "insufficient_scope", "error_description": "...", "scope": "api read_api"}, 403)
    for rule, address in zip(RULES, (at("a"), at("a"), at("7", "projects"), GROUPS), strict=True):
        with pytest.raises(LoginRefused) as refusal:
            await person(gitlab(**rule), {address: short})
        assert refusal.value.code == "scope_insufficient"


@pytest.mark.row("F03")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: next(iter(rule)))
@pytest.mark.parametrize(("status", "pause"), [(429, 60.0), (500, None), (502, None), (503, 60.0)])
async def test_a_limit_or_an_outage_is_no_word_about_a_membership(
    rule: dict[str, Any], status: int, pause: float | None
) -> None:
    headers = {} if pause is None else {"retry_after": "60"}
    reply = answer_json({"message": "Retry later"}, status, **headers)
    address = {"allowed_project_ids": at("7", "projects"), "gitlab_groups_as_groups": GROUPS}.get(*rule, at("a"))
    with pytest.raises(ProviderUnavailable) as unavailable:
        await person(gitlab(**rule), {address: reply})
    assert unavailable.value.retry_after == pause


BODIES: list[Any] = [
    *(None, "", [], {}, True, {"id": 41}, {"message": "404 Group Not Found"}, [{"id": 41, "access_level": 50}]),
    {"id": 41, "state": "active", "access_level": 50, "expires_at": None},
]


@pytest.mark.row("V01")
@given(status=st.integers(201, 599), body=st.sampled_from(BODIES), rule=st.sampled_from(RULES[:3]))
async def test_no_other_answer_lets_anybody_in(status: int, body: Any, rule: dict[str, Any]) -> None:
    """Every status but 200, with whatever body."""
    provider = gitlab(**rule, allow_all="required_gitlab_groups" in rule)
    address = at("7", "projects") if "allowed_project_ids" in rule else at("a")
    try:
        identity = await person(provider, {address: answer_json(body, status)})
    except HubAuthError:
        return
    assert verdict(provider, identity)[0] is False


@pytest.mark.row("V01")
@pytest.mark.parametrize("reply", [*(answer_json(body) for body in BODIES[:-1]), Reply(), Reply(body=b"<html>")])
async def test_rubbish_in_place_of_a_membership_lets_nobody_in(reply: Reply) -> None:
    for rule in RULES[:2]:
        with pytest.raises(ProviderError):
            await person(gitlab(**rule), {at("a"): reply})


async def test_a_project_that_has_moved_is_not_followed() -> None:
    """Whoever takes the old path next would be let in by it; its number stays."""
    provider = gitlab(allowed_project_ids=["old/p"])
    moved = answer_json({}, 301, location=f"{API}/projects/99/members/all/41")
    identity = await person(provider, {at("old/p", "projects"): moved})
    assert verdict(provider, identity) == (False, "")
    for elsewhere in ("https://gitlab.com/users/sign_in", "https://elsewhere.test/"):
        with pytest.raises(ProviderError):
            await person(provider, {at("old/p", "projects"): answer_json({}, 302, location=elsewhere)})


# Between two sign-ins.


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (NOT_FOUND, (False, "")),
        (member(expires_at="2025-06-15"), (False, "")),
        (member(), (True, "")),
        (answer_json({"message": "401 Unauthorized"}, 401), ReauthRequired("token_refused")),
        (answer_json({"error": "insufficient_scope"}, 403), ReauthRequired("scope_insufficient")),
        (answer_json({"message": "Retry later"}, 429, retry_after="60"), Unavailable(60.0)),
        (answer_json({}, 502), Unavailable(None)),
    ],
    ids=["left", "expired", "still-in", "token-revoked", "scope-taken", "limit", "down"],
)
async def test_what_a_check_finds_while_somebody_is_at_work(reply: Reply, outcome: object) -> None:
    provider = gitlab(allowed_gitlab_groups=["top"])
    identity = await person(provider, {at("top"): member()})
    source, provider.api = FakeSource(), provider.new_api()
    provider.api.transport = source
    source.on("GET", f"{API}/user", answer_json(ANN))
    source.on("GET", VERSION, NEW, optional=True)
    source.on("GET", at("top"), reply)
    tokens = Credential(access_token=Secret("glat-1"), scopes=frozenset({"read_api"}))
    found = await provider.refresh_identity(identity, tokens, HubCall())
    assert (verdict(provider, found.identity) if isinstance(found, Updated) else found) == outcome


@pytest.mark.parametrize("state", ["blocked", "deactivated"])
async def test_an_account_that_is_closed_meanwhile_is_refused(state: str) -> None:
    provider, source = gitlab(), FakeSource()
    identity = await person(provider, {})
    provider.api = provider.new_api()
    provider.api.transport = source
    source.on("GET", f"{API}/user", answer_json({**ANN, "state": state}))
    tokens = Credential(access_token=Secret("glat-1"))
    assert await provider.refresh_identity(identity, tokens, HubCall()) == Refused("account_inactive")


# Which GitLab it is.


@pytest.mark.parametrize(
    ("version", "directly"),
    [("12.3.9", True), ("11.11.0-ee", True), ("9.0.0", True), ("12.4.0", False), ("19.1.0-pre", False), ("?", False)],
)
async def test_an_old_gitlab_knows_direct_members_only(version: str, directly: bool) -> None:
    provider = gitlab(allowed_gitlab_groups=["a"], required_gitlab_groups=["b"])
    told = {VERSION: answer_json({"version": version}), at("a"): NOT_FOUND, at("b"): NOT_FOUND}
    of_old = {at(entry, members="members"): member() for entry in "ab"} if directly else {}
    identity = await person(provider, {**told, **of_old})
    assert verdict(provider, identity) == (directly, "" if directly else "gitlab_group_missing")


@pytest.mark.parametrize("reply", [NOT_FOUND, answer_json({"error": "insufficient_scope"}, 403)])
async def test_a_gitlab_that_does_not_tell_its_version_is_a_new_one(reply: Reply) -> None:
    provider = gitlab(allowed_gitlab_groups=["a"])
    assert verdict(provider, await person(provider, {VERSION: reply, at("a"): NOT_FOUND})) == (False, "")


async def test_the_version_is_asked_for_once_and_only_where_it_matters() -> None:
    provider = gitlab(allowed_gitlab_groups=["a", "b"])
    inside, outside = ({at("a"): reply, at("b"): reply} for reply in (member(), NOT_FOUND))
    asked = []
    for answers in (inside, outside, outside):
        await person(provider, answers)
        asked.append([str(request.url) for request in provider.api.transport.requests].count(VERSION))
    assert asked == [0, 1, 0]


# Groups as hub groups.


async def test_groups_are_listed_page_after_page() -> None:
    provider, source = gitlab(gitlab_groups_as_groups=True, minimum_access_level="developer"), FakeSource()
    provider.api.transport = source
    source.on("GET", f"{API}/user", answer_json(ANN))
    first = answer_json([{"id": 1, "full_path": "top"}], link=f'<{GROUPS}?page=2>; rel="next", <{GROUPS}>; rel="first"')
    source.on("GET", GROUPS, first, answer_json([{"id": 2, "full_path": "top/sub"}]))
    tokens = Credential(access_token=Secret("glat-1"), scopes=frozenset({"read_api"}))
    identity = provider.identity(await provider.fetch_claims(tokens, provider.api))
    assert identity.groups == {"top", "top/sub"}
    asked = source.calls("GET", GROUPS)
    assert asked[0].url.params["min_access_level"] == "30"
    assert asked[1].url.params["page"] == "2"


async def test_without_the_option_nothing_is_said_of_groups() -> None:
    assert (await person(gitlab(), {})).groups is None


@pytest.mark.row("F07")
@pytest.mark.parametrize("link", ["https://elsewhere.test/groups?page=2", "http://gitlab.com/api/v4/groups?page=2"])
async def test_a_list_of_groups_is_not_followed_to_another_host(link: str) -> None:
    with pytest.raises(ProviderError):
        await person(gitlab(gitlab_groups_as_groups=True), {GROUPS: answer_json([], link=f'<{link}>; rel="next"')})


async def test_a_list_that_never_ends_is_left() -> None:
    endless = answer_json([{"full_path": "top"}], link=f'<{GROUPS}?page=2>; rel="next"')
    assert (await person(gitlab(gitlab_groups_as_groups=True), {GROUPS: endless})).groups == {"top"}


@pytest.mark.parametrize(
    "reply",
    [NOT_FOUND, answer_json({"message": "403 Forbidden"}, 403), answer_json([{"name": "top"}]), answer_json({})],
    ids=["not-found", "forbidden", "no-path", "no-list"],
)
async def test_a_list_of_groups_that_cannot_be_read_is_not_an_empty_one(reply: Reply) -> None:
    with pytest.raises(ProviderError):
        await person(gitlab(gitlab_groups_as_groups=True), {GROUPS: reply})


async def test_two_gitlabs_are_asked_each_about_its_own() -> None:
    ours = GitLabProvider(
        "ours", client_id="h", client_secret="s", url="https://git.a.test", allowed_gitlab_groups=["x"]
    )
    theirs = GitLabProvider("theirs", client_id="h", client_secret="s", url="https://git.b.test")
    assert (ours.grants, theirs.grants, theirs.scope) == (True, False, ["read_user"])
    source = FakeSource()
    ours.api.transport = source
    source.on("GET", "https://git.a.test/api/v4/user", answer_json(ANN))
    source.on("GET", "https://git.a.test/api/v4/groups/x/members/all/41", member())
    tokens = Credential(access_token=Secret("glat-1"), scopes=frozenset({"read_api"}))
    identity = ours.identity(await ours.fetch_claims(tokens, ours.api))
    source.check()
    assert (ours.admits(identity, frozenset()), theirs.admits(identity, frozenset())) == (True, False)


def test_another_access_level_is_another_question() -> None:
    ours, higher = gitlab(allowed_gitlab_groups=["x"]), gitlab(allowed_gitlab_groups=["x"], minimum_access_level=40)
    assert len(ours.asked_about) == 1
    assert set(ours.asked_about).isdisjoint(higher.asked_about)
    assert set(ours.asked_about).isdisjoint(gitlab(allowed_project_ids=["a/x"]).asked_about)
