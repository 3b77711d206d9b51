"""A new password for somebody who cannot sign in: by a link that is mailed, or by one that an administrator hands over.

Whoever asks learns nothing of who has an account: the asking is answered at once, and done afterwards (row S03).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from hubauth_core import Event, LoginRefused, ProviderUnavailable, Secret
from hubauth_core.plugin import name_key, normalise

from . import links
from .accounts import Account, NameTaken, email_key
from .house import House
from .links import Link, LinkOver, Purpose
from .options.mail import MailOptions
from .password_change import about, tell_changed
from .passwords.changing import Why, set_password
from .throttle import TooMany

MOST_WAITING: Final = 1000
"""Requests that wait to be looked at; beyond it people are asked to come back."""

MINUTE: Final = 60.0

PURPOSES: Final[tuple[Purpose, ...]] = ("reset", "first_password")


@dataclass(frozen=True)
class Asked:
    """Who asked for a new password, and from where."""

    name_or_email: str
    address: str


class Recovery:
    """Links to new passwords at one provider."""

    def __init__(self, house: House, options: MailOptions) -> None:
        self._house = house
        self._options = options
        self._asked: asyncio.Queue[Asked] = asyncio.Queue(MOST_WAITING)

    async def ask_reset(self, name_or_email: str, address: str) -> None:
        """Have a link mailed to the proved address of that account, if there is one; nobody learns whether.

        `address` is where the request comes from. Raises TooMany, ProviderUnavailable.
        """
        typed = name_or_email.strip()
        if not typed:
            raise LoginRefused("Type your username or your e-mail address.", code="nothing_typed")
        await self._house.throttle.admit("reset", account=_spelling(typed), address=address)
        try:
            self._asked.put_nowait(Asked(typed, address))
        except asyncio.QueueFull:
            raise ProviderUnavailable("Too many people ask for this now. Try again in a moment.", code="busy") from None

    async def run(self) -> None:
        """Look at who has asked, one after the other."""
        while True:
            asked = await self._asked.get()
            try:
                with contextlib.suppress(TooMany):
                    await self._send(asked)
            finally:
                self._asked.task_done()

    def look(self, token: str) -> Account:
        """Whose password a link would set; the link stays good. Raises LinkOver, StoreError."""
        with self._house.database.read() as connection:
            return self._account_of(self._found(connection, token))

    async def reset(self, token: str, password: str, address: str) -> Account:
        """Use a link: set the password; every session, API token and server of the hub user ends.

        Nobody is signed in by it, and a second factor stays as it is (row 6.4.3). Raises LinkOver, PasswordRefused,
        TooMany, Busy.
        """
        house = self._house
        await house.throttle.admit("link", address=address)
        account = self.look(token)
        await house.policy.check(password, about=about(account))
        hashed = await house.hasher.hash(password)
        link = await house.database.write(partial(self._set, token, hashed, address))
        house.core.record(
            Event(
                kind="password_reset",
                subject=account.id,
                username=account.username,
                actor=link.created_by,
                address=address,
            )
        )
        await house.endings.act()
        return account

    async def issue_link(self, account_id: str, actor: str) -> str:
        """A link to a first or a new password, for an administrator to hand over; older ones die.

        Raises LoginRefused where there is no such account.
        """
        return await self._house.database.write(partial(self._issue, account_id, actor, ""))

    async def send_link(self, account_id: str, actor: str) -> bool:
        """Mail that link in place of showing it to anybody; False where there is no mail server or no address."""
        account = self._house.accounts.by_id(account_id)
        if account is None or not account.email or not self._house.post.enabled:
            return False
        await self._house.database.write(partial(self._issue, account_id, actor, account.email))
        return True

    def _issue(self, account_id: str, actor: str, mail_to: str, connection: Connection) -> str:
        house, minutes = self._house, self._options.issued_link_minutes
        account = house.accounts.by_id(account_id)
        if account is None:
            raise LoginRefused("There is no such account.", code="not_found")
        purpose: Purpose = "reset" if account.password_hash else "first_password"
        links.withdraw(connection, account_id, *PURPOSES)
        token = links.make(
            connection,
            house.name,
            purpose,
            lifetime=minutes * MINUTE,
            account_id=account_id,
            email=mail_to,
            by=actor,
        )
        link = house.addresses.link(purpose, token)
        house.accounts.note(connection, account_id, "password_link_issued", actor=actor)
        if mail_to:
            words = {"username": account.username, "link": link, "hours": max(1, minutes // 60), "by": actor}
            house.post.put(connection, "first_password", mail_to, good_for=minutes * MINUTE, **words)
        return link

    async def _send(self, asked: Asked) -> None:
        account = self._find(asked.name_or_email)
        problem = _problem(account)
        if account is not None and not problem:
            await self._house.throttle.admit("reset", account=account.id)
            await self._house.database.write(partial(self._mail, account, asked.address))
        event = Event(kind="password_reset_asked", reason=problem, address=asked.address)
        if account is not None:
            event = replace(event, subject=account.id, username=account.username)
        self._house.core.record(event)

    def _mail(self, account: Account, address: str, connection: Connection) -> None:
        house, minutes = self._house, self._options.reset_link_minutes
        lifetime, to = minutes * MINUTE, account.email or ""
        token = links.make(connection, house.name, "reset", lifetime=lifetime, account_id=account.id, email=to)
        words = {"username": account.username, "minutes": minutes, "link": house.addresses.link("reset", token)}
        house.post.put(connection, "reset", to, good_for=lifetime, **words)
        house.accounts.note(connection, account.id, "password_reset_asked", address=address)

    def _set(self, token: str, hashed: Secret, address: str, connection: Connection) -> Link:
        house = self._house
        found = self._found(connection, token)
        account = self._account_of(found)
        link = links.use(connection, house.name, found.purpose, token)
        why: Why = "first_password" if link.purpose == "first_password" else "reset"
        set_password(house, connection, account.id, hashed, actor=link.created_by, address=address, why=why)
        if link.email and not account.email_verified:  # whoever has opened the mail has proved the address
            with contextlib.suppress(NameTaken):
                house.accounts.change(connection, account.id, email=link.email, email_verified=True)
        tell_changed(house, connection, account, by=link.created_by)
        return link

    def _found(self, connection: Connection, token: str) -> Link:
        for purpose in PURPOSES:
            with contextlib.suppress(LinkOver):
                return links.look(connection, self._house.name, purpose, token)
        raise _over()

    def _account_of(self, link: Link) -> Account:
        account = self._house.accounts.by_id(link.account_id or "")
        if account is None or not account.may_sign_in(time.time()):
            raise _over()
        if link.email and email_key(link.email) != email_key(account.email or ""):
            raise _over()
        return account

    def _find(self, typed: str) -> Account | None:
        """By the proved address where it is one, so that nobody takes another's letters by a name like an address."""
        accounts = self._house.accounts
        is_address = "@" in typed and typed.isprintable()  # PostgreSQL refuses to look for a NUL
        return (accounts.by_email(typed) if is_address else None) or accounts.by_name(typed)


def _problem(account: Account | None) -> str:
    """Why no mail is sent, as a code; "" where one is."""
    if account is None:
        return "unknown_account"
    if not account.may_sign_in(time.time()):
        return "account_inactive"
    return "" if account.email and account.email_verified else "email_not_verified"


def _spelling(typed: str) -> str:
    """What counts as one name or address, whether or not it is anybody's."""
    try:
        return f"asked {name_key(normalise(typed))}"
    except LoginRefused:
        return f"asked {email_key(typed)}"


def _over() -> LinkOver:
    return LinkOver("This link has been used already, or it has run out. Ask for a new one.")
