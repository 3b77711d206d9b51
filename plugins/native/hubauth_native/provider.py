"""The provider type: what the hub asks, and the rooms that answer."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from hubauth_core import (
    Answered,
    Challenge,
    Core,
    Credential,
    Entry,
    HubCall,
    Identity,
    Page,
    Provider,
    RefreshedIdentity,
    Request,
    SignIn,
    Step,
    Transaction,
)

from .advice import advice
from .deletion import hub_user_deleted, hub_user_renamed
from .first_admin import advise
from .furnishing import furnish
from .house import House
from .identity import look
from .options.native import NativeOptions
from .schema import SCHEMA
from .web import account, passkeys, recovery, rest, security, signup, static, strength, user, users, verify
from .web.rights import OF_THE_HUB, SCOPES

EVERYBODY: Final = "read:users:name"
"""A scope that each hub user has, for themselves."""


class NativeProvider(NativeOptions, Provider):
    """Accounts that the hub keeps itself."""

    title = "Username and password"
    presentation = "form"
    brings_rules = True
    by_itself = False
    keeps_people = True
    schema = SCHEMA
    account_page = "account"
    templates = Path(__file__).with_name("templates")

    house: House

    @property
    def says_groups(self) -> bool:
        """Accounts here are in no groups."""
        return False

    @property
    def says_roles(self) -> bool:
        """Nor have they roles."""
        return False

    def start(self, core: Core) -> None:
        """Open the tables and put the rooms together."""
        admins = self.admin_users | getattr(self.parent, "admin_users", set())
        self.house = furnish(self.name, self, core, admins)
        others = {name: each for name, each in getattr(self.parent, "providers", {}).items() if name != self.name}
        advise(self.house, admins, others)
        core.define_scopes(SCOPES)

    def warnings(self) -> Sequence[str]:
        return [*advice(self)]

    async def begin_login(self, request: Request, transaction: Transaction) -> Step:
        return await self.house.sign_in.begin(request, transaction)

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        return await self.house.sign_in.finish(request, transaction)

    async def check_login(
        self, provider: str, identity: Identity, granted_scopes: AbstractSet[str], answer: Answered | None
    ) -> Challenge | None:
        return await self.house.step_up.check(provider, identity, answer)

    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        return look(self.house.accounts, identity)

    async def user_deleted(self, identity: Identity, hub: HubCall) -> None:
        await hub_user_deleted(self.house, identity.subject)

    async def user_renamed(self, identity: Identity, hub: HubCall, old_name: str) -> None:
        listed = frozenset(self.admin_users | self.allowed_users)
        await hub_user_renamed(self.house, identity.subject, old_name, hub.user.name, listed)

    def entries(self) -> Sequence[Entry]:
        """People find their own account here where everybody has one, else by the page of connections."""
        alone = len(self.house.core.providers) == 1
        label = "Accounts" if alone or self.label == self.title else f"Accounts of {self.label}"
        administrators = Entry(label=label, path=users.LIST, scopes=frozenset({*SCOPES, OF_THE_HUB}))
        own = Entry(label="Your account", path=self.account_page, scopes=frozenset({EVERYBODY}))
        return [own, administrators] if alone else [administrators]

    def pages(self) -> Sequence[Page]:
        return [
            *static.PAGES,
            *strength.pages(self),
            *security.pages(self),
            *passkeys.pages(self),
            *users.pages(self),
            *user.pages(self),
            *rest.pages(self),
            *account.pages(self),
            *recovery.pages(self),
            *signup.pages(self),
            *verify.pages(self),
        ]
