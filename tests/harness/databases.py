"""Throw-away PostgreSQL and MariaDB servers on a free port, for tests that need the real thing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from .parts import Require
from .ports import free_port
from .process import Child

REMEDY = "apt-get install --no-install-recommends postgresql mariadb-server; pip install 'psycopg[binary]' pymysql"


@contextlib.contextmanager
def postgresql(require: Require) -> Iterator[str]:
    """The URL of a PostgreSQL server's own database."""
    server = _program("postgres", *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    require("PostgreSQL", server, REMEDY)
    require("psycopg", _importable("psycopg"), REMEDY)
    assert server is not None
    with _directory("postgres") as directory:
        data, port = directory / "data", free_port()
        owner = _as_user("postgres")
        make = [
            *owner,
            server.with_name("initdb"),
            "-D",
            data,
            "-U",
            "hubauth",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        subprocess.run([*make, "--locale=C.UTF-8"], check=True, capture_output=True, cwd=directory)
        command = [*owner, server, "-D", data, "-p", str(port), "-k", directory, "-h", "127.0.0.1", "-F"]
        with _running(command, directory, f"postgresql+psycopg://hubauth@127.0.0.1:{port}/postgres") as url:
            yield url


@contextlib.contextmanager
def mariadb(require: Require) -> Iterator[str]:
    """The URL of a MariaDB server's own database."""
    server = _program("mariadbd", Path("/usr/sbin"))
    install = _program("mariadb-install-db")
    require("MariaDB", server and install, REMEDY)
    require("pymysql", _importable("pymysql"), REMEDY)
    assert server is not None
    assert install is not None
    with _directory("mysql") as directory:
        data, port = directory / "data", free_port()
        common = ["--no-defaults", f"--datadir={data}", *(["--user=mysql"] if os.geteuid() == 0 else [])]
        make = [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(make, check=True, capture_output=True, cwd=directory)
        listen = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={directory / 'socket'}"]
        command = [server, *common, *listen, f"--pid-file={directory / 'pid'}", "--skip-log-bin"]
        with _running(command, directory, f"mysql+pymysql://root@127.0.0.1:{port}/mysql") as url:
            yield url


def new_database(server: str) -> str:
    """The URL of an empty database on a server."""
    name = f"hubauth_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def _running(command: Sequence[str | Path], directory: Path, url: str) -> Iterator[str]:
    child = Child(command, directory, directory / "log")
    engine = create_engine(url, poolclass=NullPool)

    def answers() -> bool:
        with contextlib.suppress(SQLAlchemyError), engine.connect():
            return True
        return False

    child.start()
    try:
        child.wait_until(answers)
        yield url
    finally:
        child.stop(1)  # both would wait for clients; nothing of theirs is kept


@contextlib.contextmanager
def _directory(owner: str) -> Iterator[Path]:
    """A directory that the server may write to; servers refuse to run as root."""
    directory = Path(tempfile.mkdtemp(prefix="hubauth-test-"))
    if os.geteuid() == 0:
        shutil.chown(directory, owner, owner)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _as_user(name: str) -> list[str]:
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups"] if os.geteuid() == 0 else []


def _program(name: str, *places: Path) -> Path | None:
    found = shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")]))
    return Path(found).resolve() if found else None


def _importable(module: str) -> bool:
    with contextlib.suppress(ImportError):
        __import__(module)
        return True
    return False
