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
from hubauth_core.vault import Vault

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
