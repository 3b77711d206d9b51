"""Credentials at rest: encrypted, bound to their row, and never in the way of a sign-in."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import Connection, select, update

from harness.people import identity
from hubauth_core import Credential, HubUser, ProviderError, Secret
from hubauth_core.database import Database
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import Record
from hubauth_core.schema import identities as identities_table
from hubauth_core.schema import vault as vault_table
from hubauth_core.vault import Held, Opened, Vault

Spoil = Callable[[Connection, Record, Record], None]
KEYS = [os.urandom(32) for _ in range(2)]
CREDENTIAL = Credential(
    access_token=Secret("geheim-access"),
    refresh_token=Secret("geheim-refresh"),
    scopes=frozenset({"read", "write"}),
    expires_at=1234.5,
)


def vault_with(database: Database, *keys: bytes) -> Vault:
    return Vault(database, CryptKeeper(keys=list(keys)))


@pytest.fixture
def vault(database: Database) -> Vault:
    return vault_with(database, KEYS[0])


async def sign_in(
    store: Identities, vault: Vault, subject: str = "1", credentials: Sequence[Credential] = (CREDENTIAL,)
) -> Record:
    person, record_id = identity("uni", subject, f"ann{subject}"), new_id()
    sealed = await vault.seal(record_id, person, credentials, {"roles": ["a"], "groups": {"x"}})
    user = HubUser(id=int(subject), name=f"ann{subject}", created=1.0)
    return await store.bind(person, user, record_id=record_id, pin=user.name, sealed=sealed)


async def test_what_was_stored_comes_back(any_database: Database) -> None:
    vault = vault_with(any_database, KEYS[0])
    api = Credential(access_token=Secret("other"), id_token=Secret("id"), resource="https://api.example")
    record = await sign_in(Identities(any_database), vault, credentials=[CREDENTIAL, api])
    assert (await vault.credential(record)).content == CREDENTIAL
    assert (await vault.credential(record, "https://api.example")).content == api
    assert (await vault.state(record)).content == {"roles": ["a"], "groups": ["x"]}
    missing = await vault.credential(record, "https://elsewhere.example")
    assert (missing.content, missing.reason) == (None, "missing")


async def test_a_renewed_credential_takes_the_place_of_the_old_one(identities: Identities, vault: Vault) -> None:
    record = await sign_in(identities, vault)
    renewed = replace(CREDENTIAL, access_token=Secret("new"))
    await vault.store(await vault.seal(record.id, identity("uni", "1", "ann1"), [renewed]), now=5.0)
    assert (await vault.credential(record)).content == renewed
    assert (await vault.state(record)).content is not None


@pytest.mark.row("M13")
async def test_no_token_is_readable_in_the_file(identities: Identities, vault: Vault, store_file: Path) -> None:
    await sign_in(identities, vault)
    with sqlite3.connect(store_file) as connection:
        assert "geheim" not in "".join(connection.iterdump())


async def test_without_keys_nothing_is_stored_and_sign_in_works(identities: Identities, database: Database) -> None:
    vault = vault_with(database)
    assert not vault.enabled
    record = await sign_in(identities, vault)
    assert (await vault.credential(record)).reason == "storage_disabled"
    assert (await vault_with(database, KEYS[0]).credential(record)).reason == "missing"


@pytest.mark.row("F14")
async def test_a_lost_key_makes_rows_unusable_until_the_next_sign_in(any_database: Database) -> None:
    store = Identities(any_database)
    record = await sign_in(store, vault_with(any_database, KEYS[0]))
    lost = vault_with(any_database, KEYS[1])
    assert (await lost.credential(record)).reason == "unusable"
    assert (await lost.state(record)).reason == "unusable"
    narrower = replace(CREDENTIAL, scopes=frozenset({"read"}))  # nothing that can be read is worth keeping beside it
    sealed = await lost.seal(record.id, record.identity, [narrower])
    user = HubUser(id=1, name="ann1", created=1.0)
    await store.bind(record.identity, user, record_id=record.id, pin="ann1", sealed=sealed)
    assert (await lost.credential(record)).content == narrower


def blob_of(whose: Callable[[Record, Record], Record], purpose: str) -> Spoil:
    """Put the ciphertext of another row into the credential's."""

    def spoil(connection: Connection, own: Record, other: Record) -> None:
        there = (vault_table.c.identity_id == whose(own, other).id, vault_table.c.purpose == purpose)
        write_blob(connection, own, connection.execute(select(vault_table.c.blob).where(*there)).scalar_one())

    return spoil


def flip(connection: Connection, own: Record, other: Record) -> None:
    blob = connection.execute(select(vault_table.c.blob).where(*credential_of(own))).scalar_one()
    write_blob(connection, own, blob[:40] + bytes([blob[40] ^ 1]) + blob[41:])


def empty(connection: Connection, own: Record, other: Record) -> None:
    write_blob(connection, own, b"")


def another_subject(connection: Connection, own: Record, other: Record) -> None:
    connection.execute(update(identities_table).where(identities_table.c.id == own.id).values(subject="3"))


def write_blob(connection: Connection, own: Record, blob: bytes) -> None:
    connection.execute(update(vault_table).where(*credential_of(own)).values(blob=blob))


def credential_of(record: Record) -> tuple[Any, Any]:
    return (vault_table.c.identity_id == record.id, vault_table.c.purpose == "credential")


@pytest.mark.row("F14")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(blob_of(lambda own, other: other, "credential"), id="other-person"),
        pytest.param(blob_of(lambda own, other: own, "state"), id="other-purpose"),
        pytest.param(another_subject, id="other-subject"),
        pytest.param(flip, id="flipped-bit"),
        pytest.param(empty, id="emptied"),
    ],
)
async def test_a_row_that_was_moved_or_changed_does_not_open(any_database: Database, spoil: Spoil) -> None:
    store, vault = Identities(any_database), vault_with(any_database, *KEYS)
    record, other = await sign_in(store, vault, "1"), await sign_in(store, vault, "2")
    await any_database.write(lambda connection: spoil(connection, record, other))
    found = store.find("uni", "1") or store.find("uni", "3")
    assert found is not None
    opened = await vault.credential(found)
    assert (opened.content, opened.reason) == (None, "unusable")
    assert (await vault.credential(other)).content == CREDENTIAL


@pytest.mark.parametrize("state", [{"x": object()}, {"x": "y" * 2**20}], ids=["no-json", "too-large"])
async def test_a_state_that_cannot_be_kept_is_the_providers_fault(vault: Vault, state: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        await vault.seal(new_id(), identity("uni", "1", "ann"), state=state)


async def test_the_hubs_own_keys_are_used(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = CryptKeeper(keys=[KEYS[0]])
    monkeypatch.setattr(CryptKeeper, "_instance", keeper)
    vault = Vault(database)
    assert vault.enabled
    keeper.keys = []
    assert not vault.enabled


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


LARGE = replace(CREDENTIAL, expires_at=2000.0)
SMALL = Credential(
    access_token=Secret("small"), refresh_token=Secret("r"), scopes=frozenset({"read"}), expires_at=2000.0
)
SAME = replace(LARGE, access_token=Secret("same"), refresh_token=Secret("same"))


@pytest.mark.parametrize(
    ("before", "new", "kept"),
    [
        (LARGE, SMALL, "before"),
        (LARGE, replace(SMALL, scopes=frozenset()), "before"),
        (replace(LARGE, expires_at=None, refresh_token=None), SMALL, "before"),
        (replace(LARGE, refresh_token=None), SMALL, "before"),
        (replace(LARGE, expires_at=999.0), SMALL, "before"),
        (replace(LARGE, expires_at=999.0, refresh_token=None), SMALL, "new"),
        (SMALL, LARGE, "new"),
        (LARGE, replace(SMALL, scopes=frozenset({"other"})), "new"),
        (LARGE, replace(SMALL, scopes=frozenset({"read", "other"})), "new"),
        (LARGE, SAME, "new"),
        (LARGE, replace(SAME, refresh_token=None), "before"),
        (replace(LARGE, refresh_token=None), replace(SAME, refresh_token=None), "new"),
    ],
    ids=[
        "less",
        "nothing",
        "less-than-what-never-expires",
        "less-than-what-is-still-good",
        "less-than-what-can-be-renewed",
        "less-than-what-ran-out",
        "more",
        "something-else",
        "partly-something-else",
        "as-much",
        "as-much-but-cannot-be-renewed",
        "as-much-and-neither-can-be-renewed",
    ],
)
async def test_whoever_signs_in_for_less_keeps_what_was_granted(
    identities: Identities, database: Database, clock: Clock, before: Credential, new: Credential, kept: str
) -> None:
    vault = Vault(database, CryptKeeper(keys=[KEYS[0]]), clock)
    record = await sign_in(identities, vault, credentials=[before])
    generation = held(await vault.credential(record)).generation
    await vault.store(await vault.seal(record.id, identity("uni", "1", "ann1"), [new]), now=clock())
    opened = await vault.credential(record)
    assert opened.content == {"before": before, "new": new}[kept]
    assert (held(opened).generation == generation) is (kept == "before"), "what is kept was not touched"


@pytest.mark.parametrize("why", ["trouble", "lost-key", "moved-row"])
async def test_what_cannot_be_used_gives_way_to_less(
    identities: Identities, database: Database, clock: Clock, why: str
) -> None:
    vault = Vault(database, CryptKeeper(keys=[KEYS[0]]), clock)
    record = await sign_in(identities, vault, credentials=[LARGE])
    if why == "trouble":
        assert await vault.set_aside(record, held(await vault.credential(record)), "invalid_grant")
    if why == "lost-key":
        vault = Vault(database, CryptKeeper(keys=[KEYS[1]]), clock)
    if why == "moved-row":
        other = await sign_in(identities, vault, "2", credentials=[replace(SMALL, scopes=LARGE.scopes)])
        database.write_now(lambda connection: connection.exec_driver_sql(OVERWRITE_BY_ID, (other.id, record.id)))
    await vault.store(await vault.seal(record.id, identity("uni", "1", "ann1"), [SMALL]), now=clock())
    opened = await vault.credential(record)
    assert opened.content == SMALL
    assert (held(opened).trouble, held(opened).scopes) == ("", {"read"})


OVERWRITE_BY_ID = (
    "UPDATE hubauth_vault SET blob = (SELECT blob FROM hubauth_vault WHERE identity_id = ? AND purpose = 'credential') "
    "WHERE identity_id = ? AND purpose = 'credential'"
)


@pytest.mark.row("R14")
async def test_a_new_credential_takes_along_what_was_got_with_the_old_one_and_a_kept_one_does_not(
    any_database: Database, clock: Clock
) -> None:
    vault = Vault(any_database, CryptKeeper(keys=[KEYS[0]]), clock)
    store = Identities(any_database)
    derived = Credential(access_token=Secret("derived"), resource="kafka")
    record, other = await sign_in(store, vault, "1", [LARGE]), await sign_in(store, vault, "2", [LARGE])
    for each in (record, other):
        assert await vault.add(each, await vault.sealed(each, "kafka", derived))
    person = identity("uni", "1", "ann1")
    await vault.store(await vault.seal(record.id, person, [SMALL]), now=clock())
    assert (await vault.credential(record, "kafka")).content == derived
    await vault.store(await vault.seal(record.id, person, [SAME]), now=clock())
    assert (await vault.credential(record, "kafka")).reason == "missing"
    assert (await vault.credential(other, "kafka")).content == derived
    assert (await vault.state(record)).content is not None


async def test_what_is_renewed_leaves_what_was_got_with_it(any_database: Database) -> None:
    vault, store = vault_with(any_database, KEYS[0]), Identities(any_database)
    derived = Credential(access_token=Secret("derived"), resource="kafka")
    record = await sign_in(store, vault)
    assert await vault.add(record, await vault.sealed(record, "kafka", derived))
    before = held(await vault.credential(record))
    assert await vault.replace(record, await vault.sealed(record, "", SAME), before)
    assert (await vault.credential(record)).content == SAME
    assert (await vault.credential(record, "kafka")).content == derived
    assert not await vault.replace(record, await vault.sealed(record, "", LARGE), before), "it is another by now"
    assert (await vault.credential(record)).content == SAME


async def test_what_a_row_says_unopened_is_what_is_inside(any_database: Database) -> None:
    vault = vault_with(any_database, KEYS[0])
    scopes = frozenset(f"https://api.example/scope/{number}" for number in range(100))
    record = await sign_in(Identities(any_database), vault, credentials=[replace(LARGE, scopes=scopes)])
    said = held(await vault.credential(record))
    assert (said.scopes, said.expires_at, said.renewable, said.trouble) == (scopes, 2000.0, True, "")
    forever = replace(LARGE, expires_at=None, refresh_token=None, scopes=frozenset())
    await vault.store(await vault.seal(record.id, identity("uni", "1", "ann1"), [forever], anew=True), now=7.0)
    said = held(await vault.credential(record))
    assert (said.scopes, said.expires_at, said.renewable, said.updated_at) == (frozenset(), None, False, 7.0)


def held(opened: Opened[Credential]) -> Held:
    assert opened.held is not None
    return opened.held


async def test_what_was_opened_before_is_not_taken_for_what_is_there_now(identities: Identities, vault: Vault) -> None:
    record = await sign_in(identities, vault)
    [holding] = vault.holdings(record.hub_user)
    assert (await vault.open(holding)).content == CREDENTIAL
    renewed = replace(CREDENTIAL, access_token=Secret("new"))
    await vault.store(await vault.seal(record.id, identity("uni", "1", "ann1"), [renewed]), now=5.0)
    [holding] = vault.holdings(record.hub_user)
    assert (await vault.open(holding)).content == renewed


async def test_no_more_is_remembered_than_a_process_should(
    identities: Identities, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubauth_core.vault.MOST_RECENT", 3)
    for number in range(1, 6):
        record = await sign_in(identities, vault, subject=str(number))
        [holding] = vault.holdings(record.hub_user)
        assert (await vault.open(holding)).content == CREDENTIAL
    assert len(vault._recent) == 3
