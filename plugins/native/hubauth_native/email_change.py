"""Another e-mail address: it counts once its owner has confirmed it, and whoever reads the old one can take it back.

Rows V33 and 6.3.7. A link to take a change back belongs to no account in the table: nothing that a thief does with the
account afterwards makes it die.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, delete

from hubauth_core import Event, LoginRefused

from . import endings, links
from .accounts import Account, NameTaken, email_key
from .house import House
from .links import Link, LinkOver
from .mail.mailbox import mailbox
from .options.mail import MailOptions
from .password_change import prove
from .schema import links as stored

MINUTE: Final = 60.0
DAY: Final = 24 * 3600.0


@dataclass(frozen=True)
class Change:
    """What a link would change: the address of `account` to `email`."""

    account: Account
    email: str

    def needs_proof(self, by: Account | None) -> bool:
        """Whether whoever is signed in, if anybody, has yet to prove that the account is theirs."""
        return by is None or by.id != self.account.id


class EmailChange:
    """Changes of addresses at one provider."""

    def __init__(self, house: House, options: MailOptions) -> None:
        self._house = house
        self._options = options

    async def ask(self, account: Account, new: str, password: str, address: str) -> str:
        """Send a link to the new address, and a word to the old one; returns the new one as it is spelt.

        Where the address is another account's already, its owner is told in place of that; whoever asks sees no
        difference (row S03). The caller sees to it that the sign-in was recent. Raises LoginRefused: BadMailbox,
        WrongPassword, TooMany.
        """
        house = self._house
        email = mailbox(new)
        if account.email_verified and email_key(email) == email_key(account.email or ""):
            raise LoginRefused("This is your address already.", code="email_same")
        await house.throttle.admit("email", account=account.id, address=address)
        await prove(house, account, password, address)
        await house.verification.admit(email, origin=address)
        await house.database.write(partial(self._ask, account, email, address))
        house.core.record(self._event("email_change_asked", account, address))
        return email

    def look(self, token: str) -> Change:
        """What a link would change; it stays good. Raises LinkOver, StoreError."""
        with self._house.database.read() as connection:
            link = links.look(connection, self._house.name, "email_change", token)
            account = self._house.accounts.by_id(link.account_id or "")
        return Change(_fitting(account, link), link.email)

    async def confirm(self, token: str, address: str, *, by: Account | None, password: str) -> Change:
        """Use a link: the new address counts from now on. Raises LinkOver, WrongPassword, TooMany.

        `by` is whoever is signed in. Anybody else proves by the password that the account is theirs: nobody gets the
        address of somebody else confirmed by having the link sent there (row 6.6.2).
        """
        await self._house.throttle.admit("link", address=address)
        asked = self.look(token)
        if asked.needs_proof(by):
            if asked.account.password_hash is None:
                raise LoginRefused("Sign in with this browser first, then open the link again.", code="sign_in_again")
            await prove(self._house, asked.account, password, address)
        change = await self._house.database.write(partial(self._confirm, token, address))
        self._house.core.record(self._event("email_changed", change.account, address))
        return change

    def look_undo(self, token: str) -> Change:
        """What a link would take back. Raises LinkOver, StoreError."""
        with self._house.database.read() as connection:
            link = links.look(connection, self._house.name, "email_undo", token)
            account = self._house.accounts.by_id(str(link.data["account"]))
        return Change(_existing(account), link.email)

    async def undo(self, token: str, address: str) -> str:
        """Use a link: the old address counts again, the password no more, all access ends; returns a link to a new one.

        Somebody else knows the password, or the change would not have to be taken back: what was added since the day
        before the change - second factors, connected accounts - goes too, or it would let a thief in, and keep the
        owner out. Raises LinkOver, TooMany, StoreError.
        """
        house = self._house
        await house.throttle.admit("link", address=address)
        account, reset, since = await house.database.write(partial(self._undo, token, address))
        await house.core.disconnect_since(account.id, since)
        house.core.record(self._event("email_change_undone", account, address))
        await house.endings.act()
        return reset

    def _ask(self, account: Account, email: str, address: str, connection: Connection) -> None:
        house, minutes = self._house, self._options.email_link_minutes
        owner = house.accounts.by_email(email)
        links.withdraw(connection, account.id, "email_change")
        names: dict[str, Any] = {"username": account.username, "forgotten": house.addresses.page("forgotten")}
        if owner is None:
            token = links.make(
                connection,
                house.name,
                "email_change",
                lifetime=minutes * MINUTE,
                account_id=account.id,
                email=email,
                data={"old": account.email or ""},
            )
            link = house.addresses.link("email_change", token)
            words = {"username": account.username, "link": link, "minutes": minutes}
            house.post.put(connection, "email_change", email, good_for=minutes * MINUTE, **words)
        elif owner.id != account.id:
            house.post.put(connection, "email_taken", email, own=owner.username, **names)
        if account.email and account.email_verified:
            house.post.put(connection, "email_change_asked", account.email, **names)
        house.accounts.note(connection, account.id, "email_change_asked", address=address)

    def _confirm(self, token: str, address: str, connection: Connection) -> Change:
        house = self._house
        link = links.use(connection, house.name, "email_change", token)
        account = _fitting(house.accounts.held(connection, link.account_id or ""), link)
        try:
            house.accounts.change(connection, account.id, email=link.email, email_verified=True)
        except NameTaken:
            raise LinkOver("This address belongs to another account by now. Choose another one.") from None
        links.withdraw(connection, account.id, "reset", "first_password", "verify")
        if account.email and account.email_verified:
            self._tell_old(connection, account, account.email)
        house.accounts.note(connection, account.id, "email_changed", address=address)
        return Change(account, link.email)

    def _tell_old(self, connection: Connection, account: Account, old: str) -> None:
        house, days = self._house, self._options.email_undo_days
        lifetime = days * DAY
        data = {"account": account.id}
        token = links.make(connection, house.name, "email_undo", lifetime=lifetime, email=old, data=data, by=account.id)
        link = house.addresses.link("email_undo", token)
        house.post.put(connection, "email_changed", old, username=account.username, link=link, days=days)

    def _undo(self, token: str, address: str, connection: Connection) -> tuple[Account, str, float]:
        house = self._house
        link = links.use(connection, house.name, "email_undo", token)
        account = _existing(house.accounts.held(connection, str(link.data["account"])))
        try:
            shut = {"password_hash": None, "password_set_at": None}
            house.accounts.change(connection, account.id, email=link.email, email_verified=True, **shut)
        except NameTaken:
            raise LinkOver("This address belongs to another account by now. Ask an administrator.") from None
        links.withdraw(connection, account.id)
        _withdraw_newer(connection, link)
        since = link.created_at - DAY
        house.factors.forget_since(connection, house.name, account.id, since)
        endings.want(connection, house.name, account.id)
        lifetime = self._options.reset_link_minutes * MINUTE
        reset = links.make(connection, house.name, "reset", lifetime=lifetime, account_id=account.id, email=link.email)
        house.accounts.note(connection, account.id, "email_change_undone", address=address)
        return account, house.addresses.link("reset", reset), since

    def _event(self, kind: str, account: Account, address: str) -> Event:
        return Event(kind=kind, subject=account.id, username=account.username, address=address)


def _withdraw_newer(connection: Connection, used: Link) -> None:
    """What was changed after the change that is taken back was not the owner's doing; older changes may have been."""
    of_account = (stored.c.purpose == used.purpose) & (stored.c.created_by == used.created_by)
    connection.execute(delete(stored).where(of_account, stored.c.created_at >= used.created_at))


def _existing(account: Account | None) -> Account:
    if account is None or not account.may_sign_in(time.time()):
        raise LinkOver("This link has been used already, or it has run out.")
    return account


def _fitting(account: Account | None, link: Link) -> Account:
    """The account, if its address is still the one that it had when the link was asked for."""
    found = _existing(account)
    if email_key(str(link.data["old"])) != email_key(found.email or ""):
        raise LinkOver("This link has been replaced by a newer one.")
    return found
