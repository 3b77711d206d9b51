"""Several identities of one hub user: who connects what, what a linked one gives, and who agrees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.flow import CANARY, TOKENS, House
from harness.shelf import Shelf
from hubauth_core import (
    Decision,
    HubUser,
    Identity,
    LoginRefused,
    Provider,
    Refused,
    Secret,
    StoreError,
    Unchanged,
    Updated,
)
from hubauth_core.access import Verdict
from hubauth_core.database import Database
from hubauth_core.errors import LinkRefused
from hubauth_core.identities import Identities
from hubauth_core.linking import Actor
from hubauth_core.mapping import Record, hub_key
from hubauth_core.refresh import RAN_OUT

ADMIN = Actor(name="chief", address="192.0.2.9")


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def house(shelf: Shelf, database: Database, trail: Path) -> House:
    return House(shelf, database, trail)


async def refusal(work: Awaitable[Any]) -> str:
    with pytest.raises(LinkRefused) as refused:
        await work
    return refused.value.code


def names_of(house: House, user: HubUser) -> list[str]:
    return [record.provider for record in house.identities.of_hub_user(hub_key(user))]


# Connecting.


@pytest.mark.row("M10")
async def test_a_link_is_written_with_its_credentials_and_told_once(house: House) -> None:
    ann = await house.sign_in()
    record = await house.link(ann, credentials=(TOKENS,))
    assert names_of(house, ann) == ["uni", "github"]
    assert (await house.flow.vault.credential(record)).content == TOKENS
    assert house.events() == [("login", ""), ("connected", "")]
    event = json.loads(house.lines()[-1])
    assert (event["hub_user"], event["provider"], event["subject"]) == ("ann", "github", "8")
    assert event["address"] == "192.0.2.7"
    assert CANARY not in repr(house.lines())


@pytest.mark.row("M10")
async def test_what_is_connected_already_is_renewed(house: House) -> None:
    ann = await house.sign_in()
    first = await house.link(ann, credentials=(TOKENS,))
    renewed = replace(TOKENS, access_token=Secret("newer"))
    again = await house.link(ann, username="renamed", credentials=(renewed,))
    assert (again.id, again.username) == (first.id, "renamed")
    assert (await house.flow.vault.credential(again)).content == renewed
    assert (await house.link(ann, "7", "ann", provider="uni")).home
    assert [kind for kind, _ in house.events()] == ["login", "connected", "reconnected", "reconnected"]


@pytest.mark.row("F19", "M10")
async def test_of_two_users_who_connect_one_account_at_once_one_gets_a_clean_answer(house: House) -> None:
    ann, bob = await house.sign_in("1", "ann"), await house.sign_in("2", "bob")
    ends = await asyncio.gather(house.link(ann), house.link(bob), return_exceptions=True)
    [refused] = [end for end in ends if isinstance(end, LinkRefused)]
    assert refused.code == "identity_taken"
    assert sorted(names_of(house, ann) + names_of(house, bob)) == ["github", "uni", "uni"]


@pytest.mark.row("F19", "B1")
async def test_one_person_who_connects_in_two_tabs_at_once_is_connected_once(house: House) -> None:
    ann = await house.sign_in()
    ends = await asyncio.gather(*(house.link(ann, credentials=(TOKENS,)) for _ in range(2)))
    assert len({record.id for record in ends}) == 1
    assert names_of(house, ann) == ["uni", "github"]


async def test_an_account_of_somebody_who_signs_in_with_it_is_not_moved(house: House) -> None:
    ann = await house.sign_in("1", "ann")
    octo = await house.sign_in("8", "octo", provider="github")
    assert await refusal(house.link(ann)) == "identity_taken"
    assert (await house.sign_in("8", "octo", provider="github")) == octo


async def test_a_provider_keeps_out_of_links(shelf: Shelf, database: Database, trail: Path) -> None:
    house = House(shelf, database, trail, github={"allow_all": True, "linkable": False})
    ann = await house.sign_in()
    assert await refusal(house.link(ann)) == "not_linkable"
    assert names_of(house, ann) == ["uni"]


async def test_what_ends_on_a_page_of_its_own_carries_no_link(house: House) -> None:
    ann = await house.sign_in()
    house.registry.provider("github").ends_here = False
    assert await refusal(house.link(ann)) == "not_linkable"


async def test_what_was_connected_stays_renewable_where_nothing_new_may_be_connected(house: House) -> None:
    ann = await house.sign_in()
    record = await house.link(ann)
    house.registry.provider("github").linkable = False
    assert (await house.link(ann)).id == record.id


@pytest.mark.row("V05", "M10")
async def test_restrictions_of_the_accounts_own_provider_hold(shelf: Shelf, database: Database, trail: Path) -> None:
    house = House(shelf, database, trail, github={"blocked_users": {"octo"}})
    ann = await house.sign_in()
    with pytest.raises(LoginRefused) as refused:
        await house.link(ann)
    assert (refused.value.code, refused.value.subject) == ("blocked", "8")
    assert names_of(house, ann) == ["uni"]


async def test_no_rule_has_to_let_a_linked_account_in(shelf: Shelf, database: Database, trail: Path) -> None:
    house = House(shelf, database, trail, github={"allowed_users": {"nobody-here"}})
    ann = await house.sign_in()
    await house.link(ann)
    assert (await house.admit("8", "octo", provider="github")).place.name == "ann"


@pytest.mark.row("F15")
async def test_a_link_that_the_trail_cannot_take_is_none(house: House) -> None:
    ann = await house.sign_in()
    house.trail.unlink()
    house.trail.mkdir()
    with pytest.raises(StoreError) as failed:
        await house.link(ann)
    assert failed.value.code == "audit_failed"
    assert names_of(house, ann) == ["uni"]


@pytest.mark.row("F13")
async def test_a_link_that_cannot_be_kept_whole_is_not_kept(house: House) -> None:
    ann = await house.sign_in()
    house.keeper.fails = True
    with pytest.raises(StoreError):
        await house.link(ann, credentials=(TOKENS,))
    assert names_of(house, ann) == ["uni"]


async def test_the_provider_hears_of_a_new_account_and_may_say_no(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    async def added(self: Provider, identity: Any, hub: Any) -> None:
        heard.append(identity.subject)
        if identity.subject == "bad":
            raise LoginRefused("Not here.", code="no_room")

    ann = await house.sign_in()
    monkeypatch.setattr(type(house.registry.provider("github")), "user_added", added)
    await house.link(ann)
    await house.link(ann)
    assert heard == ["8"]
    bob = await house.sign_in("2", "bob")
    with pytest.raises(LoginRefused):
        await house.link(bob, "bad")
    assert names_of(house, bob) == ["uni"]


# Special rights.


@pytest.mark.row("V12", "M10")
@pytest.mark.parametrize("rights", [{"admin": True}, {"roles": frozenset({"user", "tutor"})}], ids=["admin", "role"])
async def test_special_rights_take_a_consent_for_each_link(house: House, rights: dict[str, Any]) -> None:
    ann = await house.sign_in()
    boss = replace(ann, **rights)
    assert await refusal(house.link(boss)) == "consent_needed"
    await house.linking.consent(boss, "uni", ADMIN)
    assert await refusal(house.link(boss)) == "consent_needed"
    await house.linking.consent(boss, "github", ADMIN)
    await house.link(boss)
    assert names_of(house, ann) == ["uni", "github"]
    await house.link(boss)  # it is theirs by now
    await house.linking.unlink(boss, "github", Actor())
    assert await refusal(house.link(boss)) == "consent_needed"


@pytest.mark.row("V12")
async def test_nobody_agrees_to_a_link_of_their_own_account(house: House) -> None:
    boss = replace(await house.sign_in(), admin=True)
    assert await refusal(house.linking.consent(boss, "github", Actor(name="ann"))) == "own_consent"
    assert not house.identities.has_consent(hub_key(boss), "github")
    assert house.events() == [("login", "")]


# What a linked identity gives.


async def rights(house: House, record: Record) -> Any:
    """A verdict, or the reason of a refusal."""
    try:
        return await house.linking.rights(record)
    except LoginRefused as refusal:
        return refusal.code


@pytest.mark.row("V12", "M10")
async def test_a_linked_account_has_the_rights_of_the_home_identity(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    rules = {"uni": {"admin_users": {"ann"}}, "github": {"admin_users": {"octo"}}}
    house = House(shelf, database, trail, **rules)
    ann = await house.sign_in()
    record = await house.link(ann)
    assert (await house.admit("8", "octo", provider="github")).verdict.decision == Decision(
        allowed=True, admin=True, roles=frozenset()
    )
    uni = house.registry.provider("uni")
    uni.allowed_users, uni.admin_users = {"ann"}, set()
    admitted = await house.admit("8", "octo", provider="github")
    assert admitted.verdict == Verdict(decision=Decision(allowed=True, roles=frozenset()), relied_on=None)
    assert admitted.place.linked == record


@pytest.mark.row("V17", "M10")
async def test_it_gives_nothing_while_the_home_identity_is_kept_out(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    house = House(shelf, database, trail)
    ann = await house.sign_in()
    record = await house.link(ann)
    home = house.identities.home_of(hub_key(ann))
    assert home is not None
    await house.identities.mark(home, refused=True)
    assert await rights(house, record) == "home_refused"
    assert await house.refusal("8", "octo", provider="github") == "home_refused"
    await house.sign_in()
    assert (await rights(house, record)).decision.allowed
    shelf.entry_points.clear()
    house = House(shelf, database, trail, uni={"allow_all": True, "blocked_users": {"id:7"}})
    assert await rights(house, record) == "home_refused"
    await house.identities.forget(hub_key(ann))
    assert await rights(house, record) == "home_refused"


@pytest.mark.row("V17")
async def test_a_home_provider_that_keeps_its_people_is_asked_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await house.sign_in()
    record = await house.link(ann)
    home = house.registry.provider("uni")
    answers = [Refused("closed"), Updated(identity=Identity(subject="7", username="ann")), Unchanged()]

    async def refresh_identity(*_: object) -> object:
        return answers.pop(0)

    monkeypatch.setattr(home, "refresh_identity", refresh_identity)
    assert (await rights(house, record)).decision.allowed
    monkeypatch.setattr(type(home), "keeps_people", True)
    assert await rights(house, record) == "home_refused"
    assert (await rights(house, record)).decision.allowed
    assert (await rights(house, record)).decision.allowed
    assert answers == []


@pytest.mark.row("V17", "M10")
async def test_it_lets_nobody_in_whose_grant_the_home_provider_has_taken_back(house: House) -> None:
    ann = await house.sign_in(credentials=(TOKENS,))
    await house.link(ann)
    [home, _] = house.identities.of_hub_user(hub_key(ann))
    for trouble, answer in ((RAN_OUT, None), ("refused", "home_needs_login")):
        held = (await house.flow.vault.credential(home)).held
        assert held is not None
        assert await house.flow.vault.set_aside(home, held, trouble)
        if answer is None:
            assert (await house.admit("8", "octo", provider="github")).place.name == "ann"
        else:
            assert await house.refusal("8", "octo", provider="github") == answer
    await house.sign_in(credentials=(TOKENS,))
    assert (await house.admit("8", "octo", provider="github")).place.name == "ann"


async def test_a_home_provider_that_is_gone_lets_nobody_in_and_one_that_is_broken_takes_nothing_away(
    house: House,
) -> None:
    ann = await house.sign_in()
    record = await house.link(ann)
    del house.registry.providers["uni"]
    assert await rights(house, record) == "home_removed"
    house.registry.broken["uni"] = "it lacks an option"
    assert await rights(house, record) == Verdict(decision=Decision(allowed=True))


@pytest.mark.row("V17")
async def test_whom_a_rule_turns_away_is_noted_and_whom_it_lets_in_again_too(
    shelf: Shelf, database: Database, trail: Path
) -> None:
    house = House(shelf, database, trail)
    ann = await house.sign_in()
    shelf.entry_points.clear()
    house = House(shelf, database, trail, uni={"allow_all": True, "blocked_users": {"id:7"}})
    assert await house.refusal() == "blocked"
    assert refused_at(house, ann) is not None
    shelf.entry_points.clear()
    house = House(shelf, database, trail)
    await house.sign_in()
    assert refused_at(house, ann) is None


def refused_at(house: House, user: HubUser) -> float | None:
    home = house.identities.home_of(hub_key(user))
    assert home is not None
    return home.refused_at


# Taking away, and who decides.


@pytest.mark.row("M10")
async def test_what_is_disconnected_is_told_with_who_did_it(house: House) -> None:
    ann = await house.sign_in()
    await house.link(ann)
    await house.linking.unlink(ann, "github", ADMIN)
    event = json.loads(house.lines()[-1])
    assert (event["kind"], event["actor"], event["hub_user"], event["provider"]) == (
        "disconnected",
        "chief",
        "ann",
        "github",
    )
    assert (await house.sign_in("8", "octo", provider="github")).name == "github-octo"


@pytest.mark.row("M10")
@pytest.mark.parametrize("trouble", ["removed", "refused"])
async def test_the_last_account_that_works_stays(house: House, trouble: str) -> None:
    ann = await house.sign_in()
    await house.link(ann)
    if trouble == "removed":
        del house.registry.providers["uni"]
    else:
        home = house.identities.home_of(hub_key(ann))
        assert home is not None
        await house.identities.mark(home, refused=True)
    assert await refusal(house.linking.unlink(ann, "github", Actor())) == "last_way_in"
    assert names_of(house, ann) == ["uni", "github"]


async def test_what_can_only_be_connected_is_no_way_in(house: House) -> None:
    ann = await house.sign_in()
    await house.link(ann)
    house.registry.providers["github"].only_connects = True
    assert await refusal(house.linking.make_home(ann, "github", ADMIN)) == "home_unusable"


async def test_only_an_account_that_works_may_decide(house: House) -> None:
    ann = await house.sign_in()
    record = await house.link(ann)
    await house.identities.mark(record, refused=True)
    assert await refusal(house.linking.make_home(ann, "github", ADMIN)) == "home_unusable"
    await house.sign_in("8", "octo", provider="github")
    assert (await house.linking.make_home(ann, "github", ADMIN)).home
    assert house.events()[-1] == ("home_changed", "")
    assert names_of(house, ann) == ["github", "uni"]


async def test_identities_of_others_stay_out_of_it(house: House, database: Database) -> None:
    ann, bob = await house.sign_in("1", "ann"), await house.sign_in("2", "bob")
    await house.link(bob)
    assert await refusal(house.linking.unlink(ann, "github", ADMIN)) == "not_connected"
    assert await refusal(house.linking.make_home(ann, "github", ADMIN)) == "not_connected"
    assert [each.provider for each in Identities(database).of_hub_user(hub_key(bob))] == ["uni", "github"]
