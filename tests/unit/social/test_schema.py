"""What backends keep, on every database: its own word about what there is once, and what is deleted when."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, select

from hubauth_core import HubUser, StoreError
from hubauth_core.database import Database, ensure
from hubauth_social.cleaning import BATCH, GRACE, Cleaning
from hubauth_social.schema import EXPIRING, SCHEMA, accounts, metadata
from hubauth_social.storage import SocialStorage, storage_on
from hubauth_social.store import SocialStore

ANN = HubUser(id=1, name="ann", created=1.0)


class Clock:
    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(any_database: Database) -> Database:
    """A fresh store with the plugin's tables; the test runs once for each kind of database."""
    ensure(any_database, SCHEMA)
    return any_database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SocialStore:
    return SocialStore(database, "acme", b"k" * 32, clock)


@pytest.fixture
def storage(store: SocialStore) -> type[SocialStorage]:
    return storage_on(store)


def told(connection: Connection) -> dict[str, Any]:
    """What the database says of each table."""
    there, found = inspect(connection), {}
    for table in metadata.sorted_tables:
        uniques = there.get_unique_constraints(table.name)
        taken = {each["name"] for each in uniques}
        indexes = [each for each in there.get_indexes(table.name) if each["name"] not in taken]
        found[table.name] = {
            "columns": {each["name"]: (repr(each["type"]), each["nullable"]) for each in there.get_columns(table.name)},
            "key": there.get_pk_constraint(table.name)["constrained_columns"],
            "unique": sorted((each["name"], each["column_names"]) for each in uniques),
            "indexes": sorted((each["name"], each["column_names"]) for each in indexes),
        }
    return found


def at_once(work: Callable[[], Any], times: int = 6) -> list[Any]:
    """What each of several threads comes to that begin together."""
    begin, found = threading.Barrier(times), []

    def one() -> None:
        begin.wait(10)
        try:
            found.append(work())
        except StoreError as error:
            found.append(error)

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_the_migration_makes_the_tables_as_the_code_knows_them(database: Database) -> None:
    migrated = database.write_now(told)

    def anew(connection: Connection) -> dict[str, Any]:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return told(connection)

    assert database.write_now(anew) == migrated
    assert all(name.startswith("hubauth_social_") for name in migrated)


def test_the_versions_are_alembics_own() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", SCHEMA.migrations)
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == SCHEMA.versions


@pytest.mark.row("V20", "V21", "V22", "F19")
def test_of_several_who_come_with_the_same_one_counts(storage: type[SocialStorage]) -> None:
    one, scope = [False] * 5 + [True], "social_core.oauth2.acme"
    assert sorted(map(bool, at_once(lambda: storage.nonce.use(scope, 1, "s")))) == one
    assert sorted(at_once(lambda: storage.nonce.consume(scope, 1, "s"))) == one

    made = at_once(lambda: storage.user.create_social_auth(None, "Ada", "acme", id_key="login"))
    refused = [each for each in made if isinstance(each, StoreError)]
    assert (len(made), len(refused)) == (6, 5)
    assert all(storage.is_integrity_error(each) for each in refused)

    code = storage.code.make_code("ada@house.org").code
    assert sorted(at_once(lambda: done(storage.code.get_code(code).verify))) == one

    ada = storage.user.get_social_auth("acme", "Ada")
    assert sorted(at_once(lambda: done(lambda: storage.user.migrate_social_auth(ada, "7", "id")))) == one
    assert storage.user.get_social_auth("acme", "7", "id").subject == "Ada"

    for name in ("ada", "ADA ", "\u00c1da", "A\u0301da"):
        storage.user.create_social_auth(None, name, "acme", id_key="id")
    assert storage.user.get_social_auth("acme", "ADA") is None
    assert storage.user.get_social_auth("acme", "ADA ").subject == "ADA "


def done(work: Callable[[], Any]) -> bool:
    """Whether it worked; python-social-auth's errors are ValueErrors."""
    try:
        work()
    except ValueError:
        return False
    return True


def test_what_is_kept_comes_back_as_it_was(storage: type[SocialStorage], store: SocialStore) -> None:
    shared = SimpleNamespace(handle="h", secret=bytes(range(20)), issued=10, lifetime=60, assoc_type="HMAC-SHA1")
    storage.association.store("https://op.example", shared)
    storage.association.store("https://op.example", shared)
    (found,) = storage.association.get("https://op.example")
    assert storage.association.openid_association(found).secret == bytes(range(20))
    for much in ("x" * 50_000, "é"):
        store.keep("session", "s", {"much": much})
        assert store.recall("session", "s") == {"much": much}
    ada = storage.user.create_social_auth(None, "ada", "acme")
    ada.set_extra_data({"name": "Ådå 🙂"})
    assert storage.user.get_social_auth("acme", "ada").extra_data == {"name": "Ådå 🙂"}


class House:
    """What cleaning asks the core."""

    def __init__(self) -> None:
        self.there: dict[str, HubUser] = {}
        self.gone: list[str] = []

    def hub_user(self, subject: str) -> HubUser | None:
        return self.there.get(subject)

    def orphans(self) -> list[str]:
        return self.gone


def people(store: SocialStore) -> list[str]:
    return sorted(store.read(lambda it: it.execute(select(accounts.c.subject)).scalars().all()))


async def test_rows_go_at_their_end_and_not_before(
    database: Database, storage: type[SocialStorage], store: SocialStore, clock: Clock
) -> None:
    def left() -> list[int]:
        return [len(store.read(lambda it, each=each: it.execute(select(each)).all())) for each in EXPIRING]  # type: ignore[misc]

    cleaning = Cleaning(House(), database, "acme", clock)  # type: ignore[arg-type]
    storage.nonce.use("social_core.oauth2.acme", int(clock.now), "state")
    storage.nonce.use("https://op.example", int(clock.now), "salt")
    sent = SimpleNamespace(handle="h", secret=b"s", issued=int(clock.now), lifetime=7200, assoc_type="x")
    storage.association.store("https://op.example", sent)
    storage.code.make_code("ada@house.org")
    store.keep("session", "state", {})
    began = clock.now
    for passed, expected in (
        (0, [2, 1, 1, 1]),
        (901, [1, 1, 1, 0]),
        (7201, [1, 0, 1, 0]),
        (6 * 3600 + 1, [0, 0, 1, 0]),
    ):
        clock.now = began + passed
        await cleaning.round()
        assert left() == expected, passed
    clock.now += 365 * 24 * 3600
    await cleaning.round()
    assert left() == [0, 0, 0, 0]


@pytest.mark.row("V15")
async def test_accounts_go_with_their_hub_users(
    database: Database, storage: type[SocialStorage], store: SocialStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House()
    cleaning = Cleaning(house, database, "acme", clock)  # type: ignore[arg-type]
    for name in ("ann", "ben", "never-let-in"):
        storage.user.create_social_auth(None, name, "acme", id_key="id")
    storage.user.create_social_auth(None, "ann", "other", id_key="id")
    house.there = {"ann": ANN, "ben": ANN}
    await cleaning.round()
    assert people(store) == ["ann", "ann", "ben", "never-let-in"]
    clock.now += GRACE + 1
    storage.user.create_social_auth(None, "just-now", "acme", id_key="id")
    await cleaning.round()
    assert people(store) == ["ann", "ann", "ben", "just-now"]
    await cleaning.forget(["ben"])
    assert people(store) == ["ann", "ann", "just-now"]
    del house.there["ann"]  # who has disconnected it
    await cleaning.round()
    assert people(store) == ["ann", "just-now"]
    assert storage.user.get_social_auth("other", "ann") is not None

    more = {"provider": "acme", "id_key": "id", "extra_data": "{}", "created_at": 0.0}
    rows = [{**more, "uid": str(number), "subject": str(number)} for number in range(2 * BATCH + 5)]
    store.write(lambda it: it.execute(accounts.insert(), rows))
    house.there = {str(2 * BATCH + 4): ANN}
    await cleaning.round()
    assert people(store) == [str(2 * BATCH + 4), "ann", "just-now"]

    house.gone, begun = ["just-now"], asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(cleaning, "_delete_ended", lambda connection: loop.call_soon_threadsafe(begun.set) and None)
    background = asyncio.create_task(cleaning.run())
    await begun.wait()  # the first round
    background.cancel()
    assert people(store) == [str(2 * BATCH + 4), "ann"]
