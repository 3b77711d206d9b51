"""Before the first sign-in: do hub and store belong together, are the prefixes as they were?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from harness.known_users import KnownUsers
from harness.people import House, identity
from hubauth_core import ConfigError
from hubauth_core.database import Database
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import hub_key
from hubauth_core.names import Prefix, prefixes_of
from hubauth_core.sweep import KEEP_ORPHANS


class Years:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Years:
    return Years()


@pytest.fixture
def store(database: Database, clock: Years) -> Identities:
    return Identities(database, clock)


async def people(store: Identities, count: int) -> KnownUsers:
    """That many hub users with an identity each; user number n is called u<n>."""
    hub_users = KnownUsers()
    for number in range(count):
        user = hub_users.add(f"u{number}")
        await store.bind(identity("uni", str(number), user.name), user, record_id=new_id(), pin=user.name)
    return hub_users


def delete(hub_users: KnownUsers, count: int) -> None:
    for user in list(hub_users.everybody())[:count]:
        hub_users.delete(user)


def orphans(store: Identities, count: int) -> int:
    records = [store.find("uni", str(number)) for number in range(count)]
    return sum(record is not None and record.orphaned_at is not None for record in records)


async def test_an_identity_without_hub_user_is_marked_then_deleted_after_a_month(
    store: Identities, clock: Years
) -> None:
    hub_users = await people(store, 3)
    gone = hub_users.find("u0")
    assert gone is not None
    delete(hub_users, 1)
    store.sweep(hub_users.everybody())
    assert orphans(store, 3) == 1
    clock.now += KEEP_ORPHANS
    store.sweep(hub_users.everybody())
    assert store.count() == 3
    clock.now += 1
    store.sweep(hub_users.everybody())
    assert store.count() == 2
    assert store.owner_of_name("u0") is None
    assert not store.ever_had(hub_key(gone))


async def test_a_hub_user_who_is_back_from_a_backup_is_no_orphan_any_more(store: Identities, clock: Years) -> None:
    hub_users = await people(store, 2)
    everybody = list(hub_users.everybody())
    store.sweep(everybody[1:])
    assert orphans(store, 2) == 1
    clock.now += 2 * KEEP_ORPHANS
    store.sweep(everybody)
    assert orphans(store, 2) == 0
    assert store.count() == 2


@pytest.mark.row("V15")
async def test_a_recreated_hub_user_with_the_same_id_does_not_keep_the_identity_alive(store: Identities) -> None:
    hub_users = await people(store, 1)
    delete(hub_users, 1)
    hub_users.add("u0")
    store.sweep(hub_users.everybody())
    assert orphans(store, 1) == 1


@pytest.mark.parametrize(
    ("known", "gone", "stops"), [(20, 9, False), (20, 10, True), (1001, 10, False), (1001, 11, True)],
    ids=["nine", "ten-of-few", "ten-of-many", "over-one-percent"],
)  # fmt: skip
async def test_a_start_stops_before_it_marks_too_many(
    store: Identities, store_file: Path, known: int, gone: int, stops: bool
) -> None:
    hub_users = await many(store, store_file, known)
    delete(hub_users, gone)
    if not stops:
        store.sweep(hub_users.everybody())
        return
    with pytest.raises(ConfigError, match=f"{gone} of {known} .*`hubauth init`"):
        store.sweep(hub_users.everybody())
    assert orphans(store, known) == 0


async def many(store: Identities, store_file: Path, count: int) -> KnownUsers:
    """Like `people`, quickly."""
    hub_users = KnownUsers()
    with sqlite3.connect(store_file) as connection:
        for number in range(count):
            user = hub_users.add(f"u{number}")
            row = (
                f"{number:032x}",
                "uni",
                str(number),
                "x",
                user.id,
                repr(user.created),
                user.name,
                str(number),
                0.0,
                0.0,
            )
            connection.execute(f"INSERT INTO hubauth_identities VALUES ({'?, ' * 10} NULL, NULL, 0, '')", row)
    return hub_users


async def test_the_administrator_can_say_that_they_are_gone_on_purpose_once(
    store: Identities, store_file: Path
) -> None:
    hub_users = await many(store, store_file, 40)
    delete(hub_users, 20)
    store.tell()
    store.sweep(hub_users.everybody())
    assert orphans(store, 40) == 20
    delete(hub_users, 20)
    with pytest.raises(ConfigError):
        store.sweep(hub_users.everybody())


async def test_an_empty_store_beside_an_old_hub_stops_the_start_until_somebody_says_that_this_is_right(
    store: Identities,
) -> None:
    hub_users = KnownUsers()
    hub_users.add("old", created=store.installed_at - 1)
    with pytest.raises(ConfigError, match="`hubauth init`"):
        store.sweep(hub_users.everybody())
    store.tell()
    store.sweep(hub_users.everybody())
    store.sweep(hub_users.everybody())


async def test_a_fresh_hub_starts_although_it_makes_users_for_the_configured_names(store: Identities) -> None:
    hub_users = KnownUsers()
    hub_users.add("admin", created=store.installed_at + 0.1)
    store.sweep(hub_users.everybody())
    assert store.count() == 0


async def test_a_store_that_everybody_left_starts(store: Identities) -> None:
    store.sweep([])
    hub_users = await people(store, 1)
    await store.forget(hub_key(next(iter(hub_users.everybody()))))
    hub_users.add("old", created=1)
    store.sweep(hub_users.everybody())
    assert store.count() == 0


# Prefixes.


def test_prefixes_in_force_are_recorded_and_those_of_providers_that_left_stay(store: Identities) -> None:
    assert store.record_prefixes(prefixes_of({"uni": "", "github": None})) == {"uni": "", "github": "github-"}
    assert store.record_prefixes(prefixes_of({"uni": ""})) == {"uni": "", "github": "github-"}


@pytest.mark.row("V39")
def test_a_second_provider_does_not_change_the_first_ones_names_silently(store: Identities) -> None:
    store.record_prefixes(prefixes_of({"uni": None}))
    with pytest.raises(ConfigError) as error:
        store.record_prefixes(prefixes_of({"uni": None, "github": None}))
    assert "'uni'" in error.value.sentence
    assert '"username_prefix": ""' in error.value.sentence
    assert store.record_prefixes({}) == {"uni": ""}
    assert store.record_prefixes(prefixes_of({"uni": "", "github": None})) == {"uni": "", "github": "github-"}


@pytest.mark.row("V39")
def test_going_back_to_one_provider_does_not_change_its_names_silently(store: Identities) -> None:
    store.record_prefixes(prefixes_of({"uni": "", "github": None}))
    with pytest.raises(ConfigError, match='"username_prefix": "github-"'):
        store.record_prefixes(prefixes_of({"github": None}))


async def test_a_prefix_that_was_written_out_counts_from_now_on_and_old_names_stay(store: Identities) -> None:
    store.record_prefixes({"github": Prefix("github-", explicit=False)})
    house = House(store, {"uni": "", "github": None})
    old = await house.sign_in("github", "1", "ann")
    assert store.record_prefixes(prefixes_of({"uni": "", "github": "gh-"})) == {"uni": "", "github": "gh-"}
    later = House(store, {"uni": "", "github": "gh-"}, hub_users=house.hub_users)
    assert await later.sign_in("github", "1", "ann") == old
    assert (await later.sign_in("github", "2", "bob")).name == "gh-bob"
