"""Who may enter: grants, restrictions, names and subjects, and that nothing admits by accident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubauth_core import Decision, Identity, LoginRefused, Provider
from hubauth_core.access import Access, Verdict
from hubauth_core.rule_options import is_lookalike


class KnownPins:
    """Pins in memory: (username) -> subject, all of one provider."""

    def __init__(self, pins: Mapping[str, str] | None = None) -> None:
        self._pins = dict(pins or {})

    def pinned_subject(self, provider: str, username: str) -> str | None:
        assert provider == "uni"
        return self._pins.get(username)

    def names_of(self, provider: str, subject: str) -> frozenset[str]:
        assert provider == "uni"
        return frozenset(name for name, owner in self._pins.items() if owner == subject)


def person(subject: str = "7", username: str = "ann", groups: frozenset[str] | None = None) -> Identity:
    return Identity(provider="uni", subject=subject, username=username, groups=groups)


def decide(
    identity: Identity | None = None,
    own: Decision | None = None,
    *,
    pins: Mapping[str, str] | None = None,
    several: bool = False,
    **rules: object,
) -> Verdict:
    access = Access(KnownPins(pins), several=several)
    return access.decide(Provider("uni", **rules), identity or person(), own)


NOBODY_ELSE = {"ann": "7"}
SOMEBODY_ELSE = {"ann": "8"}


@pytest.mark.row("V02")
def test_no_rule_lets_nobody_in() -> None:
    verdict = decide()
    assert verdict.decision == Decision(allowed=False, roles=frozenset())
    assert verdict.relied_on is None


@pytest.mark.parametrize(
    ("rules", "pins", "allowed", "admin", "relied_on"),
    [
        ({"allow_all": True}, {}, True, None, None),
        ({"allowed_users": {"ann"}}, {}, True, None, "ann"),
        ({"allowed_users": {"ANN"}}, {}, True, None, "ann"),
        ({"allowed_users": {"ann"}}, NOBODY_ELSE, True, None, "ann"),
        ({"allowed_users": {"ann"}}, SOMEBODY_ELSE, False, None, None),
        ({"allowed_users": {"bob"}}, {}, False, None, None),
        ({"allowed_users": {"id:7"}}, {}, True, None, None),
        ({"allowed_users": {"id:7"}}, SOMEBODY_ELSE, True, None, None),
        ({"allowed_users": {"id:8"}}, {}, False, None, None),
        ({"allowed_users": {"7"}}, {}, False, None, None),
        ({"allowed_users": {"id:7", "ann"}}, NOBODY_ELSE, True, None, None),
        ({"admin_users": {"ann"}}, {}, True, True, "ann"),
        ({"admin_users": {"ann"}}, SOMEBODY_ELSE, False, False, None),
        ({"admin_users": {"id:7"}}, SOMEBODY_ELSE, True, True, None),
        ({"admin_users": {"id:7"}, "allowed_users": {"ann"}}, {}, True, True, None),
        ({"admin_users": {"bob"}}, {}, False, False, None),
        ({"admin_users": {"bob"}, "allow_all": True}, {}, True, False, None),
        ({"admin_users": {"ann"}, "allow_all": True}, {}, True, True, "ann"),
        ({"admin_users": {"ann"}, "allow_all": True}, SOMEBODY_ELSE, True, False, None),
        ({"allowed_users": {"ann"}, "allow_all": True}, {}, True, None, None),
        ({"allowed_users": {"bob"}, "allow_all": True}, {}, True, None, None),
        ({"allowed_users": {"id:7"}, "admin_users": {"ann"}}, {}, True, True, "ann"),
    ],
)
def test_grants(
    rules: dict[str, object], pins: dict[str, str], allowed: bool, admin: bool | None, relied_on: str | None
) -> None:
    verdict = decide(pins=pins, **rules)
    assert (verdict.decision.allowed, verdict.decision.admin) == (allowed, admin)
    assert verdict.relied_on == relied_on


@pytest.mark.row("V05")
@pytest.mark.parametrize("entry", ["ann", "Ann ", "ａnn", "id:7", "formerly"])
@pytest.mark.parametrize(
    "grants",
    [
        {},
        {"allow_all": True},
        {"allowed_users": {"ann"}},
        {"allowed_users": {"id:7"}},
        {"admin_users": {"ann", "id:7"}},
        {"allow_all": True, "admin_users": {"ann"}, "allowed_users": {"id:7"}},
    ],
)
@pytest.mark.parametrize("own", [None, Decision(allowed=True, admin=True)])
def test_who_is_blocked_stays_out_whatever_grants(entry: str, grants: dict[str, object], own: Decision | None) -> None:
    with pytest.raises(LoginRefused) as refused:
        decide(own=own, pins={"formerly": "7"}, blocked_users={entry}, **grants)
    assert refused.value.code == "blocked"


@pytest.mark.parametrize("entry", ["bob", "id:8", "7", "formerly"])
def test_a_block_is_for_those_it_names(entry: str) -> None:
    assert decide(pins={"formerly": "8"}, blocked_users={entry}, allow_all=True).decision.allowed


@pytest.mark.row("V05")
@pytest.mark.parametrize("rules", [{"allow_all": True}, {"allowed_users": {"ann"}}, {"admin_users": {"id:7"}}])
def test_what_the_providers_own_rules_refuse_no_rule_of_ours_lets_in(rules: dict[str, object]) -> None:
    with pytest.raises(LoginRefused) as refused:
        decide(own=Decision(allowed=False), **rules)
    assert refused.value.code == "not_allowed"


def test_what_the_providers_own_rules_allow_is_allowed() -> None:
    assert decide(own=Decision(allowed=True)).decision == Decision(allowed=True, roles=frozenset())


@pytest.mark.parametrize(
    ("own", "admins", "admin"),
    [(True, set(), True), (False, set(), False), (None, set(), None), (False, {"ann"}, True), (None, {"bob"}, False)],
)
def test_the_providers_own_word_on_admin_counts_where_ours_says_nothing(
    own: bool | None, admins: set[str], admin: bool | None
) -> None:
    assert decide(own=Decision(allowed=True, admin=own), admin_users=admins).decision.admin is admin


@pytest.mark.parametrize("username", ["id:7", "ID:7", "ｉｄ：7", " id:7"])
@pytest.mark.parametrize("rule", ["allowed_users", "admin_users"])
def test_a_username_spelled_like_a_subject_is_not_that_subject(username: str, rule: str) -> None:
    verdict = decide(person("999", username), **{rule: {"id:7"}})
    assert not verdict.decision.allowed
    assert not verdict.decision.admin


def test_a_username_spelled_like_a_blocked_subject_is_not_that_subject() -> None:
    access, provider = Access(KnownPins(), several=False), Provider("uni", allow_all=True, blocked_users={"id:7"})
    assert access.decide(provider, person("999", "id:7")).decision.allowed
    assert not access.is_blocked_name(provider, person("999", "id:7"))


@pytest.mark.row("V36")
def test_a_stranger_with_a_name_that_was_somebodys_is_neither_allowed_nor_admin() -> None:
    rules = {"allowed_users": {"ann"}, "admin_users": {"ann"}}
    assert decide(person("8"), pins=NOBODY_ELSE, **rules).decision == Decision(
        allowed=False, admin=False, roles=frozenset()
    )
    assert decide(person("7"), pins=NOBODY_ELSE, **rules).decision == Decision(
        allowed=True, admin=True, roles=frozenset()
    )


@pytest.mark.row("V38")
@pytest.mark.parametrize("username", ["ｂoss", "boſs", "boß", "BOẞ", "ｂｏｓｓ"])
def test_a_lookalike_of_a_name_gets_nothing_that_is_given_by_name(username: str) -> None:
    for rules in ({"allowed_users": {"boss"}}, {"admin_users": {"boss"}}):
        assert decide(person(username="Boss"), **rules).decision.allowed
        verdict = decide(person("666", username), **rules)
        assert (verdict.decision.allowed, bool(verdict.decision.admin)) == (False, False)
    with pytest.raises(LoginRefused):
        decide(person("666", username), blocked_users={"boss"}, allow_all=True)


def test_the_present_name_is_what_a_block_is_said_to_be_about() -> None:
    access, provider = Access(KnownPins({"formerly": "7"}), several=False), Provider("uni", blocked_users={"ANN", "x"})
    assert access.is_blocked_name(provider, person(username="Ann"))
    assert not access.is_blocked_name(provider, person(username="anna"))


@pytest.mark.parametrize(
    ("told", "own", "several", "groups"),
    [
        (None, None, True, None),
        ({"a"}, None, False, {"a"}),
        ({"a"}, None, True, {"uni:a"}),
        ({"a"}, {"b"}, True, {"uni:b"}),
        ({"a"}, set(), True, set()),
    ],
)
def test_groups_carry_the_providers_name_where_there_are_several(
    told: set[str] | None, own: set[str] | None, several: bool, groups: set[str] | None
) -> None:
    identity = person(groups=None if told is None else frozenset(told))
    decision = None if own is None else Decision(allowed=True, groups=frozenset(own))
    verdict = decide(identity, decision, several=several, allow_all=True)
    assert verdict.decision.groups == (None if groups is None else frozenset(groups))


NAMES = st.sampled_from(["ann", "ANN", "bob", "id:7", "id:8", "ID:7", "7", "anna", "id:", "ß", "ss"])
ENTRIES = st.sets(st.sampled_from(["ann", "Bob", "id:7", "id:8", "7", "anna", "ß"]))
PINS = st.dictionaries(st.sampled_from(["ann", "bob", "7", "anna", "ss", "id:7"]), st.sampled_from(["7", "8"]))
OWN = st.none() | st.builds(Decision, allowed=st.booleans(), admin=st.none() | st.booleans())


@pytest.mark.row("V02", "V05")
@given(
    subject=st.sampled_from(["7", "8", "ann"]),
    username=NAMES,
    pins=PINS,
    allow_all=st.booleans(),
    allowed=ENTRIES,
    admins=ENTRIES,
    blocked=ENTRIES,
    own=OWN,
)
def test_nothing_admits_by_accident(
    subject: str,
    username: str,
    pins: dict[str, str],
    allow_all: bool,
    allowed: set[str],
    admins: set[str],
    blocked: set[str],
    own: Decision | None,
) -> None:
    spelled = username.casefold()
    no_name = spelled.startswith("id:") or is_lookalike(username) or pins.get(spelled, subject) != subject
    mine = set() if no_name else {spelled}

    def names_me(rule: set[str], names: set[str]) -> bool:
        by_name = {entry.casefold() for entry in rule if not entry.startswith("id:")} & names
        return bool(by_name) or f"id:{subject}" in rule

    used = {spelled} | {name for name, owner in pins.items() if owner == subject}
    rules = {"allow_all": allow_all, "allowed_users": allowed, "admin_users": admins, "blocked_users": blocked}
    kept_out = names_me(blocked, used) or (own is not None and not own.allowed)
    grants = allow_all or own is not None or names_me(allowed, mine) or names_me(admins, mine)
    try:
        decision = decide(person(subject, username), own, pins=pins, **rules).decision
    except LoginRefused:
        assert kept_out
        return
    assert not kept_out
    assert decision.allowed == grants
    assert bool(decision.admin) == bool(names_me(admins, mine) or (own is not None and own.admin))


@pytest.mark.row("V06")
@pytest.mark.parametrize(
    ("email", "verified", "let_in"),
    [
        ("ann@uni.example", True, True),
        ("ann@UNI.example", True, True),
        ("ann@uni.example", False, False),
        ("ann@uni.example.evil.example", True, False),
        ("ann@notuni.example", True, False),
        ("@uni.example", True, False),
        (None, True, False),
    ],
)
def test_only_people_of_a_domain_that_the_source_has_verified(email: str | None, verified: bool, let_in: bool) -> None:
    someone = replace(person(), email=email, email_verified=verified)
    rules = {"allow_all": True, "required_email_domains": ["@Uni.example"]}
    if let_in:
        assert decide(someone, **rules).decision.allowed
        return
    with pytest.raises(LoginRefused) as caught:
        decide(someone, **rules)
    assert caught.value.code == "email_domain"
