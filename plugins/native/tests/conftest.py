"""Shared by the tests of this plugin: a provider that has been started, without a hub."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hubauth_core import CredentialError, Event, HubUser, LoginRefused
from hubauth_core.database import Database, ensure, open_database
from hubauth_core.schema import Schema
from hubauth_core.transaction import begin
from hubauth_core.types import Transaction
from hubauth_native import NativeProvider


class StubCore:
    """`Core` without a hub: a store of its own, and lists of what was asked of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log: Any = logging.getLogger("hubauth.test")
        self.base_url = "/hub/"
        self.public_url = "https://hub.test/hub/"
        self.has_keys = True
        self.providers: tuple[str, ...] = ("local", "other", "github", "gitlab")
        self.in_hub = True
        self.system_users = False
        self.events: list[Event] = []
        self.hub_users: dict[str, HubUser] = {}
        self.identities: dict[HubUser, list[tuple[str, str]]] = {}
        self.configured_names: set[str] = {"root"}
        self.ended: list[str] = []
        self.deleted: list[str] = []
        self.disconnected: list[tuple[str, float]] = []
        self.orphaned: list[str] = []
        self.work: list[Callable[[], Awaitable[None]]] = []

    def store(self, schema: Schema) -> Database:
        ensure(self.database, schema)
        return self.database

    def key(self, purpose: str) -> bytes:
        return purpose.encode().ljust(32, b".")[:32]

    async def seal(self, owner: str, purpose: str, content: Mapping[str, Any]) -> bytes:
        return repr((owner, purpose, dict(content))).encode()

    async def open(self, owner: str, purpose: str, blob: bytes) -> tuple[dict[str, Any], bool]:
        told = eval(blob.decode())
        if told[:2] != (owner, purpose):
            raise CredentialError("What is stored belongs to another row.", code="unreadable")
        return told[2], True

    def record(self, event: Event) -> None:
        self.events.append(event)

    def hub_user(self, subject: str) -> HubUser | None:
        return self.hub_users.get(subject)

    def subject_of(self, hub_user: HubUser) -> str | None:
        return next((subject for subject, each in self.hub_users.items() if each == hub_user), None)

    def same_person(self, provider: str, subject: str) -> list[tuple[str, str]]:
        return next((known for known in self.identities.values() if (provider, subject) in known), [])

    def identities_of(self, hub_user: HubUser) -> list[tuple[str, str]]:
        return self.identities.get(hub_user, [])

    def free_name(self, username: str) -> str:
        if username in self.configured_names:
            raise LoginRefused("This name is taken.", code="name_taken")
        return username

    async def end_access(self, subject: str, *, servers: bool = True) -> None:
        self.ended.append(subject)

    async def disconnect_since(self, subject: str, moment: float) -> None:
        self.disconnected.append((subject, moment))

    def orphans(self) -> list[str]:
        return self.orphaned

    def define_scopes(self, scopes: Mapping[str, str]) -> None:
        self.scopes = dict(scopes)

    async def delete_hub_user(self, subject: str) -> None:
        self.deleted.append(subject)

    def in_background(self, work: Callable[[], Awaitable[None]]) -> None:
        self.work.append(work)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[StubCore]:
    """What the core would lend."""
    database = open_database(f"sqlite:///{tmp_path / 'hubauth.sqlite'}")
    yield StubCore(database)
    database.close()


@pytest.fixture
def start(core: StubCore) -> Callable[..., NativeProvider]:
    """`start(option=value, ...)`: a provider `local` that has been started."""

    def start(name: str = "local", **options: Any) -> NativeProvider:
        provider = NativeProvider(name, **options)
        provider.start(core)
        return provider

    return start


@pytest.fixture
def native(start: Callable[..., NativeProvider]) -> NativeProvider:
    """A provider with its defaults."""
    return start()


@pytest.fixture
def new_transaction() -> Callable[[str], Transaction]:
    """A sign-in under way, as the hub begins it."""
    return lambda name: begin(name, redirect_uri=f"https://hub.test/hub/auth/{name}/callback", next_url="/hub/home")
