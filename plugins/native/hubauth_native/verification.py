"""Somebody proves that an address is theirs: a link to it, looked at by GET, used by POST (row M03)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from hubauth_core import Event, LoginRefused

from . import endings, links
from .accounts import Account, NameTaken, email_key
from .approval import SELF, Approval
from .house import House
from .links import LinkOver
from .options.signup import SignUpOptions


class AddressTaken(LoginRefused):
    """Another account has proved meanwhile that the address is its own."""

    default_code = "email_taken"


@dataclass(frozen=True)
class Proof:
    """What a link would prove: that `email` is the address of `account`."""

    account: Account
    email: str


class Verification:
    """The links that prove addresses at one provider."""

    def __init__(self, house: House, options: SignUpOptions, approval: Approval) -> None:
        self._house = house
        self._options = options
        self._approval = approval

    @property
    def demanded(self) -> bool:
        """Whether whoever gives an address has to prove it before the account can be used."""
        return self._options.verify_email and self._house.post.enabled

    async def admit(self, address: str, *, origin: str) -> None:
        """Count one letter to `address`, asked for from the network address `origin`. Raises TooMany, StoreError."""
        await self._house.throttle.admit("verify", account=f"mail {email_key(address)}", address=origin)

    def send(self, connection: Connection, account: Account, owner: Account | None) -> None:
        """Post the letter that is due to an account's address: the link or, where `owner` has proved it before, a word.

        Whoever asked sees the same either way (row S03).
        """
        if account.email is None:
            return
        house, lasts = self._house, self._options.verification_lasts
        if owner is not None:
            page, forgotten = house.addresses.page("login"), house.addresses.page("forgotten")
            names = {"username": account.username, "own": owner.username}
            house.post.put(
                connection, "taken", account.email, good_for=lasts, sign_in=page, forgotten=forgotten, **names
            )
            return
        token = links.make(connection, house.name, "verify", lifetime=lasts, account_id=account.id, email=account.email)
        opens = account.status != "pending" or self._approval.vouches(account.email)
        shown = {"username": account.username, "link": house.addresses.link("verify", token), "hours": hours(lasts)}
        letter = "self_approve" if opens else "verify"
        house.post.put(connection, letter, account.email, good_for=lasts, **shown)

    async def send_again(self, account_id: str, *, origin: str) -> None:
        """One more letter to an address that has yet to be proved; the link of the one before dies.

        Does nothing for anybody else. Raises TooMany, StoreError.
        """
        account = self._house.accounts.by_id(account_id)
        if account is None or account.email is None or not account.must_verify:
            return
        await self.admit(account.email, origin=origin)
        owner = self._house.accounts.by_email(account.email)
        await self._house.throttle.write(partial(self._send_held, account_id=account_id, owner=owner))

    def look(self, token: str) -> Proof:
        """What a link would prove; changes nothing (row S02). Raises LinkOver, StoreError."""
        with self._house.database.read() as connection:
            link = links.look(connection, self._house.name, "verify", token)
        account = self._house.accounts.by_id(link.account_id or "")
        if account is None:
            raise LinkOver("This link belongs to an account that is gone.")
        return Proof(account, link.email)

    async def confirm(self, token: str, *, origin: str = "") -> Account:
        """Use a link: the address is proved, and an account that waited for nothing else is open.

        Raises LinkOver, AddressTaken, StoreError.
        """
        account, approved = await self._house.throttle.write(partial(self._confirm, token=token, origin=origin))
        await self._house.endings.act()
        done = Event(kind="email_verified", subject=account.id, username=account.username, address=origin)
        self._house.core.record(done)
        if approved:
            self._house.core.record(replace(done, kind="account_approved", actor=SELF))
        return account

    def _confirm(self, connection: Connection, *, token: str, origin: str) -> tuple[Account, bool]:
        house = self._house
        about = links.look(connection, house.name, "verify", token)
        # The account before its link, as a refusal takes them: else the two could wait for each other.
        account = house.accounts.held(connection, about.account_id or "")
        link = links.use(connection, house.name, "verify", token)
        if account is None:
            raise LinkOver("This link belongs to an account that is gone.")
        try:
            house.accounts.change(connection, account.id, email=link.email, email_verified=True, must_verify=False)
        except NameTaken:
            raise AddressTaken("This address belongs to another account here. Sign in with that one.") from None
        house.accounts.note(connection, account.id, "email_verified", address=origin)
        self._clear(connection, account)
        approved = self._approval.vouches(link.email) and self._approval.settle(connection, account)
        if not approved:
            self._approval.announce(connection)
        proved = house.accounts.held(connection, account.id)
        assert proved is not None  # noqa: S101  # this transaction holds it
        return proved, approved

    def _clear(self, connection: Connection, account: Account) -> None:
        """What was set up before the address was proved was perhaps somebody else's doing, and vanishes (row V32)."""
        self._house.factors.reset(connection, self._house.name, account.id)
        links.withdraw(connection, account.id)
        endings.want(connection, self._house.name, account.id)

    def _send_held(self, connection: Connection, *, account_id: str, owner: Account | None) -> None:
        account = self._house.accounts.held(connection, account_id)
        if account is not None and account.must_verify:
            self.send(connection, account, owner)


def hours(seconds: float) -> int:
    """Whole hours, at least one."""
    return max(1, round(seconds / 3600))
