"""The provider type: options, and the rooms behind them."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial
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

from .accounts import Accounts
from .addresses import Addresses
from .administration import Administration
from .advice import advice
from .approval import Approval
from .deletion import close_orphans, hub_user_deleted, hub_user_renamed
from .email_change import EmailChange
from .endings import Endings
from .factors.rooms import furnish
from .first_admin import advise
from .further import Further, NewPassword, NewTerms
from .house import House
from .identity import look
from .invitations import Invitations
from .mail.opening import open_post
from .options.administration import AdministrationOptions
from .options.factors import REQUIRED, FactorOptions
from .options.mail import MailOptions
from .options.passwords import PasswordOptions
from .options.signup import SignUpOptions
from .options.throttle import ThrottleOptions
from .password_change import PasswordChange
from .passwords.hashing import Hasher
from .passwords.policy import Policy
from .passwords.pool import Pool
from .passwords.stored import Stored
from .recovery import Recovery
from .schema import SCHEMA
from .signin import SigningIn
from .signup import SignUp
from .throttle import Throttle
from .verification import Verification
from .web import account, passkeys, recovery, rest, security, signup, static, strength, user, users, verify
from .web.rights import OF_THE_HUB, SCOPES

EVERYBODY: Final = "read:users:name"
"""A scope that each hub user has, for themselves."""


class NativeProvider(
    SignUpOptions, PasswordOptions, ThrottleOptions, FactorOptions, MailOptions, AdministrationOptions, Provider
):
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

    def start(self, core: Core) -> None:
        """Open the tables and put the rooms together."""
        database = core.store(SCHEMA)
        addresses = Addresses(core, self.name)
        self.house = House(
            name=self.name,
            core=core,
            database=database,
            accounts=Accounts(database, self.name),
            addresses=addresses,
            post=open_post(self, core, database, addresses, self.name),
            endings=Endings(core, database, self.name),
            hasher=Hasher(self.argon2_cost, Pool(self.hash_threads, self.hash_queue)),
            policy=Policy(self.password_rules(core.public_url, second_factor=self.second_factor == REQUIRED), core.log),
            throttle=Throttle(self, database, core.key("throttle")),
            captcha=self.new_captcha(),
        )
        furnish(self.house, self, self.admin_users | getattr(self.parent, "admin_users", set()))
        self._open_recovery()
        self._open_sign_up()
        self._open_sign_in()
        self.house.add(administration=Administration(self.house))
        self._advise()
        core.define_scopes(SCOPES)
        core.in_background(partial(close_orphans, self.house))
        core.in_background(self.house.approval.run)
        core.in_background(self.house.endings.run)
        core.in_background(Stored(self.house.hasher, database, self.name).run)
        core.in_background(self.house.recovery.run)
        core.in_background(self.house.throttle.run)

    def _advise(self) -> None:
        named, configured = self.admin_users, getattr(self.parent, "providers", {})
        others = {name: options for name, options in configured.items() if name != self.name}
        advise(self.house, named | getattr(self.parent, "admin_users", set()), others)

    def _open_recovery(self) -> None:
        self.house.add(recovery=Recovery(self.house, self), password_change=PasswordChange(self.house))
        self.house.add(email_change=EmailChange(self.house, self))

    def _open_sign_in(self) -> None:
        steps: dict[str, Further] = {
            "second_factor": self.house.second_factor,
            "new_password": NewPassword(self.house),
            "terms": NewTerms(self.house, self.house.sign_up.terms),
        }
        self.house.add(sign_in=SigningIn(self.house, self, steps, passkey_steps={"terms"}))

    def _open_sign_up(self) -> None:
        invitations, approval = Invitations(self.house), Approval(self.house, self)
        verification = Verification(self.house, self, approval)
        self.house.add(invitations=invitations, approval=approval, verification=verification)
        self.house.add(sign_up=SignUp(self.house, self, invitations, approval, verification))

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
