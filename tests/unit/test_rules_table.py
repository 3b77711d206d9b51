"""Every allow x restrict x admin combination against a table in words, and what holds for any rules at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubauth_core import Decision, Identity, LoginRefused, Provider
from hubauth_core.access import Access
from hubauth_core.facts import recorded
from hubauth_core.mapping import Record


class NoPins:
    """Nobody has used a name yet."""

    def pinned_subject(self, provider: str, username: str) -> str | None:
        return None

    def names_of(self, provider: str, subject: str) -> frozenset[str]:
        return frozenset()


class Ruled(Provider):
    """With rules of its own, as an OAuth type has for scopes, and as a type may have for anything."""

    scopes_wanted: AbstractSet[str] = frozenset()
    keeps_out: AbstractSet[str] = frozenset()

    def admits(self, identity: Identity, scopes: AbstractSet[str]) -> bool:
        return bool(self.scopes_wanted) and scopes >= self.scopes_wanted

    def restrict(self, identity: Identity) -> None:
        if identity.claims.get("colour") in self.keeps_out:
            raise LoginRefused("Not in that colour.", code="own_restriction")


ACCESS = Access(NoPins(), several=False)
ANN = Identity(
    provider="uni",
    subject="7",
    username="ann",
    email="ann@uni.example",
    email_verified=True,
    groups=frozenset({"staff", "chess"}),
    claims={"colour": "red", "org": {"unit": ["physics", "maths"]}},
)
SCOPES = frozenset({"read", "api"})

# What a rule is set to, and what it says of Ann: None where it is silent.
ALLOW: Mapping[str, list[tuple[Any, bool | None]]] = {
    "allow_all": [(False, None), (True, True)],
    "allowed_users": [(set(), None), ({"bob"}, None), ({"Ann"}, True), ({"id:7"}, True)],
    "allowed_groups": [(set(), None), ({"club"}, None), ({"club", "staff"}, True)],
    "scopes_wanted": [(set(), None), ({"read", "admin"}, None), ({"read"}, True)],
}
ADMIN: Mapping[str, list[tuple[Any, bool | None]]] = {
    "admin_users": [(set(), None), ({"bob"}, False), ({"ann"}, True)],
    "admin_groups": [(set(), None), ({"club"}, False), ({"staff"}, True)],
}
RESTRICT: Mapping[str, list[tuple[Any, str]]] = {
    "blocked_users": [(set(), ""), ({"bob"}, ""), ({"id:7"}, "blocked")],
    "required_email_domains": [([], ""), (["uni.example"], ""), (["corp.example"], "email_domain")],
    "required_groups": [(set(), ""), ({"staff", "chess"}, ""), ({"staff", "club"}, "group_missing")],
    "required_claims": [
        ({}, ""),
        ({"org.unit": "maths"}, ""),
        ({"org.unit": "maths", "org.level": 1}, "claim_missing"),
    ],
    "keeps_out": [(set(), ""), ({"red"}, "own_restriction")],
}


def settings_of(table: Mapping[str, list[tuple[Any, Any]]]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Every combination: what to set, and what each says."""
    for chosen in itertools.product(*table.values()):
        yield dict(zip(table, (value for value, _ in chosen), strict=True)), [said for _, said in chosen]


def put(provider: Provider, rules: Mapping[str, Any]) -> None:
    for option, value in rules.items():
        setattr(provider, option, value)


@pytest.mark.row("V02", "V05")
def test_every_combination_of_what_allows_restricts_and_makes_administrators() -> None:
    provider, rows = Ruled("uni"), 0
    own_words = [None, Decision(allowed=True), Decision(allowed=True, admin=True), Decision(allowed=False, admin=True)]
    for restricting, reasons in settings_of(RESTRICT):
        put(provider, restricting)
        first = next(filter(None, reasons), "")  # `RESTRICT` has them in the order in which they are asked
        for allowing, grants in settings_of(ALLOW) if not first else every_other(settings_of(ALLOW)):
            put(provider, allowing)
            for making, admins in settings_of(ADMIN):
                put(provider, making)
                for own in own_words:
                    rows += 1
                    check_row(provider, own, first, any(grants), admins)
    assert rows > 20_000


def every_other(rows: Iterator[Any]) -> Iterator[Any]:
    """Where a restriction holds no grant counts: some of them will do."""
    return itertools.islice(rows, 0, None, 7)


def check_row(provider: Provider, own: Decision | None, reason: str, granted: bool, admins: list[bool | None]) -> None:
    expected = "not_allowed" if own is not None and not own.allowed and reason != "blocked" else reason
    try:
        decision = ACCESS.decide(provider, ANN, own, scopes=SCOPES).decision
        found = ""
    except LoginRefused as refused:
        found = refused.code
    assert found == expected, provider.trait_values()
    if found:
        return
    named_admin = True in admins
    assert decision.allowed == (granted or named_admin or own is not None), provider.trait_values()
    if named_admin or (own is not None and own.admin):
        assert decision.admin is True
    else:  # where a list is set, who is not on it is none; where none is, the hub keeps what it has
        assert decision.admin is (False if False in admins else None)


# What holds for any rules at all.

SLOW = [HealthCheck.too_slow]  # on a machine that is busy otherwise

NAMES = st.sampled_from(["ann", "bob", "id:7", "id:8", "ANN "])
GROUPS = st.sampled_from(["staff", "chess", "club", "Staff"])
VALUES = st.one_of(st.sampled_from(["maths", "1", ""]), st.booleans(), st.integers(0, 2))
PATHS = st.sampled_from(["org.unit", "level", "a.b", "a"])
DOMAINS = st.lists(st.sampled_from(["uni.example", "corp.example"]), max_size=2)
GRANTS = st.fixed_dictionaries(
    {},
    optional={
        "allow_all": st.booleans(),
        "allowed_users": st.sets(NAMES, max_size=2),
        "allowed_groups": st.sets(GROUPS, max_size=2),
        "admin_users": st.sets(NAMES, max_size=2),
        "admin_groups": st.sets(GROUPS, max_size=2),
        "scopes_wanted": st.sets(st.sampled_from(["read", "api"])),
    },
)
RESTRICTIONS = st.fixed_dictionaries(
    {},
    optional={
        "blocked_users": st.sets(NAMES, max_size=2),
        "required_groups": st.sets(GROUPS, max_size=2),
        "required_claims": st.dictionaries(PATHS, st.lists(VALUES, min_size=1, max_size=2), max_size=2),
        "required_email_domains": DOMAINS,
        "require_verified_email": st.booleans(),
    },
)
CLAIMS = st.dictionaries(
    st.sampled_from(["org", "level", "a", "a.b"]),
    st.recursive(
        VALUES | st.none() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["unit", "b"]), inner),
        max_leaves=6,
    ),
)
EMAILS = ["ann@uni.example", "ann@UNI.example", "ann@x.uni.example", "a@b@uni.example", "@uni.example", "ann", ""]
PEOPLE = st.builds(
    Identity,
    provider=st.just("uni"),
    subject=st.sampled_from(["7", "8", "9"]),
    username=st.sampled_from(["ann", "Ann", "bob", "zoe", "id:7"]),
    email=st.none() | st.sampled_from(EMAILS),
    email_verified=st.booleans(),
    groups=st.none() | st.frozensets(GROUPS, max_size=3),
    claims=CLAIMS,
)
OWN = st.sampled_from([None, Decision(allowed=True), Decision(allowed=True, admin=True)])
NOTHING_SAID: dict[str, Any] = {"groups": None, "claims": {}, "email": None, "email_verified": False}
SILENT = st.sets(st.sampled_from([*NOTHING_SAID, "scopes"]), min_size=1)
GRANTED = st.frozensets(st.sampled_from(["read", "api"]))


def outcome(rules: Mapping[str, Any], person: Identity, scopes: AbstractSet[str], own: Decision | None = None) -> Any:
    """The reason of a refusal, or the decision."""
    provider = Ruled("uni")
    put(provider, rules)
    try:
        return ACCESS.decide(provider, person, own, scopes=scopes).decision
    except LoginRefused as refused:
        return refused.code


def enters(found: Any) -> bool:
    return isinstance(found, Decision) and found.allowed


@pytest.mark.row("V05")
@settings(max_examples=80, suppress_health_check=SLOW)
@given(some=RESTRICTIONS, more=RESTRICTIONS, grants=GRANTS, further=GRANTS, person=PEOPLE, scopes=GRANTED, own=OWN)
def test_no_grant_outweighs_a_restriction_and_no_restriction_admits(
    some: dict[str, Any],
    more: dict[str, Any],
    grants: dict[str, Any],
    further: dict[str, Any],
    person: Identity,
    scopes: frozenset[str],
    own: Decision | None,
) -> None:
    found = outcome(some | grants, person, scopes, own)
    if isinstance(found, str):
        assert outcome(some | further, person, scopes, own) == found, "a grant has changed what a restriction says"
    assert not enters(outcome(some, person, scopes)), "what only restricts lets somebody in"
    wider = {name: widened(some.get(name), value) for name, value in more.items()}
    if enters(outcome(some | wider | grants, person, scopes, own)):
        assert enters(found), "a restriction that was added lets somebody in"


def widened(value: Any, more: Any) -> Any:
    """A restriction, and another of the same kind, so that both must hold."""
    if isinstance(more, bool):
        return more or bool(value)
    if isinstance(more, dict):
        return {**more, **(value or {})}
    if isinstance(more, list):  # of domains one suffices: keep what is stricter
        return [each for each in value if each in more] or value if value else more
    return more | (value or set())


@pytest.mark.row("V05")
@settings(max_examples=60, suppress_health_check=SLOW)
@given(rules=RESTRICTIONS, grants=GRANTS, person=PEOPLE, scopes=GRANTED, silent=SILENT)
def test_what_a_source_leaves_out_lets_nobody_in(
    rules: dict[str, Any], grants: dict[str, Any], person: Identity, scopes: frozenset[str], silent: set[str]
) -> None:
    poorer = replace(person, **{name: NOTHING_SAID[name] for name in silent - {"scopes"}})
    if enters(outcome(rules | grants, poorer, frozenset() if "scopes" in silent else scopes)):
        assert enters(outcome(rules | grants, person, scopes))


@settings(max_examples=120, suppress_health_check=SLOW)
@given(rules=RESTRICTIONS, grants=GRANTS, person=PEOPLE, scopes=GRANTED)
def test_what_was_recorded_decides_as_what_was_said(
    rules: dict[str, Any], grants: dict[str, Any], person: Identity, scopes: frozenset[str]
) -> None:
    assert remembered(person, rules | grants, scopes) == outcome(rules | grants, person, scopes)


def remembered(person: Identity, rules: Mapping[str, Any], scopes: frozenset[str] = frozenset()) -> Any:
    """The outcome on what is recorded of a person."""
    provider = Ruled("uni")
    put(provider, rules)
    record = Record(
        id="1",
        provider="uni",
        subject=person.subject,
        username=person.username,
        hub_user=(1, 0.0),
        hub_name="ann",
        home=True,
        created_at=0,
        last_used_at=0,
        facts=recorded(person, scopes, provider.rule_claims),
    )
    assert record.scopes == scopes
    try:
        return ACCESS.recorded(provider, record).decision
    except LoginRefused as refused:
        return refused.code


@pytest.mark.row("V06")
@pytest.mark.parametrize("email", [*EMAILS, None])
def test_an_address_that_was_recorded_is_the_address_that_was_said(email: str | None) -> None:
    for verified in (True, False):
        person = replace(ANN, email=email, email_verified=verified)
        for rules in ({"required_email_domains": ["uni.example"]}, {"require_verified_email": True}):
            rules = {"allow_all": True, **rules}
            assert remembered(person, rules) == outcome(rules, person, frozenset()), (email, verified)


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ({"required_groups": {"staff"}}, {"groups": None}),
        ({"required_groups": {"staff"}}, {"groups": frozenset({"Staff", "staff-2"})}),
        ({"required_claims": {"colour": "red"}}, {"claims": {}}),
        ({"required_claims": {"level": 1}}, {"claims": {"level": True}}),
        ({"required_claims": {"level": True}}, {"claims": {"level": 1}}),
        ({"required_claims": {"level": "1"}}, {"claims": {"level": 1}}),
        ({"required_claims": {"level": "1"}}, {"claims": {"level": {"1": "1"}}}),
        ({"required_claims": {"org.unit": "maths"}}, {"claims": {"org": ["unit", "maths"]}}),
        ({"required_email_domains": ["uni.example"]}, {"email": None}),
        ({"require_verified_email": True}, {"email_verified": False}),
    ],
)
def test_what_is_not_said_holds_for_nobody(rule: dict[str, Any], missing: dict[str, Any]) -> None:
    rules = {"allow_all": True, **rule}
    poorer = replace(ANN, **missing)
    assert isinstance(outcome(rules, poorer, SCOPES), str)
    assert isinstance(remembered(poorer, rules), str)


@pytest.mark.parametrize("odd", [{1: 2, "b": 3}, [b"x", {2: 3, "": 4}]], ids=["keys", "nested"])
def test_of_what_is_no_json_rules_know_nothing(odd: object) -> None:
    person = Identity(provider="uni", subject="7", username="ann", groups=frozenset({"staff"}), claims={"odd": odd})
    assert recorded(person, frozenset(), ["odd"]) == ""


def test_a_claim_that_no_database_could_store_is_recorded() -> None:
    odd = Identity(provider="uni", subject="7", username="ann", groups=frozenset({"\ud800"}))
    assert recorded(odd, frozenset(), ()).isascii()
