"""The sign-in flow with everything it needs, on a real store without a hub, and the hub's part in a sign-in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from hubauth_core import (
    Credential,
    HubUser,
    Identity,
    LoginRefused,
    Provider,
    Request,
    Secret,
    SignIn,
    StoreError,
    Transaction,
)
from hubauth_core.access import Access
from hubauth_core.database import Database
from hubauth_core.discovery import PLUGINS
from hubauth_core.events import Audit
from hubauth_core.identities import Identities
from hubauth_core.linking import Actor, Linking
from hubauth_core.mapping import Mapper, Record
from hubauth_core.schema import had_identity, identities, names, pins, vault
from hubauth_core.signin import Admitted, SignInFlow
from hubauth_core.transaction import begin
from hubauth_core.types import HubCall
from hubauth_core.vault import Vault

from .known_users import KnownUsers
from .shelf import Shelf

CANARY = "canary-93be02"
TOKENS = Credential(access_token=Secret(CANARY), refresh_token=Secret(CANARY), scopes=frozenset({"repo"}))


class Keeper:
    """A CryptKeeper that hides nothing, or cannot encrypt."""

    keys = [b"key"]
    fails = False

    async def encrypt(self, data: Any) -> bytes:
        if self.fails:
            raise StoreError("No.")
        return json.dumps(data).encode()

    @property
    def fernet(self) -> Any:
        return SimpleNamespace(decrypt=lambda encrypted: encrypted)


class Source(Provider):
    """A provider whose answer each test sets."""

    answer: Any = None

    async def begin_login(self, request: Request, transaction: Transaction) -> Any:
        return self.answer

    async def finish_login(self, request: Request, transaction: Transaction) -> Any:
        if isinstance(self.answer, LoginRefused):
            raise self.answer
        return self.answer


class House:
    """The flow with everything it needs, and the hub's part in a sign-in."""

    def __init__(self, shelf: Shelf, database: Database, trail: Path, **rules: Mapping[str, object]) -> None:
        shelf.add_type("source", Source)
        options = {name: {"type": "source", **rules.get(name, {"allow_all": True})} for name in ("uni", "github")}
        self.registry = shelf.registry(
            options, plugins=[each.name for each in shelf.entry_points if each.group == PLUGINS]
        )
        self.identities, self.hub_users, self.keeper = Identities(database), KnownUsers(), Keeper()
        self.trail = trail
        self.access, vault = Access(self.identities, several=True), Vault(database, self.keeper)
        parts = {"registry": self.registry, "access": self.access, "identities": self.identities, "vault": vault}
        audit = Audit(self.registry.emit, self.registry.log, path=trail)
        prefixes = {"uni": "", "github": "github-"}
        self.linking = Linking(**parts, audit=audit)
        self.flow = SignInFlow(
            **parts,
            mapper=Mapper(
                prefixes,
                self.identities,
                self.hub_users,
                validate_username=lambda name: True,
                listed={"listed"},
                spoken_for={"spoken", "github-spoken"},
            ),
            audit=audit,
            linking=self.linking,
        )
        self._database = database

    async def admit(self, subject: str = "7", username: str = "ann", provider: str = "uni", **more: Any) -> Admitted:
        return await self.flow.admit(provider, said(subject, username, **more))

    def accept(self, admitted: Admitted) -> HubUser:
        """What the hub does: find or make the user it was told to sign in."""
        return self.hub_users.find(admitted.place.name) or self.hub_users.add(admitted.place.name)

    async def sign_in(self, *args: Any, **more: Any) -> HubUser:
        admitted = await self.admit(*args, **more)
        user = self.accept(admitted)
        await self.flow.bind(admitted, user, "192.0.2.7")
        return user

    async def link(self, user: HubUser, subject: str = "8", username: str = "octo", **more: Any) -> Record:
        """Whoever is signed in as `user` connects an account at `github`, or at another `provider`."""
        provider = more.pop("provider", "github")
        request, transaction = Request(), begin(provider, redirect_uri="", next_url="", purpose="link")
        vars(self.registry.provider(provider))["answer"] = said(subject, username, **more)
        sign_in = await self.flow.finish(request, transaction)
        assert isinstance(sign_in, SignIn)
        return await self.linking.link(sign_in, user, HubCall(), Actor(address="192.0.2.7"))

    async def refusal(self, *args: Any, **more: Any) -> str:
        with pytest.raises(LoginRefused) as refused:
            await self.admit(*args, **more)
        return refused.value.code

    def rows(self) -> dict[str, int]:
        """How many rows each table of the store has."""
        with self._database.read() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (identities, pins, names, had_identity, vault)
            }

    def events(self) -> list[tuple[str, str]]:
        """Kind and reason of what was written to the audit trail."""
        return [(event["kind"], event.get("reason", "")) for event in map(json.loads, self.lines())]

    def lines(self) -> list[str]:
        """The audit trail."""
        return self.trail.read_text().splitlines() if self.trail.exists() else []


def said(subject: Any = "7", username: Any = "ann", credentials: Any = (), **more: Any) -> SignIn:
    """What a provider says at the end."""
    sign_in = {name: more.pop(name) for name in ("decision", "state") if name in more}
    identity = Identity(subject=subject, username=username, **more)
    return SignIn(identity=identity, credentials=credentials, **sign_in)
