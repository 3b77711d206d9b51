"""People with stored credentials, and what renews and hands them out: the parts of the hub without a hub."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jupyterhub.crypto import CryptKeeper

from hubauth_core import Credential, Event, HubUser
from hubauth_core.access import Access
from hubauth_core.database import Database
from hubauth_core.events import Audit
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import Record, hub_key
from hubauth_core.refresh import Refresher
from hubauth_core.retrieval import Retrieval
from hubauth_core.vault import Vault

from .authority import Authority, Forge
from .people import identity
from .shelf import Shelf

KEY = os.urandom(32)


class Stored:
    """One process over a database: `uni` is an `Authority`. Two of them on one database are two processes.

    `others` are further providers with their options; `events` are what plugins would hear of.
    """

    def __init__(
        self,
        shelf: Shelf,
        database: Database,
        authority: Authority,
        *,
        options: Mapping[str, Any] | None = None,
        others: Mapping[str, Mapping[str, Any]] | None = None,
        blocked: Iterable[str] = (),
        resources: Mapping[str, str] | None = None,
        patience: float = 30.0,
        keys: Iterable[bytes] = (KEY,),
        hook_timeout: float = 30.0,
        trail: Path | None = None,
    ) -> None:
        if not shelf.entry_points:
            shelf.add_type("forge", Forge)
        self.database, self.clock, self.authority = database, authority.clock, authority
        self.events: list[Event] = []
        providers = {"uni": options or {}, **(others or {})}
        self.registry = shelf.registry(
            {name: {"type": "forge", "allow_all": True, **more} for name, more in providers.items()},
            hook_timeout=hook_timeout,
            disable_broken=True,
        )
        for provider in self.registry.providers.values():
            vars(provider).update(authority=authority, stands_for=dict(resources or {}))
        log = logging.getLogger("hubauth.test")
        self.audit = Audit(self.events.append, log, path=trail)
        self.identities = Identities(database, self.clock)
        self.vault = Vault(database, CryptKeeper(keys=list(keys)), self.clock)
        self.refresher = Refresher(
            registry=self.registry, vault=self.vault, audit=self.audit, log=log, clock=self.clock, patience=patience
        )
        self.retrieval = Retrieval(
            registry=self.registry,
            access=Access(self.identities, several=False),
            identities=self.identities,
            vault=self.vault,
            refresher=self.refresher,
            audit=self.audit,
            blocked=frozenset(blocked),
        )

    async def sign_in(self, *credentials: Credential, subject: str = "1") -> Record:
        """Somebody signs in, and what came with it is stored; without any, what the authority issues."""
        person, user = identity("uni", subject, f"ann{subject}"), self.user(subject)
        known = self.identities.find("uni", subject)
        record_id = known.id if known else new_id()
        sealed = await self.vault.seal(record_id, person, credentials or [self.authority.sign_in(subject)])
        return await self.identities.bind(person, user, record_id=record_id, pin=user.name, sealed=sealed)

    async def connect(self, provider: str, *credentials: Credential, subject: str = "1") -> Record:
        """The hub user of a subject connects an identity of a further provider, of the same subject there."""
        person, record_id = identity(provider, subject, f"{provider}-ann{subject}"), new_id()
        sealed = await self.vault.seal(record_id, person, credentials or [self.authority.sign_in(subject)])
        return await self.identities.link(person, self.user(subject), record_id=record_id, pin="", sealed=sealed)

    def user(self, subject: str = "1") -> HubUser:
        return HubUser(id=int(subject), name=f"ann{subject}", created=1.0 + self.authority.generations[subject])

    async def delete(self, subject: str = "1") -> None:
        """The hub user is deleted."""
        await self.identities.forget(hub_key(self.user(subject)))
        self.authority.generations[subject] += 1

    async def token(self, record: Record, resource: str = "", **more: float) -> str:
        """The access token that is handed out. Raises what `Refresher.fresh` raises."""
        return (await self.refresher.fresh(record, resource, **more)).access_token.reveal()

    def kinds(self) -> list[tuple[str, str]]:
        """Kind and reason of every event."""
        return [(event.kind, event.reason) for event in self.events]
