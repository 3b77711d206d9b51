"""The plugin's tables: made by their migration as the code knows them, on every database; the database's own word."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, inspect, text

from hubauth_core import ConfigError
from hubauth_core.database import Database, ensure
from hubauth_native.accounts import Account, Accounts, NameTaken
from hubauth_native.deletion import erase
from hubauth_native.listing import Listing, parse
from hubauth_native.schema import SCHEMA, history, links, metadata


@pytest.fixture
def store(any_database: Database) -> Database:
    """A fresh store with the plugin's tables; the test runs once for each kind of database."""
    ensure(any_database, SCHEMA)
    return any_database


def told(connection: Connection) -> dict[str, Any]:
    """What the database says of each table."""
    there, found = inspect(connection), {}
    for table in metadata.sorted_tables:
        uniques = there.get_unique_constraints(table.name)
        taken = {each["name"] for each in uniques}
        keys = there.get_foreign_keys(table.name)
        foreign = {column for key in keys for column in key["constrained_columns"]}
        indexes = [each for each in there.get_indexes(table.name) if each["name"] not in taken]
        found[table.name] = {
            "columns": {each["name"]: (repr(each["type"]), each["nullable"]) for each in there.get_columns(table.name)},
            "key": there.get_pk_constraint(table.name)["constrained_columns"],
            "unique": sorted((each["name"], each["column_names"]) for each in uniques),
            "indexes": sorted((each["name"], each["column_names"]) for each in indexes if each["name"] not in foreign),
            "foreign": sorted((key["constrained_columns"], key["referred_table"], key["options"]) for key in keys),
        }
    return found


def test_the_migration_makes_the_tables_as_the_code_knows_them(store: Database) -> None:
    migrated = store.write_now(told)

    def anew(connection: Connection) -> dict[str, Any]:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return told(connection)

    assert store.write_now(anew) == migrated
    assert all(name.startswith("hubauth_native_") for name in migrated)


def test_the_versions_are_alembics_own() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", SCHEMA.migrations)
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == SCHEMA.versions


def create(store: Database, name: str, **values: Any) -> Account:
    return store.write_now(lambda connection: Accounts(store, "local").create(connection, name, **values))


@pytest.mark.row("V09", "V21", "F19")
async def test_the_database_lets_one_have_a_name(store: Database) -> None:
    known = Accounts(store, "local")
    names = ["ann", "ANN", "аnn", "ａｎｎ"] * 2
    made = await asyncio.gather(
        *(store.write(lambda connection, name=name: known.create(connection, name)) for name in names),  # type: ignore[misc]
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in made) == ["Account"] + ["NameTaken"] * (len(names) - 1)
    accents = [create(store, name).username for name in ("andre", "andré", "straße", "strasse2")]
    assert [getattr(known.by_name(name), "username", None) for name in accents] == accents


@pytest.mark.row("V09", "V34")
def test_the_database_lets_one_have_proved_an_address(store: Database) -> None:
    create(store, "mallory", email="ann@house.org")
    create(store, "ann", email="ann@house.org", email_verified=True)
    with pytest.raises(NameTaken):
        create(store, "zoe", email="ANN@house.org", email_verified=True)


@pytest.mark.row("V15")
def test_what_belongs_to_an_account_goes_with_it(store: Database) -> None:
    ann, ben = create(store, "ann"), create(store, "ben")

    def work(connection: Connection) -> list[int]:
        known = Accounts(store, "local")
        for account in (ann, ben):
            known.note(connection, account.id, "x")
            row = {"digest": account.id, "provider": "local", "purpose": "reset", "account_id": account.id}
            more = {"email": "", "data": "{}", "uses_left": 1, "created_at": 0.0, "expires_at": 9e9, "created_by": ""}
            connection.execute(insert(links).values(**row, **more))
        house: Any = type("House", (), {"name": "local", "accounts": known})
        assert erase(connection, house, ann.id)
        return [len(connection.execute(table.select()).all()) for table in (history, links)]

    assert store.write_now(work) == [1, 1]


def test_people_are_found_whatever_the_case(store: Database) -> None:
    create(store, "ann_k", full_name="Ann O'Hara", email="Ann.OHara@Maths.example", last_sign_in_at=1.0)
    create(store, "annxk", full_name="Straße", status="inactive", inactive_until=1.0)
    listing = Listing(store, "local")
    for asked, expected in [
        ({"q": "N_K"}, ["ann_k"]),
        ({"q": "o'HARA"}, ["ann_k"]),
        ({"q": "MATHS"}, ["ann_k"]),
        ({"q": "straße"}, ["annxk"]),
        ({"q": "%"}, []),
        ({"status": "active", "sort": "-last_sign_in"}, ["ann_k", "annxk"]),
        ({"factor": "no", "admin": "no", "sort": "-name"}, ["annxk", "ann_k"]),
    ]:
        found = listing.find(parse(asked))
        assert [row.account.username for row in found.rows] == expected, asked
        assert found.total == len(expected)
    assert listing.counts() == {"pending": 0, "active": 1, "inactive": 1}


@pytest.mark.row("F23")
def test_upgrade_db_upgrades_the_tables_of_providers_too(tmp_path: Path) -> None:
    (tmp_path / "jupyterhub_config.py").write_text(
        "c.JupyterHub.authenticator_class = 'hubauth'\nc.HubAuthenticator.providers = {'local': {'type': 'native'}}\n"
    )
    command = [sys.executable, "-m", "hubauth_core.cli", "upgrade-db"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "is up to date" in done.stdout, done.stdout + done.stderr
    from hubauth_core.database import open_database

    database = open_database(f"sqlite:///{tmp_path / 'hubauth.sqlite'}")
    with database.read() as connection:
        assert inspect(connection).has_table("hubauth_native_accounts")
    database.write_now(
        lambda connection: connection.execute(text(f"UPDATE {SCHEMA.version_table} SET version_num = '9'"))
    )
    with pytest.raises(ConfigError, match="tables of hubauth-native"):
        ensure(database, SCHEMA, upgrade=True)
    database.close()
