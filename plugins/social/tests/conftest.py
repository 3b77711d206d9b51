"""Shared by the tests of this plugin: tables without a hub, a source that answers over HTTP as a test wants it."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hubauth_core.database import Database, ensure, open_database
from hubauth_social.bridge import Bridge
from hubauth_social.pool import Pool
from hubauth_social.schema import SCHEMA
from hubauth_social.storage import SocialStorage, storage_on
from hubauth_social.store import SocialStore


@pytest.fixture(scope="session")
def social_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a fresh store with the plugin's tables, to be copied."""
    path = tmp_path_factory.mktemp("store") / "hubauth.sqlite"
    database = open_database(f"sqlite:///{path}")
    ensure(database, SCHEMA)
    database.close()
    return path


@pytest.fixture
def database(social_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh store."""
    opened = open_database(f"sqlite:///{shutil.copy(social_template, tmp_path / 'hubauth.sqlite')}")
    yield opened
    opened.close()


class Clock:
    """Time that a test puts forward."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SocialStore:
    """The tables of the provider `acme`."""
    return SocialStore(database, "acme", b"k" * 32, clock)


@pytest.fixture
def storage(store: SocialStore) -> type[SocialStorage]:
    """python-social-auth's storage on it."""
    return storage_on(store)


@pytest.fixture
def bridged(store: SocialStore) -> Iterator[Callable[..., Bridge]]:
    """`bridged(backend, KEY=..., ...)`: a bridge to a backend, with a pool of its own."""
    pools: list[Pool] = []

    def make(backend: Any, *, deadline: float = 10.0, threads: int = 4, queue: int = 4, **more: Any) -> Bridge:
        ours = {name: more.pop(name) for name in ("steps", "render", "public_only") if name in more}
        pools.append(Pool(threads, queue, deadline))
        return Bridge(
            backend=backend,
            name="acme",
            label="Acme",
            settings={"KEY": "key", "SECRET": "secret", **more},
            store=store,
            pool=pools[-1],
            log=logging.getLogger("hubauth.test"),
            **ours,
        )

    yield make
    for pool in pools:
        pool.close()


class Source:
    """A server that answers each connection as `answer(connection)` does, until it is closed."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.over = threading.Event()
        self.asked = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                self.asked.release()
                self._answer(connection)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # what nobody has read would take the answer along
                    pass
            except OSError:
                pass

    def close(self) -> None:
        self.over.set()
        self._listener.close()


@pytest.fixture
def source() -> Iterator[Callable[..., Source]]:
    """`source(answer)`: a server on this machine."""
    running: list[Source] = []

    def run(answer: Callable[[socket.socket], None]) -> Source:
        running.append(Source(answer))
        return running[-1]

    yield run
    for each in running:
        each.close()


def http(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """An answer as it goes over the wire."""
    told = [f"HTTP/1.1 {status}", "Content-Type: application/json", "Connection: close", *headers]
    if length:
        told.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*told, "", ""]).encode() + body
