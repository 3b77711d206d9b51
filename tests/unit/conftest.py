"""Stores for unit tests: SQLite copied from a template, PostgreSQL and MariaDB where they are installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyterhub.crypto import CryptKeeper

from harness import databases, parts
from harness.shelf import Shelf
from hubauth_core.database import Database, open_database
from hubauth_core.identities import Identities


@pytest.fixture(autouse=True)
def no_keys_of_another_test() -> Iterator[None]:
    """JupyterHub keeps its crypt keys for as long as the process lives."""
    yield
    CryptKeeper.clear_instance()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a throw-away PostgreSQL server."""
    with databases.postgresql(parts.require) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The URL of a throw-away MariaDB server."""
    with databases.mariadb(parts.require) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables; the test runs once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite'}"
    server: str = request.getfixturevalue(f"{request.param}_server")
    return databases.new_database(server)


@pytest.fixture
def any_database(empty_database: str) -> Iterator[Database]:
    """A fresh store; the test runs once for each kind of database."""
    database = open_database(empty_database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def store_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a fresh SQLite store, to be copied."""
    path = tmp_path_factory.mktemp("store") / "hubauth.sqlite"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store_file(store_template: Path, tmp_path: Path) -> Path:
    """The file of a fresh SQLite store of the test's own."""
    return Path(shutil.copy(store_template, tmp_path / "hubauth.sqlite"))


@pytest.fixture
def database(store_file: Path) -> Iterator[Database]:
    """A fresh SQLite store."""
    database = open_database(f"sqlite:///{store_file}")
    yield database
    database.close()


@pytest.fixture
def identities(database: Database) -> Identities:
    """The identities of a fresh SQLite store."""
    return Identities(database)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Plugins to install for one test."""
    return Shelf(monkeypatch)
