"""Somebody new gets what the provider's policy says; whom the administrator wrote down gets in under each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.flow import TOKENS, House, said
from harness.shelf import Shelf
from hubauth_core import Form, LoginRefused, Request, hookimpl
from hubauth_core.database import Database
from hubauth_core.first_login import CHOICE, Connectable, spoken_for
from hubauth_core.provider import Provider
from hubauth_core.signin import Admitted
from hubauth_core.transaction import begin

Make = Any


@pytest.fixture
def make(shelf: Shelf, database: Database, tmp_path: Path) -> Make:
    """`make(policy)` -> a house whose provider `uni` has that policy."""

    def house(policy: str, **more: object) -> House:
        return House(shelf, database, tmp_path / "trail", uni={"allow_all": True, "first_login": policy, **more})

    return house


async def come(house: House, subject: str, username: str) -> Any:
    """A sign-in at `uni` and its transaction; what it comes to."""
    transaction = begin("uni", redirect_uri="", next_url="")
    vars(house.registry.provider("uni"))["answer"] = said(subject, username, (TOKENS,))
    return transaction, await house.flow.finish(Request(), transaction)


async def type_name(house: House, transaction: Any, name: str) -> Any:
    return await house.flow.finish(Request(method="POST", form={CHOICE: [name]}), transaction)


def field(form: Any) -> str:
    assert isinstance(form, Form)
    [only] = form.fields
    return only.value


POLICIES = ["create", "choose", "link", "refuse"]


@pytest.mark.parametrize("policy", POLICIES)
async def test_whom_the_administrator_wrote_down_gets_in(make: Make, policy: str) -> None:
    house = make(policy)
    house.hub_users.add("listed")
    _, admitted = await come(house, "1", "listed")
    assert isinstance(admitted, Admitted)
    assert admitted.place.adopted


@pytest.mark.parametrize("policy", POLICIES)
async def test_whom_the_hub_knows_gets_in(make: Make, shelf: Shelf, policy: str) -> None:
    house = make("create")
    ann = await house.sign_in("1", "ann")
    shelf.entry_points.clear()
    _, admitted = await come(make(policy), "1", "ann-renamed")
    assert isinstance(admitted, Admitted)
    assert admitted.place.name == ann.name


@pytest.mark.row("V15")
@pytest.mark.parametrize(("policy", "code"), [("refuse", "first_login_refused"), ("link", "first_login_link")])
async def test_who_was_another_way_into_a_hub_user_that_is_gone_is_new(make: Make, policy: str, code: str) -> None:
    house = make(policy)
    house.registry.provider("github").first_login = "create"
    bob = await house.sign_in("8", "bob", provider="github")
    await house.link(bob, "1", "ann", provider="uni")
    house.hub_users.delete(bob)
    with pytest.raises(LoginRefused) as refused:
        await come(house, "1", "ann")
    assert refused.value.code == code


@pytest.mark.parametrize(("policy", "code"), [("refuse", "first_login_refused"), ("link", "first_login_link")])
@pytest.mark.parametrize("taken", [False, True])
async def test_nobody_new_gets_in_and_whether_the_name_is_free_is_not_told(
    make: Make, policy: str, code: str, taken: bool
) -> None:
    house = make(policy)
    if taken:
        house.hub_users.add("ann")
    with pytest.raises(LoginRefused) as refused:
        await come(house, "1", "ann")
    assert (refused.value.code, refused.value.subject) == (code, "1")
    assert isinstance(refused.value, Connectable) is (policy == "link")
    assert not any(house.rows().values())


async def test_a_taken_name_may_be_connected_with_what_the_sign_in_brought(make: Make) -> None:
    house = make("create")
    house.hub_users.add("ann")
    with pytest.raises(Connectable) as refused:
        await come(house, "1", "ann")
    assert refused.value.code == "name_taken"
    assert refused.value.sign_in.credentials == (TOKENS,)
    house.registry.provider("uni").linkable = False
    with pytest.raises(LoginRefused) as refused_plainly:
        await come(house, "1", "ann")
    assert not isinstance(refused_plainly.value, Connectable)


async def test_where_there_is_one_way_to_sign_in_nothing_is_offered(make: Make) -> None:
    house = make("create")
    house.hub_users.add("ann")
    del house.registry.providers["github"]
    with pytest.raises(LoginRefused) as refused:
        await come(house, "1", "ann")
    assert not isinstance(refused.value, Connectable)


async def test_a_name_that_can_be_nobodys_is_no_reason_to_connect(make: Make) -> None:
    with pytest.raises(LoginRefused) as refused:
        await come(make("create"), "1", "github-x")
    assert refused.value.code == "name_reserved_prefix"
    assert not isinstance(refused.value, Connectable)


async def test_a_name_is_chosen_and_recorded(make: Make) -> None:
    house = make("choose")
    transaction, form = await come(house, "1", "Ann")
    assert field(form) == "ann"
    admitted = await type_name(house, transaction, "Annabel")
    assert admitted.place.name == "annabel"
    await house.flow.bind(admitted, house.accept(admitted))
    _, again = await come(house, "1", "Ann")
    assert again.place.name == "annabel"


@pytest.mark.row("V38")
@pytest.mark.parametrize(
    "name", ["spoken", "SPOKEN", "listed", "sp\u043eken", "there", "github-x", "", "a/b", "x" * 300]
)
async def test_a_name_that_is_not_free_is_asked_for_again(make: Make, name: str) -> None:
    house = make("choose")
    house.hub_users.add("there")
    transaction, _ = await come(house, "1", "ann")
    form = await type_name(house, transaction, name)
    assert field(form) == name
    assert form.error
    assert (await type_name(house, transaction, "free")).place.name == "free"


async def test_nobody_picks_a_hub_user_that_could_be_adopted(make: Make) -> None:
    house = make("choose", adopt="existing")
    house.hub_users.add("elder", created=1.0)
    transaction, _ = await come(house, "1", "ann")
    assert field(await type_name(house, transaction, "elder")) == "elder"
    _, admitted = await come(house, "2", "elder")
    assert admitted.place.adopted, "whose name it is, is not kept out"


@pytest.mark.row("F19")
async def test_a_chosen_name_is_reserved(make: Make) -> None:
    house = make("choose")
    first, _ = await come(house, "1", "ann")
    second, _ = await come(house, "2", "bob")
    assert isinstance(await type_name(house, first, "nice"), Admitted)
    assert field(await type_name(house, second, "nice")) == "nice"


async def test_a_name_that_is_taken_is_no_proposal(make: Make) -> None:
    house = make("choose")
    house.hub_users.add("ann")
    _, form = await come(house, "1", "ann")
    assert field(form) == ""
    assert "taken" in form.error


async def test_a_hub_user_whose_binding_failed_is_still_the_choice_of_the_same_person(make: Make) -> None:
    house = make("choose")
    transaction, _ = await come(house, "1", "ann")
    admitted = await type_name(house, transaction, "nice")
    house.flow.accepted(admitted, house.accept(admitted))
    house.flow.mapper.release(admitted.identity, bound=False)
    other, _ = await come(house, "2", "bob")
    assert field(await type_name(house, other, "nice")) == "nice"
    again, _ = await come(house, "1", "ann")
    assert (await type_name(house, again, "nice")).place.name == "nice"


async def test_rules_are_asked_once_more_when_the_name_is_there(make: Make) -> None:
    house = make("choose")
    transaction, _ = await come(house, "1", "ann")
    house.registry.provider("uni").blocked_users = {"ann"}
    with pytest.raises(LoginRefused) as refused:
        await type_name(house, transaction, "nice")
    assert refused.value.code == "blocked"


async def test_a_way_in_that_shows_no_form_refuses(make: Make) -> None:
    assert await make("choose").refusal("1", "ann") == "step_impossible"


async def test_a_plugin_that_turns_somebody_away_is_not_overruled(make: Make, shelf: Shelf) -> None:
    @hookimpl
    def hubauth_map_identity() -> str:
        raise LoginRefused("No.", code="not_here")

    shelf.add_plugin("gate", hubauth_map_identity=hubauth_map_identity)
    with pytest.raises(LoginRefused) as refused:
        await come(make("choose"), "1", "ann")
    assert refused.value.code == "not_here"


def test_every_name_that_options_speak_of_is_spoken_for() -> None:
    uni = Provider("uni", allowed_users={"a"}, admin_users={"b"}, blocked_users={"c"}, username_map={"x": "d"})
    github = Provider("github", adopt=["github-e"], allowed_users={"f"})
    found = spoken_for({"uni": uni, "github": github}, {"uni": "", "github": "github-"})
    assert found == {"a", "b", "c", "d", "github-e", "github-f"}
    assert spoken_for({"uni": Provider("uni", adopt="existing")}, {"uni": ""}) == frozenset()
