"""Whom a sign-in reaches: names, collisions, adoption, recreated users."""

from __future__ import annotations

import pytest

from harness.people import House, identity
from hubauth_core import HubUser, LoginRefused, ProviderError
from hubauth_core.identities import Identities, new_id

SEVERAL = {"uni": "", "github": "github-", "gitlab": "gitlab-"}


@pytest.fixture
def house(identities: Identities) -> House:
    return House(identities, SEVERAL)


def refusal(house: House, provider: str, subject: str, username: str) -> str:
    with pytest.raises(LoginRefused) as refused:
        house.finish(provider, subject, username)
    return refused.value.code


async def test_a_name_is_prefix_and_username_in_the_hubs_spelling(house: House) -> None:
    assert (await house.sign_in("uni", "1", "Alice")).name == "alice"
    assert (await house.sign_in("github", "1", "Alice")).name == "github-alice"


@pytest.mark.row("B4", "V39")
async def test_the_same_subject_and_username_at_two_providers_are_two_people(house: House) -> None:
    first = await house.sign_in("uni", "1", "alice")
    second = await house.sign_in("github", "1", "alice")
    assert first.id != second.id


@pytest.mark.row("V36")
async def test_who_is_renamed_at_the_provider_keeps_the_hub_user_and_a_stranger_with_the_old_name_gets_none(
    house: House,
) -> None:
    alice = await house.sign_in("github", "7", "alice")
    assert await house.sign_in("github", "7", "alicia") == alice
    assert refusal(house, "github", "8", "alice") == "name_taken"
    assert await house.sign_in("github", "7", "zoe") == alice


@pytest.mark.row("V36")
async def test_a_rename_in_the_hub_is_followed_and_frees_the_old_name_for_nobody(house: House) -> None:
    alice = house.hub_users.rename(await house.sign_in("uni", "1", "alice"), "alicia")
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    assert await house.sign_in("uni", "1", "alice") == alice
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    assert refusal(house, "uni", "3", "alicia") == "name_taken"


@pytest.mark.row("V38")
@pytest.mark.parametrize("lookalike", ["Alice", "ａlice", "аlice", "alıce"])
async def test_a_lookalike_of_a_taken_name_is_taken(house: House, lookalike: str) -> None:
    await house.sign_in("uni", "1", "alice")
    assert refusal(house, "uni", "2", lookalike) == "name_taken"


@pytest.mark.row("V38")
async def test_a_lookalike_of_a_hub_user_without_identity_is_taken(house: House) -> None:
    house.hub_users.add("admin")
    assert refusal(house, "uni", "2", "аdmin") == "name_taken"


@pytest.mark.row("V38")
async def test_lookalikes_outside_ascii_share_one_name_too(house: House) -> None:
    await house.sign_in("uni", "1", "рое")
    assert refusal(house, "uni", "2", "poe") == "name_taken"


@pytest.mark.row("V39")
@pytest.mark.parametrize("username", ["github-bob", "GitHub-bob", "ｇithub-bob", "gіthub-bob", "gitlab-"])
async def test_the_unprefixed_provider_cannot_make_names_of_another_one(house: House, username: str) -> None:
    assert refusal(house, "uni", "1", username) == "name_reserved_prefix"


@pytest.mark.row("V39")
async def test_a_map_or_a_plugin_cannot_make_names_of_another_provider_either(identities: Identities) -> None:
    house = House(
        identities,
        SEVERAL,
        username_map={"eve": "github-eve"},
        options={"uni": {"username_map": {"sam": "gitlab-sam"}}},
    )
    assert refusal(house, "uni", "1", "eve") == "name_reserved_prefix"
    assert refusal(house, "uni", "2", "sam") == "name_reserved_prefix"
    with pytest.raises(LoginRefused):
        house.place("uni", "3", "joe", chosen="github-joe")


async def test_prefixes_of_providers_out_of_service_stay_closed(identities: Identities) -> None:
    house = House(identities, {"uni": "", "old": "old-"})
    del house.providers["old"]
    assert refusal(house, "uni", "1", "old-bob") == "name_reserved_prefix"


async def test_the_providers_map_comes_before_the_prefix_and_the_hubs_map_after_it(identities: Identities) -> None:
    options = {"github": {"username_map": {"Bob": "robert"}}}
    house = House(identities, SEVERAL, options=options, username_map={"github-robert": "boss", "boss": "nobody"})
    assert house.place("github", "1", "bob").name == "boss"
    assert house.place("github", "2", "robert").name == "boss"
    assert house.place("github", "3", "carl").name == "github-carl"


async def test_a_name_that_a_plugin_chose_gets_the_prefix_and_the_checks(house: House) -> None:
    assert house.place("github", "1", "bob", chosen="Robert").name == "github-robert"
    with pytest.raises(LoginRefused):
        house.place("github", "1", "bob", chosen="a/b")
    bob = await house.sign_in("github", "1", "bob")
    assert house.place("github", "1", "bob", chosen="robert").hub_user == bob


async def test_what_the_hub_does_not_accept_is_refused(identities: Identities) -> None:
    house = House(identities, SEVERAL, validate_username=lambda name: name != "root")
    assert refusal(house, "uni", "1", "root") == "name_invalid"


@pytest.mark.parametrize("subject", ["", "x" * 513, "a\0b", "\ud800"])
async def test_a_subject_that_cannot_be_kept_exactly_is_the_providers_fault(house: House, subject: str) -> None:
    with pytest.raises(ProviderError) as error:
        house.place("uni", subject, "alice")
    assert error.value.code == "subject_invalid"


# Adoption.


@pytest.mark.row("V14", "V38")
async def test_a_name_that_is_too_long_once_it_is_folded_is_refused(house: House) -> None:
    assert (await house.sign_in("uni", "1", "ß" * 127)).name == "ß" * 127
    assert refusal(house, "uni", "2", "ß" * 128) == "name_invalid"


async def test_a_hub_user_without_identity_is_nobodys(house: House) -> None:
    house.hub_users.add("alice", created=1)
    assert refusal(house, "uni", "1", "alice") == "name_taken"


async def test_names_that_the_administrator_wrote_hub_wide_are_adopted_by_the_provider_they_lead_to(
    identities: Identities,
) -> None:
    house = House(identities, SEVERAL, listed=["Alice", "github-bob"])
    alice, bob = house.hub_users.add("alice", admin=True), house.hub_users.add("github-bob")
    assert refusal(house, "uni", "1", "github-bob") == "name_reserved_prefix"
    assert house.place("uni", "1", "alice").adopted
    assert await house.sign_in("uni", "1", "alice") == alice
    assert await house.sign_in("github", "1", "bob") == bob
    assert refusal(house, "github", "2", "bob") == "name_taken"


@pytest.mark.row("V38")
@pytest.mark.parametrize("username", ["ａlice", "aliｃe", "ａｌｉｃｅ"])
async def test_a_lookalike_adopts_nobody(identities: Identities, username: str) -> None:
    house = House(identities, SEVERAL, listed=["alice"], options={"uni": {"adopt": ["alice"]}})
    alice = house.hub_users.add("alice", admin=True)
    assert refusal(house, "uni", "666", username) == "name_taken"
    assert await house.sign_in("uni", "1", "Alice") == alice


async def test_a_listed_name_without_the_prefix_is_not_adopted_by_way_of_the_hub_wide_map(
    identities: Identities,
) -> None:
    house = House(identities, SEVERAL, listed=["boss"], username_map={"github-bob": "boss"})
    house.hub_users.add("boss", admin=True)
    assert refusal(house, "github", "1", "bob") == "name_taken"


@pytest.mark.row("V36")
async def test_an_adopted_name_counts_for_the_first_subject_that_used_it(identities: Identities) -> None:
    house = House(identities, SEVERAL, listed=["alice"])
    alice = await house.sign_in("uni", "1", "alice")
    await house.delete(alice)
    house.hub_users.add("alice")
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    assert (await house.sign_in("uni", "1", "alice")).created > alice.created


async def test_a_list_in_adopt_counts_for_any_provider(identities: Identities) -> None:
    house = House(identities, SEVERAL, options={"github": {"adopt": ["github-bob"]}})
    bob = house.hub_users.add("github-bob", admin=True)
    assert await house.sign_in("github", "1", "bob") == bob
    house.hub_users.add("github-eve")
    assert refusal(house, "github", "2", "eve") == "name_taken"


async def test_existing_adopts_plain_users_from_before_hubauth(identities: Identities) -> None:
    house = House(identities, SEVERAL, options={"uni": {"adopt": "existing"}})
    before, after = identities.installed_at - 1, identities.installed_at
    plain = house.hub_users.add("plain", created=before, roles=["user"])
    house.hub_users.add("boss", created=before, admin=True)
    house.hub_users.add("reader", created=before, roles=["user", "metrics"])
    house.hub_users.add("newer", created=after)
    assert await house.sign_in("uni", "1", "plain") == plain
    for number, name in enumerate(["boss", "reader", "newer"]):
        assert refusal(house, "uni", f"2{number}", name) == "name_taken"


async def test_who_ever_had_an_identity_is_never_adopted(identities: Identities) -> None:
    house = House(identities, SEVERAL, listed=["alice"], options={"uni": {"adopt": ["alice"]}})
    alice = await house.sign_in("uni", "1", "alice")
    await identities.forget((alice.id, alice.created))
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    assert refusal(house, "uni", "1", "alice") == "name_taken"


# Deleted and recreated users.


@pytest.mark.row("V15")
async def test_a_recreated_hub_user_of_the_same_name_and_id_inherits_nothing(house: House) -> None:
    alice = await house.sign_in("uni", "1", "alice")
    house.hub_users.delete(alice)
    again = house.hub_users.add("alice")
    assert again.id == alice.id
    assert refusal(house, "uni", "1", "alice") == "name_taken"
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    assert house.identities.of_hub_user((again.id, again.created)) == []


@pytest.mark.row("V15")
async def test_who_was_deleted_may_come_back_as_a_new_hub_user(house: House) -> None:
    alice = await house.sign_in("uni", "1", "alice")
    house.hub_users.delete(alice)
    back = await house.sign_in("uni", "1", "someone-else-now")
    assert (back.name, back.created > alice.created) == ("alice", True)
    record = house.identities.find("uni", "1")
    assert record is not None
    assert record.hub_user == (back.id, back.created)


@pytest.mark.row("V15")
async def test_the_name_of_somebody_who_vanished_is_kept_for_them_until_they_are_forgotten(house: House) -> None:
    alice = await house.sign_in("uni", "1", "alice")
    house.hub_users.delete(alice)
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    await house.identities.forget((alice.id, alice.created))
    assert (await house.sign_in("uni", "2", "alice")).created > alice.created


@pytest.mark.row("V15", "V39")
async def test_an_identity_that_was_linked_to_somebody_who_vanished_starts_under_a_name_of_its_own(
    house: House,
) -> None:
    alice = await house.sign_in("uni", "1", "alice")
    linked = identity("github", "7", "octo")
    record = await house.identities.link(linked, alice, record_id=new_id(), pin="octo")
    assert house.place("github", "7", "octo").linked == record
    house.hub_users.delete(alice)
    place = house.place("github", "7", "octo")
    assert (place.name, place.linked) == ("github-octo", None)
    assert (await house.sign_in("github", "7", "octo")).name == "github-octo"
    assert (await house.sign_in("uni", "1", "alice")).name == "alice"


# Two at once, and sign-ins that fail on the way.


@pytest.mark.row("F19")
async def test_of_two_first_sign_ins_to_one_name_the_second_is_refused(house: House) -> None:
    house.finish("uni", "1", "alice")
    assert refusal(house, "uni", "2", "Alice") == "name_taken"
    house.finish("uni", "1", "alice")
    house.mapper.release(identity("uni", "1", "alice"))
    house.finish("uni", "2", "alice")


async def test_a_reserved_name_is_free_again_after_a_while(identities: Identities) -> None:
    now = [0.0]
    house = House(identities, SEVERAL, clock=lambda: now[0], patience=10)
    house.finish("uni", "1", "alice")
    now[0] = 10.0
    house.finish("uni", "2", "alice")


@pytest.mark.row("F13")
async def test_after_a_failed_bind_the_same_person_may_try_again_and_nobody_else(house: House) -> None:
    place = house.finish("uni", "1", "alice")
    user = house.accept("uni", "1", "alice", place)
    house.mapper.release(identity("uni", "1", "alice"), bound=False)
    assert refusal(house, "uni", "2", "alice") == "name_taken"
    assert await house.sign_in("uni", "1", "alice") == user


async def test_a_hub_user_that_an_administrator_made_meanwhile_is_not_taken_for_the_unfinished_one(
    house: House,
) -> None:
    place = house.finish("uni", "1", "alice")
    user: HubUser = house.accept("uni", "1", "alice", place)
    house.mapper.release(identity("uni", "1", "alice"), bound=False)
    house.hub_users.delete(user)
    house.hub_users.add("alice")
    assert refusal(house, "uni", "1", "alice") == "name_taken"
