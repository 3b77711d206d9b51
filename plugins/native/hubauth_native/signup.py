"""Somebody applies for an account: looked at, hashed, and written down with its letters in one transaction, or not."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from hubauth_core import ConfigError, Event, LoginRefused, Secret, StoreError

from .accounts import ACTIVE, PENDING, Account, Status
from .approval import Approval
from .domains import domain_of
from .house import House
from .invitations import Invitations
from .links import Link
from .mail.mailbox import mailbox
from .names import Names
from .once import Once
from .options.signup import SignUpOptions
from .terms import Terms, terms_of
from .verification import AddressTaken, Verification

LONGEST_NAME: Final = 255
"""Characters of a full name: the width of its column."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Unseen, but part of how names are written in Persian and in Indian scripts."""


class SignUpClosed(LoginRefused):
    """Nobody may apply here, or not without an invitation."""

    default_code = "signup_closed"


class FieldRefused(LoginRefused):
    """Something in the form is missing, or cannot be taken."""

    default_code = "bad_request"


@dataclass(frozen=True, kw_only=True)
class Application:
    """What somebody has typed. `terms` is the version that was ticked, `invitation` what stood in the link.

    `repeated` is None where the password was asked for once. `form` is a random text that was in the form, and `origin`
    the network address that it came from.
    """

    username: str
    password: str = field(repr=False)
    repeated: str | None = field(default=None, repr=False)
    full_name: str = ""
    email: str = ""
    terms: str = ""
    invitation: str = field(default="", repr=False)
    form: str = field(default="", repr=False)
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An application that holds; what is left to do is to hash the password and to write it down."""

    username: str
    full_name: str
    email: str
    proved: bool
    invitation: str = field(repr=False)
    status: Status
    owner: Account | None


class SignUp:
    """Sign-up at one provider. Raises ConfigError for options that contradict each other."""

    def __init__(
        self,
        house: House,
        options: SignUpOptions,
        invitations: Invitations,
        approval: Approval,
        verification: Verification,
    ) -> None:
        self._house = house
        self._options = options
        self._invitations = invitations
        self._approval = approval
        self._verification = verification
        self.names = Names(house.core, options.reserved_names, system_users=options.system_users)
        self._once = Once()
        self.terms: Terms = terms_of(options)
        self._check_options()

    @property
    def offered(self) -> bool:
        """Whether the sign-in page leads here: where people may apply without an invitation."""
        return self._options.mode in {"approval", "email_domain", "open"}

    def invitation(self, token: str) -> Link | None:
        """The invitation that somebody brings, None for none. Raises SignUpClosed, LinkOver."""
        if self._options.mode == "closed":
            raise SignUpClosed("Nobody can sign up here. Ask the administrator of this hub for an account.")
        if token:
            return self._invitations.look(token)
        if not self.offered:
            raise SignUpClosed("Signing up takes an invitation here. Ask the administrator of this hub for one.")
        return None

    async def register(self, application: Application) -> Account:
        """Make the account that somebody asks for. A form that is sent twice makes one account.

        Raises LoginRefused with a code for each field, TooMany, StoreError; then there is no account.
        """
        await self._house.throttle.admit("sign_up", address=application.origin)
        return await self._once.do(application.form, partial(self._register, application))

    async def _register(self, application: Application) -> Account:
        accepted = await self._look(application)
        hashed = await self._house.hasher.hash(application.password)
        write = partial(self._create, accepted=accepted, hashed=hashed, origin=application.origin)
        account = await self._house.throttle.write(write)
        about = Event(kind="account_created", subject=account.id, username=account.username, address=application.origin)
        try:
            self._house.core.record(about)
        except StoreError:
            await self._house.throttle.write(partial(self._house.accounts.delete, account_id=account.id))
            raise
        return account

    async def _look(self, application: Application) -> Accepted:
        link = self.invitation(application.invitation)
        username = await self.names.check(application.username)
        full_name = self._full_name(application.full_name)
        email = link.email if link and link.email else self._email(application.email, invited=link is not None)
        proved = bool(link and link.data.get("mailed"))
        self.terms.check(application.terms)
        if application.repeated not in {None, application.password}:
            raise FieldRefused("The two passwords differ. Type the same one twice.", code="password_differs")
        await self._house.policy.check(application.password, about=(username, email, full_name))
        owner = self._house.accounts.by_email(email) if email else None
        if proved and owner is not None:
            raise AddressTaken(f"This address belongs to your account {owner.username} already. Sign in with that one.")
        if email and not proved and self._verification.demanded:
            await self._verification.admit(email, origin=application.origin)
        welcome = self._options.mode == "open" or (link is not None and self._options.invitation_approves)
        status: Status = ACTIVE if welcome or (proved and self._approval.vouches(email)) else PENDING
        return Accepted(
            username=username,
            full_name=full_name,
            email=email,
            proved=proved,
            invitation=application.invitation,
            status=status,
            owner=owner,
        )

    def _create(self, connection: Connection, *, accepted: Accepted, hashed: Secret, origin: str) -> Account:
        house, now = self._house, time.time()
        if self._approval.waiting(connection) >= self._options.most_waiting:
            raise SignUpClosed("Too many people wait for an account at the moment. Try again later.")
        if accepted.invitation:
            self._invitations.use(connection, accepted.invitation)
        must_verify = bool(accepted.email) and not accepted.proved and self._verification.demanded
        values: dict[str, Any] = {"email": accepted.email or None, "email_verified": accepted.proved}
        if accepted.status == ACTIVE:
            values |= {"approved_at": now, "approved_by": ""}
        if self.terms.asked:
            values |= {"terms_version": self.terms.version, "terms_at": now}
        account = house.accounts.create(
            connection,
            accepted.username,
            full_name=accepted.full_name,
            password_hash=hashed,
            password_set_at=now,
            must_verify=must_verify,
            status=accepted.status,
            origin="invitation" if accepted.invitation else "sign_up",
            **values,
        )
        house.accounts.note(connection, account.id, "account_created", reason=account.origin, address=origin)
        if must_verify:
            self._verification.send(connection, account, accepted.owner)
        elif account.status == PENDING:
            self._approval.announce(connection)
        return account

    def _full_name(self, typed: str) -> str:
        """A name as people write it, for others to read."""
        if not self._options.ask_full_name:
            return ""
        name = " ".join(unicodedata.normalize("NFC", typed).split())
        unseen = {each for each in name if unicodedata.category(each) in {"Cc", "Cf", "Cn", "Co", "Cs"}} - _JOINERS
        if len(name) > LONGEST_NAME or unseen:
            raise FieldRefused(
                f"Your name is longer than {LONGEST_NAME} characters, or holds some that cannot be seen.",
                code="full_name_refused",
            )
        return name

    def _email(self, typed: str, *, invited: bool) -> str:
        asks = self._options.asks_email
        if asks == "no":
            return ""
        if not typed.strip():
            if asks == "required":
                raise FieldRefused("Type your e-mail address.", code="email_invalid")
            return ""
        email = mailbox(typed)
        by_domain = self._options.mode == "email_domain" and not invited
        if by_domain and domain_of(email) not in self._approval.vouching:
            raise FieldRefused(
                f"Signing up takes an address at {' or '.join(sorted(self._approval.vouching))} here.",
                code="email_domain_refused",
            )
        return email

    def _check_options(self) -> None:
        options = self._options
        if options.open_signup and options.signup not in {"open", "approval"}:
            raise ConfigError(f"open_signup = True contradicts signup = {options.signup!r}; leave one of them out.")
        if options.mode == "email_domain" and not self._approval.vouching:
            raise ConfigError('signup = "email_domain" needs allowed_email_domains.')
        needs = {
            'signup = "email_domain"': options.mode == "email_domain",
            "self_approval_domains": options.mode == "approval" and bool(options.self_approval_domains),
        }
        for what, wanted in needs.items():
            if wanted and not self._verification.demanded:
                raise ConfigError(f"{what} needs verify_email = True, and a mail server (smtp_host).")
        if options.asks_email == "required" and options.verify_email and not self._house.post.enabled:
            raise ConfigError(
                'ask_email = "required" needs a mail server (smtp_host), so that people can prove their addresses; '
                "set verify_email = False if they need not."
            )
