"""Further identities of a hub user: one of each provider, never moved, and never without a way in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from harness.people import identity
from hubauth_core import HubUser, StoreError
from hubauth_core.binding import SealedRow
from hubauth_core.database import Database
from hubauth_core.errors import LinkRefused
from hubauth_core.identities import Identities, new_id
from hubauth_core.links import CONSENT_LASTS
from hubauth_core.mapping import Record, hub_key
from hubauth_core.schema import vault

ALICE = HubUser(id=1, name="alice", created=1.25)
BOB = HubUser(id=2, name="bob", created=2.5)


@pytest.fixture
def store(any_database: Database) -> Identities:
    return Identities(any_database)


async def bind(store: Identities, user: HubUser, provider: str = "uni") -> Record:
    person = identity(provider, user.name, user.name)
    return await store.bind(person, user, record_id=new_id(), pin=user.name)


async def link(
    store: Identities, user: HubUser, provider: str = "github", subject: str = "7", **more: object
) -> Record:
    record_id = str(more.pop("record_id", new_id()))
    return await store.link(identity(provider, subject, "octo"), user, record_id=record_id, pin="octo", **more)  # type: ignore[arg-type]  # passed on


def secret(record_id: str) -> SealedRow:
    return SealedRow(identity_id=record_id, purpose="credential", resource="", blob=b"x")


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(vault)).scalar_one()


def everything(record: Record) -> bool:
    return True


async def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(LinkRefused) as refused:
        await work()  # type: ignore[misc]  # awaitable
    return refused.value.code


@pytest.mark.row("M10")
async def test_a_linked_identity_is_the_hub_users_and_not_the_home_identity(store: Identities) -> None:
    await bind(store, ALICE)
    record = await link(store, ALICE)
    assert not record.home
    assert [each.provider for each in store.of_hub_user(hub_key(ALICE))] == ["uni", "github"]
    assert store.find("github", "7") == record
    assert store.pinned_subject("github", "octo") == "7"


@pytest.mark.row("F19", "M10")
async def test_an_identity_of_somebody_else_is_refused_and_stays_where_it_is(store: Identities) -> None:
    await bind(store, ALICE)
    await bind(store, BOB)
    record = await link(store, ALICE)
    assert await refusal(lambda: link(store, BOB)) == "identity_taken"
    assert await refusal(lambda: link(store, BOB, "uni", "alice")) == "identity_taken"
    assert store.find("github", "7") == record
    assert [each.subject for each in store.of_hub_user(hub_key(BOB))] == ["bob"]


@pytest.mark.row("F19")
async def test_of_two_users_who_link_one_identity_at_once_one_wins(store: Identities) -> None:
    await bind(store, ALICE)
    await bind(store, BOB)
    ends = await asyncio.gather(link(store, ALICE), link(store, BOB), return_exceptions=True)
    assert sorted(isinstance(end, Record) for end in ends) == [False, True]
    assert all(isinstance(end, Record | LinkRefused | StoreError) for end in ends)
    assert store.count() == 3


@pytest.mark.row("F19")
async def test_of_two_identities_of_one_provider_linked_at_once_one_wins(store: Identities) -> None:
    await bind(store, ALICE)
    ends = await asyncio.gather(*(link(store, ALICE, subject=str(n)) for n in range(4)), return_exceptions=True)
    assert sum(isinstance(end, Record) for end in ends) == 1
    assert len(store.of_hub_user(hub_key(ALICE))) == 2
    assert await refusal(lambda: link(store, ALICE, subject="9")) == "already_connected"


async def test_who_has_no_home_identity_gets_no_other_one(store: Identities) -> None:
    assert await refusal(lambda: link(store, ALICE)) == "no_home"


async def test_an_identity_that_is_the_users_already_is_renewed(store: Identities, any_database: Database) -> None:
    home = await bind(store, ALICE)
    record = await link(store, ALICE)
    renewed = await link(store, ALICE, record_id=record.id, sealed=[secret(record.id)])
    assert (renewed.id, renewed.created_at) == (record.id, record.created_at)
    await store.mark(home, refused=True)
    again = await link(store, ALICE, "uni", "alice", record_id=home.id)
    assert (again.home, again.username, again.refused_at) == (True, "octo", None)
    assert stored(any_database) == 1
    with pytest.raises(StoreError):
        await link(store, ALICE, record_id=new_id())


# Taken away.


@pytest.mark.row("M10", "R17")
async def test_what_is_taken_away_is_gone_with_its_credentials(store: Identities, any_database: Database) -> None:
    home, record_id = await bind(store, ALICE), new_id()
    await link(store, ALICE, record_id=record_id, sealed=[secret(record_id)])
    assert (await store.unlink(hub_key(ALICE), "github", everything)).id == record_id
    assert store.of_hub_user(hub_key(ALICE)) == [home]
    assert stored(any_database) == 0
    assert await refusal(lambda: store.unlink(hub_key(ALICE), "github", everything)) == "not_connected"


@pytest.mark.row("M10")
async def test_the_home_identity_and_the_last_way_in_stay(store: Identities) -> None:
    home = await bind(store, ALICE)
    await link(store, ALICE)
    assert await refusal(lambda: store.unlink(hub_key(ALICE), "uni", everything)) == "home_identity"
    only_github = await refusal(lambda: store.unlink(hub_key(ALICE), "github", lambda record: record.id != home.id))
    assert only_github == "last_way_in"
    assert len(store.of_hub_user(hub_key(ALICE))) == 2


@pytest.mark.row("M10", "F19")
async def test_of_the_last_two_ways_in_that_go_at_once_one_stays(store: Identities) -> None:
    home = await bind(store, ALICE)
    await link(store, ALICE, "github")
    await link(store, ALICE, "gitlab")
    works = {"github", "gitlab"}
    ends = await asyncio.gather(
        *(store.unlink(hub_key(ALICE), name, lambda record: record.provider in works) for name in works),
        return_exceptions=True,
    )
    assert sorted(isinstance(end, Record) for end in ends) == [False, True]
    assert len(store.of_hub_user(hub_key(ALICE))) == 2
    assert store.home_of(hub_key(ALICE)) == home


async def test_what_was_taken_away_may_be_linked_again_by_anybody(store: Identities) -> None:
    await bind(store, ALICE)
    await bind(store, BOB)
    await link(store, ALICE)
    await store.unlink(hub_key(ALICE), "github", everything)
    assert (await link(store, BOB)).hub_user == hub_key(BOB)


@pytest.mark.row("V15", "V39")
async def test_a_linked_identity_that_starts_anew_takes_no_name_along(store: Identities) -> None:
    """The hub user has gone, and nobody was told; its names are the home identity's to come back to."""
    await bind(store, ALICE)
    record = await link(store, ALICE)
    again = HubUser(id=3, name="github-octo", created=9.0)
    moved = await store.bind(identity("github", "7", "octo"), again, record_id=record.id, pin="octo")
    assert (moved.hub_user, moved.home) == (hub_key(again), True)
    assert store.owner_of_name("alice") == hub_key(ALICE)
    assert [each.provider for each in store.of_hub_user(hub_key(ALICE))] == ["uni"]


# The home identity.


async def test_another_identity_becomes_the_home_identity(store: Identities) -> None:
    old = await bind(store, ALICE)
    new = await link(store, ALICE)
    former, now = await store.make_home(hub_key(ALICE), "github")
    assert (former.id, now.id, now.home) == (old.id, new.id, True)
    assert [(each.provider, each.home) for each in store.of_hub_user(hub_key(ALICE))] == [
        ("github", True),
        ("uni", False),
    ]
    assert await refusal(lambda: store.make_home(hub_key(ALICE), "github")) == "home_identity"
    assert await refusal(lambda: store.make_home(hub_key(ALICE), "gitlab")) == "not_connected"


# Refused for good, until it is let in again.


async def test_when_an_identity_was_refused_is_kept_until_it_is_let_in(any_database: Database) -> None:
    now = [1000.0]
    store = Identities(any_database, clock=lambda: now[0])
    record = await bind(store, ALICE)
    await store.mark(record, refused=True)
    refused = store.find("uni", "alice")
    assert refused is not None
    assert refused.refused_at == 1000.0
    now[0] = 2000.0
    await store.mark(refused, refused=True)
    assert store.find("uni", "alice") == refused
    let_in = await store.bind(refused.identity, ALICE, record_id=record.id, pin="alice")
    assert let_in.refused_at is None


# Consents.


async def test_a_consent_is_for_one_link_of_one_provider_within_a_week(any_database: Database) -> None:
    now = [1000.0]
    store = Identities(any_database, clock=lambda: now[0])
    await bind(store, ALICE)
    await store.give_consent(hub_key(ALICE), "github", "boss")
    assert store.has_consent(hub_key(ALICE), "github")
    assert not store.has_consent(hub_key(ALICE), "gitlab")
    assert not store.has_consent((ALICE.id, 9.0), "github")
    now[0] += CONSENT_LASTS
    assert not store.has_consent(hub_key(ALICE), "github")
    await store.give_consent(hub_key(ALICE), "github", "boss")
    assert store.has_consent(hub_key(ALICE), "github")
    await link(store, ALICE)
    assert not store.has_consent(hub_key(ALICE), "github")


@pytest.mark.row("V15")
async def test_a_deleted_hub_user_leaves_no_identity_and_no_consent(store: Identities) -> None:
    await bind(store, ALICE)
    await link(store, ALICE)
    await store.give_consent(hub_key(ALICE), "gitlab", "boss")
    await store.forget(hub_key(ALICE))
    assert store.count() == 0
    assert not store.has_consent(hub_key(ALICE), "gitlab")
