"""What backends keep: found byte by byte, used once, unreadable in the database, and never anybody else's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from social_core.exceptions import AuthConfigurationError, AuthCredentialError
from sqlalchemy import select

from hubauth_core import StoreError
from hubauth_social.schema import associations, kept, metadata, nonces
from hubauth_social.storage import Person, storage_on
from hubauth_social.storage.once import LONGEST
from hubauth_social.store import SocialStore, TooLarge


def everything(store) -> str:
    """All that somebody reads who gets hold of the database."""
    rows = [store.read(lambda it, table=table: it.execute(select(table)).all()) for table in metadata.sorted_tables]
    return repr(rows)


@pytest.mark.row("V20", "V22")
def test_people_differ_by_every_byte_of_their_identifier(storage):
    names = ["ada", "Ada", "ada ", "straße", "strasse", "e\u0301", "\u00e9"]
    for name in names:
        storage.user.create_social_auth(None, name, "acme", id_key="id")
    assert [storage.user.get_social_auth("acme", name).subject for name in names] == names
    assert storage.user.get_social_auth("acme", "ADA") is None


def test_an_account_is_found_under_the_key_that_its_identifier_came_from(storage):
    storage.user.create_social_auth(None, "7", "acme", id_key="login")
    assert storage.user.get_social_auth("acme", "7", id_key="id") is None
    assert storage.user.get_social_auth("acme", "7", id_key="login").uid == "7"
    assert storage.user.get_social_auth("other", "7") is None


@pytest.mark.row("V21", "V22")
def test_nobody_gets_an_identifier_that_somebody_has_or_had(storage):
    ada = storage.user.create_social_auth(None, "ada", "acme", id_key="login")
    with pytest.raises(StoreError) as refused:
        storage.user.create_social_auth(None, "ada", "acme", id_key="id")
    assert storage.is_integrity_error(refused.value)
    moved = storage.user.migrate_social_auth(ada, "17", "id")
    assert (moved.uid, moved.subject) == ("17", "ada")
    with pytest.raises(StoreError):  # the name is free again at the source, and its new owner is not ada
        storage.user.create_social_auth(None, "ada", "acme", id_key="login")
    ben = storage.user.create_social_auth(None, "ben", "acme", id_key="id")
    with pytest.raises(StoreError):
        storage.user.migrate_social_auth(ben, "17", "id")


def test_an_account_moves_only_while_its_evidence_holds(storage):
    ada = storage.user.create_social_auth(None, "ada", "acme", id_key="login")
    ada.set_extra_data({"id": "17"})
    with pytest.raises(ValueError, match="evidence"):
        storage.user.migrate_social_auth(ada, "18", "id", evidence_key="id")
    assert storage.user.migrate_social_auth(ada, "17", "id", evidence_key="id").id_key == "id"
    with pytest.raises(ValueError, match="changed"):
        storage.user.migrate_social_auth(ada, "17", "id")


def test_accounts_are_found_by_what_is_kept_of_them(storage):
    for uid, owner in (("1", "x"), ("2", "y"), ("3", "y")):
        storage.user.create_social_auth(None, uid, "acme", id_key="id").set_extra_data({"owner": owner})
    find = storage.user.get_social_auth_by_extra_data
    assert find("acme", "owner", "x", "id").uid == "1"
    assert find("acme", "owner", "z", "id") is None
    with pytest.raises(ValueError, match="more than one"):
        find("acme", "owner", "y", "id")
    assert [each.uid for each in storage.user.get_social_auth_for_user(Person("1"))] == ["1"]


@pytest.mark.row("V06", "V22")
def test_no_user_is_made_or_found_here(storage):
    with pytest.raises(AuthConfigurationError):
        storage.user.create_user(username="ada", email="ada@house.org")
    assert storage.user.get_users_by_email("ada@house.org") == []
    assert not storage.user.allowed_to_disconnect(Person("1"), "acme")


@pytest.mark.row("V22", "F19")
def test_a_state_counts_once(storage):
    scope = "social_core.oauth2.acme"
    assert storage.nonce.use(scope, 1, "state")
    assert not storage.nonce.use(scope, 1, "state")
    assert not storage.nonce.consume(scope, 2, "state")
    assert not storage.nonce.consume("social_core.oauth2.other", 1, "state")
    assert storage.nonce.consume(scope, 1, "state")
    assert not storage.nonce.consume(scope, 1, "state")
    assert storage.nonce.get(scope, "state") is None


def test_an_openid_nonce_is_remembered_for_as_long_as_it_could_come_again(storage, store, clock):
    storage.nonce.use("https://op.example", int(clock.now), "salt")
    storage.nonce.use("social_core.oauth2.acme", int(clock.now), "state")
    ends = dict(store.read(lambda it: it.execute(select(nonces.c.digest, nonces.c.expires_at)).all()))
    assert sorted(end - clock.now for end in ends.values()) == [900.0, 6 * 3600.0]
    nonce = storage.nonce.get("https://op.example", "salt")
    storage.nonce.delete(nonce)
    assert storage.nonce.get("https://op.example", "salt") is None


def test_what_is_shared_with_a_server_ends_however_long_that_wants_it(storage, store, clock):
    """Anybody may run a server, and have the hub keep something."""
    shared = SimpleNamespace(handle="h", secret=b"s", issued=clock.now, lifetime=10**12, assoc_type="HMAC-SHA1")
    storage.association.store("https://op.example", shared)
    assert store.read(lambda it: it.execute(select(associations.c.expires_at)).scalar()) == clock.now + LONGEST


@pytest.mark.row("V22")
def test_what_is_shared_with_a_server_cannot_be_read(storage, store, database):
    shared = SimpleNamespace(handle="h", secret=b"shared-secret", issued=10, lifetime=60, assoc_type="HMAC-SHA1")
    storage.association.store("https://op.example", shared)
    storage.association.store("https://op.example", shared)
    (found,) = storage.association.get("https://op.example", "h")
    assert storage.association.openid_association(found).secret == b"shared-secret"
    assert storage.association.get("https://other.example") == []
    assert [each.handle for each in storage.association.get(handle="h")] == ["h"]
    assert "c2hhcmVk" not in everything(store)
    assert "op.example" not in everything(store)
    other = storage_on(SocialStore(database, "acme", b"x" * 32))
    assert other.association.get("https://op.example") == []  # the hub has another cookie secret by now
    storage.association.remove([found.id])
    assert storage.association.get("https://op.example") == []


@pytest.mark.row("F19")
def test_a_code_counts_once_and_stands_in_the_database_as_a_digest(storage, store):
    made = storage.code.make_code("ada@house.org")
    one, other = storage.code.get_code(made.code), storage.code.get_code(made.code)
    assert (one.email, one.verified, one.is_expired(60)) == ("ada@house.org", False, False)
    one.verify()
    with pytest.raises(AuthCredentialError):
        other.verify()
    assert storage.code.get_code(made.code).verified
    assert storage.code.get_code("guessed") is None
    assert made.code not in everything(store)


@pytest.mark.row("V22")
def test_an_interrupted_pipeline_is_sealed_and_ends(storage, store, clock):
    partial = storage.partial.prepare("acme", 3, {"kwargs": {"response": {"access_token": "s3cret"}}, "args": []})
    storage.partial.store(partial)
    storage.partial.store(partial)
    found = storage.partial.load(partial.token)
    assert (found.backend, found.next_step, found.kwargs["response"]) == ("acme", 3, {"access_token": "s3cret"})
    assert "s3cret" not in everything(store)
    assert partial.token not in everything(store)
    assert storage.partial.load("another") is None
    clock.now += 901
    assert storage.partial.load(partial.token) is None
    clock.now -= 901
    storage.partial.destroy(partial.token)
    assert storage.partial.load(partial.token) is None


def test_one_row_cannot_be_put_in_place_of_another(store, database):
    store.keep("partial", "mine", {"who": "me"})
    sealed = store.read(lambda it: it.execute(select(kept.c.sealed)).scalar())
    store.keep("partial", "yours", {"who": "you"})
    yours = kept.c.digest == store.digest("partial", "yours")
    store.write(lambda it: it.execute(kept.update().where(yours).values(sealed=sealed)))
    assert store.recall("partial", "yours") is None
    assert store.recall("session", "mine") is None
    assert SocialStore(database, "other", b"k" * 32).recall("partial", "mine") is None


def test_what_is_kept_has_a_size(store):
    with pytest.raises(TooLarge):
        store.keep("session", "state", {"much": "x" * 60_000})
