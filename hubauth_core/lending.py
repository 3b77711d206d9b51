"""`Core` for one provider, put together from the rooms behind it and the running hub."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jupyterhub import orm
from jupyterhub.scopes import define_custom_scopes, scope_definitions
from jupyterhub.utils import url_path_join

from . import ending
from .core import Work
from .database import Database, ensure
from .errors import ConfigError
from .events import Audit
from .hub import hub_user, needs_system_users
from .identities import Identities
from .mapping import HubKey, Mapper, hub_key
from .provider import Provider
from .schema import Schema
from .sealing import Owner, Sealing
from .types import Event, HubUser, Identity

NOBODY: Final = "nobody"
"""The subject of somebody who has no account yet."""

PAUSE: Final = 5.0
"""Seconds after which background work that has failed begins again."""


class Lending:
    """What every provider is lent; `to` makes one provider's view of it.

    `app` is the hub. Whoever works in the background does so from `run` on.
    """

    def __init__(
        self,
        app: Any,
        *,
        database: Database,
        identities: Identities,
        mapper: Mapper,
        audit: Audit,
        upgrade: bool,
        providers: Collection[str] = (),
    ) -> None:
        self.app = app
        self.database = database
        self.identities = identities
        self.mapper = mapper
        self.audit = audit
        self.upgrade = upgrade
        self.providers = providers
        self.sealing = Sealing()
        self.work: list[Work] = []

    def to(self, provider: Provider) -> Lent:
        """The core as a provider sees it."""
        return Lent(self, provider)

    async def run(self) -> None:
        """Do the background work of all providers; what fails is logged and begins again."""
        await asyncio.gather(*(self._keep_on(each) for each in self.work))

    async def _keep_on(self, work: Work) -> None:
        while True:
            try:
                return await work()
            except Exception:
                self.app.log.exception("hubauth: background work of a provider failed, and begins again")
                await asyncio.sleep(PAUSE)


class Lent:
    """`Core` for one provider."""

    in_hub: bool = True

    def __init__(self, lending: Lending, provider: Provider) -> None:
        app = lending.app
        self._lending = lending
        self._provider = provider
        self.log: logging.Logger | logging.LoggerAdapter[Any] = provider.log
        self.base_url: str = url_path_join(app.base_url, "hub/")
        public = urlsplit(app.public_url)
        self.public_url: str = f"{public.scheme}://{public.netloc}{self.base_url}" if public.netloc else ""
        self.has_keys: bool = lending.sealing.enabled
        self.providers: Collection[str] = lending.providers

    @property
    def system_users(self) -> bool:
        return needs_system_users(self._lending.app.spawner_class, self._lending.app.config)

    def store(self, schema: Schema) -> Database:
        ensure(self._lending.database, schema, upgrade=self._lending.upgrade)
        return self._lending.database

    def key(self, purpose: str) -> bytes:
        info = f"hubauth provider {self._provider.name} {purpose}".encode()
        return HKDF(SHA256(), length=32, salt=None, info=info).derive(self._lending.app.cookie_secret)

    async def seal(self, owner: str, purpose: str, content: Mapping[str, Any]) -> bytes:
        return await self._lending.sealing.seal(self._owner(owner, purpose), content)

    async def open(self, owner: str, purpose: str, blob: bytes) -> tuple[dict[str, Any], bool]:
        opened = await self._lending.sealing.open(self._owner(owner, purpose), blob)
        return opened.content, opened.by_first_key

    def record(self, event: Event) -> None:
        self._lending.audit.record(replace(event, provider=self._provider.name))

    def hub_user(self, subject: str) -> HubUser | None:
        row = self._row(subject)
        return None if row is None else hub_user(row)

    def subject_of(self, hub_user: HubUser) -> str | None:
        records = self._lending.identities.of_hub_user(hub_key(hub_user))
        return next((each.subject for each in records if each.provider == self._provider.name), None)

    def same_person(self, provider: str, subject: str) -> list[tuple[str, str]]:
        record = self._lending.identities.find(provider, subject)
        return [] if record is None else self._keys_of(record.hub_user)

    def identities_of(self, hub_user: HubUser) -> list[tuple[str, str]]:
        return self._keys_of(hub_key(hub_user))

    def orphans(self) -> Sequence[str]:
        return self._lending.identities.orphans(self._provider.name)

    def free_name(self, username: str) -> str:
        nobody = Identity(provider=self._provider.name, subject=NOBODY, username=username)
        return self._lending.mapper.choose(self._provider, nobody, username).name

    async def end_access(self, subject: str, *, servers: bool = True) -> None:
        row = self._row(subject)
        if row is not None:
            await ending.end_access(self._lending.app, row, servers=servers)

    async def disconnect_since(self, subject: str, moment: float) -> None:
        identities = self._lending.identities
        record = identities.find(self._provider.name, subject)
        for each in identities.of_hub_user(record.hub_user) if record else ():
            if not each.home and each.provider != self._provider.name and each.created_at >= moment:
                await identities.unlink(each.hub_user, each.provider, lambda _: True)
                event = Event(kind="disconnected", provider=each.provider, subject=each.subject)
                self._lending.audit.record(replace(event, username=each.username, hub_user=each.hub_name))

    async def delete_hub_user(self, subject: str) -> None:
        row, record = self._row(subject), self._lending.identities.find(self._provider.name, subject)
        if row is None or record is None:
            return
        if record.home:
            await ending.delete_hub_user(self._lending.app, row)
        else:
            await ending.end_access(self._lending.app, row)
            await self._lending.identities.unlink(record.hub_user, self._provider.name, lambda _: True)

    def define_scopes(self, scopes: Mapping[str, str]) -> None:
        first, *others = scopes
        defined: dict[str, dict[str, Any]] = {name: {"description": text} for name, text in scopes.items()}
        defined[first] |= {"subscopes": others} if others else {}
        try:
            if any(scope_definitions.get(name) != each for name, each in defined.items()):
                define_custom_scopes(defined)
        except ValueError as error:
            raise ConfigError(f"A scope cannot be defined: {error}") from error

    def in_background(self, work: Work) -> None:
        self._lending.work.append(work)

    def _keys_of(self, user: HubKey) -> list[tuple[str, str]]:
        return [(each.provider, each.subject) for each in self._lending.identities.of_hub_user(user)]

    def _row(self, subject: str) -> Any:
        """The hub's row, if it is still the one that the identity was bound to."""
        record = self._lending.identities.find(self._provider.name, subject)
        if record is None:
            return None
        row = self._lending.app.db.get(orm.User, record.hub_user[0])
        return row if row is not None and hub_key(hub_user(row)) == record.hub_user else None

    def _owner(self, owner: str, purpose: str) -> Owner:
        return Owner(owner, self._provider.name, owner, purpose, "")
