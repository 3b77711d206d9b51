"""The provider type: options, and the rooms behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hubauth_core import (
    PASSWORD_FORM,
    Core,
    HubCall,
    Identity,
    LoginRefused,
    Page,
    Provider,
    Request,
    SignIn,
    Step,
    Transaction,
)

from .accounts import Accounts
from .addresses import Addresses
from .approval import Approval
from .endings import Endings
from .house import House
from .invitations import Invitations
from .mail.opening import open_post
from .options.administration import AdministrationOptions
from .options.factors import FactorOptions
from .options.mail import MailOptions
from .options.passwords import PasswordOptions
from .options.signup import SignUpOptions
from .options.throttle import ThrottleOptions
from .passwords.hashing import Hasher
from .passwords.pool import Pool
from .schema import SCHEMA
from .signup import SignUp
from .throttle import Throttle
from .verification import Verification
from .web import signup, static, verify


class NativeProvider(
    SignUpOptions, PasswordOptions, ThrottleOptions, FactorOptions, MailOptions, AdministrationOptions, Provider
):
    """Accounts that the hub keeps itself."""

    title = "Username and password"
    presentation = "form"
    brings_rules = True
    schema = SCHEMA
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
            throttle=Throttle(self, database, core.key("throttle")),
        )
        self._open_sign_up()
        core.in_background(self.house.approval.run)
        core.in_background(self.house.endings.run)
        core.in_background(self.house.throttle.run)

    def _open_sign_up(self) -> None:
        invitations, approval = Invitations(self.house), Approval(self.house, self)
        verification = Verification(self.house, self, approval)
        self.house.add(invitations=invitations, approval=approval, verification=verification)
        self.house.add(sign_up=SignUp(self.house, self, invitations, approval, verification))

    async def begin_login(self, request: Request, transaction: Transaction) -> Step:
        return PASSWORD_FORM

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        raise LoginRefused("The username or the password is not right.", code="bad_credentials")

    async def user_deleted(self, identity: Identity, hub: HubCall) -> None:
        await self.house.database.write(lambda connection: self.house.accounts.delete(connection, identity.subject))

    def pages(self) -> Sequence[Page]:
        return [*static.PAGES, *signup.pages(self), *verify.pages(self)]
