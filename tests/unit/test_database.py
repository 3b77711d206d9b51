"""The store's own life: where it is, how it comes to be, what it does when the database does not."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, select, text

from hubauth_core import ConfigError, StoreError
from hubauth_core.database import QUEUE, Database, open_database, store_url
from hubauth_core.schema import OWN, VERSION_TABLE, VERSIONS, Schema, meta, metadata

# Where it is.


def test_the_store_is_a_file_beside_the_hubs(tmp_path: Path) -> None:
    assert store_url(None, f"sqlite:///{tmp_path}/jupyterhub.sqlite") == f"sqlite:///{tmp_path}/hubauth.sqlite"
    assert store_url(None, "sqlite:///jupyterhub.sqlite", tmp_path) == f"sqlite:///{tmp_path}/hubauth.sqlite"
    assert (
        store_url("sqlite:///own.sqlite", "sqlite:///jupyterhub.sqlite", tmp_path) == f"sqlite:///{tmp_path}/own.sqlite"
    )


@pytest.mark.parametrize("hub", ["postgresql://hub:pw@db/hub", "mysql+pymysql://hub:pw@db/hub"])
def test_the_store_is_in_the_hubs_database_where_that_has_room_for_two(hub: str) -> None:
    assert store_url(None, hub) == hub
    assert store_url("postgresql://other/db", hub) == "postgresql://other/db"


def test_a_hub_in_memory_has_a_store_of_its_own_each_time() -> None:
    one, two = store_url(None, "sqlite://"), store_url(None, "sqlite:///:memory:")
    assert one != two
    for url in (one, two):
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent)


@pytest.mark.parametrize(
    "spelling", ["jupyterhub.sqlite", "./jupyterhub.sqlite", "sub/../jupyterhub.sqlite", "link.sqlite", "hard.sqlite"]
)
@pytest.mark.parametrize("exists", [True, False])
def test_the_hubs_own_sqlite_file_is_refused_however_it_is_written(tmp_path: Path, spelling: str, exists: bool) -> None:
    hub = tmp_path / "jupyterhub.sqlite"
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.sqlite").symlink_to(hub)
    if exists or spelling == "hard.sqlite":
        hub.touch()
        (tmp_path / "hard.sqlite").hardlink_to(hub)
    with pytest.raises(ConfigError, match="the hub's own SQLite file"):
        store_url(f"sqlite:///{spelling}", f"sqlite:///{hub}", tmp_path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true"])
def test_a_store_that_would_be_lost_or_cannot_be_told_apart_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        store_url(url, "sqlite:///jupyterhub.sqlite")


def test_who_may_not_make_a_store_does_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hubauth.sqlite"
    with pytest.raises(ConfigError, match="Start the hub first"):
        open_database(url, create=False)
    open_database(url).close()
    open_database(url, create=False).close()


def test_a_session_connects_when_it_is_asked_and_fails_like_a_read(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/hubauth.sqlite")
    with database.session() as session:
        assert database._reads.pool.checkedout() == 0
        assert session.execute(select(meta.c.name)).scalars().all() == ["installed_at"]
    assert database._reads.pool.checkedout() == 0
    with pytest.raises(StoreError), database.session() as session:
        session.execute(text("SELECT * FROM nothing"))
    database.close()


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/hubauth.sqlite").close()
    with sqlite3.connect(tmp_path / "hubauth.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


# Its schema.


def test_a_fresh_store_has_every_table_as_the_code_knows_it(any_database: Database) -> None:
    with any_database.read() as connection:
        there = inspect(connection)
        for table in metadata.sorted_tables:
            assert {column["name"] for column in there.get_columns(table.name)} == {column.name for column in table.c}
            assert there.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
            indexes = {index["name"] for index in there.get_indexes(table.name)}
            assert {index.name for index in table.indexes} <= indexes
        unique = there.get_unique_constraints("hubauth_identities")
        assert ["provider", "subject"] in [each["column_names"] for each in unique]
        assert ["home_of"] in [each["column_names"] for each in unique]


def test_the_versions_are_alembics_own() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "hubauth_core:migrations")
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == VERSIONS


def test_a_store_that_is_up_to_date_opens_without_alembic(store_file: Path) -> None:
    code = (
        "import sys; from hubauth_core.database import open_database; "
        f"open_database('sqlite:///{store_file}').close(); print('alembic' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.row("F23")
def test_a_newer_schema_stops_the_start(store_file: Path) -> None:
    with sqlite3.connect(store_file) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for upgrade in (False, True):
        with pytest.raises(
            ConfigError, match="9999, which this hubauth-core does not know: it was used by a newer one"
        ):
            open_database(f"sqlite:///{store_file}", upgrade=upgrade)


@pytest.mark.row("F23")
def test_an_older_schema_stops_the_start_and_the_message_names_the_command(
    store_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubauth_core.database.OWN", replace(OWN, versions=("0001", "0002")))
    with pytest.raises(ConfigError, match="hubauth upgrade-db"):
        open_database(f"sqlite:///{store_file}")


@pytest.mark.row("F23")
def test_an_older_schema_is_migrated_where_that_is_asked_for(store_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated: list[str] = []
    monkeypatch.setattr("hubauth_core.database.OWN", replace(OWN, versions=("0001", "0002")))
    monkeypatch.setattr("hubauth_core.database._run_alembic", lambda connection, schema: migrated.append("yes"))
    open_database(f"sqlite:///{store_file}", upgrade=True).close()
    assert migrated == ["yes"]


@pytest.mark.row("F23")
def test_of_several_processes_that_migrate_at_once_one_does_and_the_others_wait(empty_database: str) -> None:
    code = (
        "import sys; from hubauth_core import database; run = database._run_alembic; migrated = []; "
        "database._run_alembic = lambda *given: (migrated.append(1), run(*given)); "
        "sys.stdin.readline(); database.open_database(sys.argv[1]).close(); print(len(migrated))"
    )
    command = [sys.executable, "-c", code, empty_database]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=90) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], ends
    assert sorted(out.strip() for out, _ in ends) == ["0", "0", "1"]


def test_a_migration_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: Connection, schema: Schema) -> None:
        connection.execute(text("CREATE TABLE hubauth_meta (name TEXT)"))
        connection.execute(text("nonsense"))

    url = f"sqlite:///{tmp_path}/hubauth.sqlite"
    with monkeypatch.context() as patched:
        patched.setattr("hubauth_core.database._run_alembic", fail)
        with pytest.raises(ConfigError):
            open_database(url)
    open_database(url).close()


def test_a_database_that_is_not_there_stops_the_start_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(ConfigError) as error:
        open_database("postgresql+psycopg://hub:geheim@127.0.0.1:1/hub")
    assert "geheim" not in error.value.sentence


@pytest.mark.parametrize("url", ["geheim", "nosuch://hub:geheim@db/hub", "postgresql+nosuch://hub:geheim@db/hub"])
def test_a_url_that_makes_no_sense_stops_the_start_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        open_database(url)
    assert "geheim" not in error.value.sentence


# What it does when the database does not.


def note(name: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.execute(insert(meta).values(name=name, value=""))

    return work


def noted(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(meta.c.name)).scalars()) - {"installed_at"}


@pytest.mark.row("F13", "F15")
async def test_a_write_is_all_or_nothing(any_database: Database) -> None:
    def half(connection: Connection) -> None:
        note("half")(connection)
        raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        await any_database.write(half)
    assert noted(any_database) == set()


@pytest.mark.row("V21", "F19")
async def test_of_two_that_write_one_key_the_second_gets_an_error(any_database: Database) -> None:
    await any_database.write(note("one"))
    with pytest.raises(StoreError):
        await any_database.write(note("one"))
    assert noted(any_database) == {"one"}


@pytest.mark.row("F13")
async def test_a_locked_database_fails_the_write_and_neither_reads_nor_the_loop_wait(
    store_file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = database_with_patience(store_file, monkeypatch)
    other = sqlite3.connect(store_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    write = asyncio.ensure_future(impatient.write(note("late")))
    await asyncio.sleep(0)
    assert noted(impatient) == set()
    assert not write.done()
    with pytest.raises(StoreError) as error:
        await write
    assert error.value.code == "store_failed"
    other.execute("ROLLBACK")
    await impatient.write(note("again"))
    assert noted(impatient) == {"again"}
    impatient.close()


def database_with_patience(store_file: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr("hubauth_core.database.WRITE_PATIENCE", 0.2)
    return open_database(f"sqlite:///{store_file}")


@pytest.mark.row("F13")
async def test_a_read_only_database_fails_the_write(database: Database) -> None:
    with pytest.raises(StoreError):
        await database.write(lambda c: (c.exec_driver_sql("PRAGMA query_only = ON"), note("x")(c)))
    assert noted(database) == set()


@pytest.mark.row("F15")
async def test_a_full_disk_fails_the_write_and_room_lets_it_recover(store_file: Path, database: Database) -> None:
    def limit(pages: str) -> Callable[[Connection], None]:
        return lambda connection: (
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}"),
            connection.execute(insert(meta).values(name="large", value="x" * 500_000)),
        )[0]

    with pytest.raises(StoreError) as error:
        await database.write(limit("1"))
    assert "full" in str(error.value.__cause__)
    assert noted(database) == set()
    await database.write(limit("100000"))
    assert noted(database) == {"large"}


@pytest.mark.row("F13")
async def test_a_database_that_vanished_fails_reads_and_writes(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/hubauth.sqlite")
    await database.write(lambda connection: connection.exec_driver_sql("DROP TABLE hubauth_meta"))
    with pytest.raises(StoreError):
        noted(database)
    with pytest.raises(StoreError):
        await database.write(note("x"))
    database.close()


@pytest.mark.row("F13")
async def test_writes_that_pile_up_fail_at_once(store_file: Path, database: Database) -> None:
    other = sqlite3.connect(store_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.ensure_future(database.write(note(str(number)))) for number in range(QUEUE)]
    await asyncio.sleep(0)
    with pytest.raises(StoreError) as error:
        await database.write(note("one too many"))
    assert error.value.code == "store_busy"
    other.execute("ROLLBACK")
    await asyncio.gather(*waiting)
    assert len(noted(database)) == QUEUE
