"""hubauth's own database: engine, reads on the event loop, writes off it, schema version.

Never the hub's own SQLite file: it must not have a second writer. Alembic is imported only when the schema changes,
because every hub start passes here.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    column,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from .errors import ConfigError, StoreError
from .schema import MYSQL_FAMILY, OWN, Schema, meta

Answer = TypeVar("Answer")

READ_PATIENCE = 0.25
"""Seconds for which a read on the event loop waits for a lock of SQLite."""
WRITE_PATIENCE = 5.0
"""Seconds for which a write, in its own thread, waits for a lock, or for a server to answer."""
MIGRATION_PATIENCE = 120
"""Seconds for which a start waits while another process migrates."""
QUEUE = 200
"""Writes that may wait for a thread; beyond it they fail at once."""

NOT_YET = "There is no database of hubauth yet. Start the hub first: it makes one."

FAILURES = (SQLAlchemyError, UnicodeError)
"""What a database, or its driver, raises when it does not do what was asked."""

_LOCK = 0x68756261757468
"""Key of PostgreSQL's advisory lock: "hubauth"."""


class Database:
    """An open store at the schema that this code needs. `open_database` makes one."""

    def __init__(self, url: URL, engine_options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self.engine_options = options = dict(engine_options or {})
        self._reads = _engine(url, options, READ_PATIENCE, isolation_level="AUTOCOMMIT")
        self._writes = _engine(url, options, WRITE_PATIENCE)
        self._threads = ThreadPoolExecutor(1 if _is_sqlite(url) else 4, thread_name_prefix="hubauth-store")
        self._waiting = 0

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for short, indexed reads. What the database does not do becomes StoreError."""
        try:
            with self._reads.connect() as connection:
                yield connection
        except FAILURES as error:
            raise _store_error() from error

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """An ORM session for the same; it connects when it is first asked."""
        try:
            with Session(self._reads) as session:
                yield session
        except FAILURES as error:
            raise _store_error() from error

    async def write(self, work: Callable[[Connection], Answer]) -> Answer:
        """`work(connection)` in one transaction, in a thread: all of it or nothing. Raises StoreError."""
        if self._waiting >= QUEUE:
            raise StoreError("The database of this hub is too slow at the moment; try again.", code="store_busy")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self.write_now, work)
        future.add_done_callback(self._done)
        return await future

    def write_now(self, work: Callable[[Connection], Answer]) -> Answer:
        """The same in this thread: for start-up and commands, where nothing else waits."""
        try:
            with self._writes.begin() as connection:
                return work(connection)
        except FAILURES as error:
            raise _store_error() from error

    def close(self) -> None:
        """Finish the writes under way and close every connection."""
        self._threads.shutdown(wait=True)
        self._reads.dispose()
        self._writes.dispose()

    def _done(self, _: object) -> None:
        self._waiting -= 1


def open_database(
    url: str, *, upgrade: bool = False, create: bool = True, engine_options: Mapping[str, Any] | None = None
) -> Database:
    """Open the store; a fresh one is created at once, if `create`. `engine_options` as for `create_engine`.

    Raises ConfigError if the schema is newer than this code, or older and not to be upgraded (row F23).
    """
    parsed = _parsed(url)
    if _is_sqlite(parsed):
        if not create and not Path(str(parsed.database)).is_file():
            raise ConfigError(NOT_YET)
        _private_file(parsed)
    try:
        database = Database(parsed, engine_options)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(f"db_url of hubauth needs a driver that is not installed: {error}") from error
    try:
        with database.read() as connection:
            version = _version(connection, OWN)
        if version is None and not create:
            raise ConfigError(NOT_YET)
        if version != OWN.versions[-1]:
            _migrate(database, OWN, upgrade)
    except StoreError as error:
        database.close()
        shown = parsed.render_as_string(hide_password=True)
        raise ConfigError(f"The database {shown} of hubauth cannot be opened: {error.__cause__}") from error
    except ConfigError:
        database.close()
        raise
    return database


def ensure(database: Database, schema: Schema, *, upgrade: bool = False) -> None:
    """Have further tables in the store: made if there are none, upgraded if asked. Raises ConfigError, StoreError."""
    with database.read() as connection:
        version = _version(connection, schema)
    if version != schema.versions[-1]:
        _migrate(database, schema, upgrade)


def store_url(configured: str | None, hub_db_url: str, directory: Path | None = None) -> str:
    """Where the store is: `configured`, or the hub's own PostgreSQL or MySQL, or a file beside the hub's SQLite file.

    Relative paths start at `directory` (default: the working directory). Raises ConfigError for the hub's own file.
    """
    base = Path.cwd() if directory is None else directory
    hub = _parse(hub_db_url)
    hub_file = _file(hub, base) if _is_sqlite(hub) else None
    if configured:
        url = _parsed(configured)
        if not _is_sqlite(url):
            return configured
        return _own_file(_file(url, base), hub_file)
    if not _is_sqlite(hub):
        return hub_db_url
    if hub_file is None:
        return _sqlite_url(Path(tempfile.mkdtemp(prefix="hubauth-")) / "hubauth.sqlite")
    return _own_file(hub_file.with_name("hubauth.sqlite"), hub_file)


def _parsed(url: str) -> URL:
    """Raises ConfigError for what is no address; it does not repeat it, because there may be a password in it."""
    try:
        return make_url(url)
    except ArgumentError:
        raise ConfigError(
            'db_url of hubauth is not the address of a database; write it as "sqlite:////srv/hub/hubauth.sqlite" or '
            '"postgresql+psycopg://user:password@host/name".'
        ) from None


def _parse(url: str) -> URL:
    """Raises ConfigError, which does not show the URL: it may hold a password."""
    try:
        return make_url(url)
    except SQLAlchemyError as error:
        raise ConfigError("The database URL of hubauth, or of the hub, is not one that SQLAlchemy knows.") from error


def _own_file(path: Path | None, hub_file: Path | None) -> str:
    if path is None:
        raise ConfigError("db_url of hubauth must name a file: a store in memory would lose every identity.")
    if hub_file is not None and _same_file(path, hub_file):
        raise ConfigError(
            f"db_url of hubauth names the hub's own SQLite file {hub_file}, which cannot have a second writer; "
            "give it a file of its own, or leave db_url out."
        )
    return _sqlite_url(path)


def _same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _file(url: URL, base: Path) -> Path | None:
    """The file of a SQLite URL, None for one in memory. Raises ConfigError for SQLite's own `file:` URIs."""
    name = url.database or ""
    if name.startswith("file:"):
        raise ConfigError(f"Write the path itself in place of {name!r} in the SQLite database URL.")
    return None if name in ("", ":memory:") else base / name


def _sqlite_url(path: Path) -> str:
    return URL.create("sqlite", database=str(path.absolute())).render_as_string()


def _private_file(url: URL) -> None:
    """Create the file so that nobody else can read it; SQLite gives its side files the same mode."""
    with contextlib.suppress(FileExistsError, OSError):
        os.close(os.open(str(url.database), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _engine(url: URL, options: dict[str, Any], patience: float, **more: Any) -> Engine:
    if _is_sqlite(url):
        engine = create_engine(url, connect_args={"timeout": patience, "check_same_thread": False}, **more)
        event.listen(engine, "connect", _prepare_sqlite)
        if "isolation_level" not in more:
            event.listen(engine, "begin", _begin_sqlite)
        return engine
    connect = _server_patience(url, patience) | options.get("connect_args", {})
    return create_engine(
        url, **{"pool_pre_ping": True, "pool_timeout": patience, **options, "connect_args": connect, **more}
    )


def _server_patience(url: URL, patience: float) -> dict[str, Any]:
    """A server that hangs must not hold the hub: limits for the drivers whose options are known."""
    seconds = max(2, int(patience))
    if url.get_driver_name() in ("psycopg", "psycopg2"):
        return {"connect_timeout": seconds, "options": f"-c statement_timeout={seconds * 1000}"}
    if url.get_driver_name() == "pymysql":
        return {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
    return {}


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, below
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not wait for it later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _store_error() -> StoreError:
    """One sentence for whoever signs in; what the database said is chained to it, for the log."""
    return StoreError("The hub could not record this; try again in a moment.", code="store_failed")


def _version(connection: Connection, schema: Schema) -> str | None:
    """The recorded version of a schema, None for a store without one."""
    if not inspect(connection).has_table(schema.version_table):
        return None
    version: str | None = connection.execute(
        select(column("version_num")).select_from(table(schema.version_table))
    ).scalar()
    return version


def _migrate(database: Database, schema: Schema, upgrade: bool) -> None:
    """Create or upgrade the schema, one process at a time; whoever waited finds it done."""
    engine = _engine(database.url, database.engine_options, MIGRATION_PATIENCE)
    try:
        with engine.connect() as connection, _alone(connection):
            version = _version(connection, schema)
            if version == schema.versions[-1]:
                return
            _refuse(version, schema, upgrade)
            _run_alembic(connection, schema)
            if version is None and schema is OWN:
                connection.execute(insert(meta).values(name="installed_at", value=repr(float(int(time.time())))))
            # Before the lock is given back: whoever waits for it must see the new version.
            connection.commit()
    except FAILURES as error:
        raise _store_error() from error
    finally:
        engine.dispose()


def _refuse(version: str | None, schema: Schema, upgrade: bool) -> None:
    if version is None or (version in schema.versions and upgrade):
        return
    distribution, whose = schema.distribution, "" if schema is OWN else f" (tables of {schema.distribution})"
    if version in schema.versions:
        raise ConfigError(
            f"The database of hubauth{whose} has version {version}, this {distribution} needs {schema.versions[-1]}: "
            "stop the hub, back the database up, and run `hubauth upgrade-db`."
        )
    raise ConfigError(
        f"The database of hubauth{whose} has version {version}, which this {distribution} does not know: it was used "
        f"by a newer one. Install that version of {distribution}, or go back to a backup of the database."
    )


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold the database's own lock for migrations; on SQLite the transaction itself is the lock."""
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if backend not in MYSQL_FAMILY:
        yield
        return
    wait = {"name": "hubauth", "seconds": MIGRATION_PATIENCE}
    if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), wait).scalar() != 1:
        raise ConfigError("Another process has been migrating the database of hubauth for too long.")
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": "hubauth"})


def _run_alembic(connection: Connection, schema: Schema) -> None:
    command = importlib.import_module("alembic.command")
    config = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", schema.migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def installed_at(connection: Connection) -> float:
    """When the store was created, in whole Unix seconds."""
    return float(connection.execute(select(meta.c.value).where(meta.c.name == "installed_at")).scalar_one())
