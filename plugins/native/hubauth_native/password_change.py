"""Somebody who is signed in proves who it is by the current password, and chooses another one (rows 6.2.2, 6.2.3)."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from hubauth_core import Event, LoginRefused, Secret

from .accounts import Account
from .house import House
from .passwords.changing import set_password

MOST_FAILURES: Final = 100
"""Wrong passwords in a row after which only a new one by a link opens the account (row P10)."""


class WrongPassword(LoginRefused):
    """The current password was asked for, and another one was typed."""

    default_code = "wrong_password"


async def prove(house: House, account: Account, password: str, address: str) -> None:
    """Whoever has the session knows the password too, where there is one. Raises WrongPassword, TooMany, Busy.

    Counts as a failed sign-in until it has succeeded, so that nobody guesses here what is shut there (row P10).
    """
    if account.password_hash is None:
        return
    shut = await house.throttle.write(partial(_count, house, account, address))
    verified = await house.hasher.verify(None if shut else account.password_hash, password)
    if not verified.ok:
        code = WrongPassword.default_code
        event = Event(kind="password_refused", subject=account.id, username=account.username, reason=code)
        house.core.record(replace(event, address=address))
        raise WrongPassword("The current password is not right.")
    await house.throttle.write(partial(_proved, house, account))


class PasswordChange:
    """Changes of passwords by their owners."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def change(self, account: Account, current: str, new: str, address: str) -> None:
        """Set another password, or a first one where there is none; every session, token and server ends.

        The caller sees to it that the sign-in was recent. Raises WrongPassword, PasswordRefused, TooMany, Busy.
        """
        house = self._house
        await prove(house, account, current, address)
        await house.policy.check(new, about=about(account))
        hashed = await house.hasher.hash(new)
        await house.database.write(lambda connection: self._set(connection, account, hashed, address))
        house.core.record(
            Event(kind="password_changed", subject=account.id, username=account.username, address=address)
        )
        await house.endings.act()

    def _set(self, connection: Connection, account: Account, hashed: Secret, address: str) -> None:
        set_password(self._house, connection, account.id, hashed, address=address)
        tell_changed(self._house, connection, account)


def tell_changed(house: House, connection: Connection, account: Account, by: str = "") -> None:
    """Tell the owner that there is a new password, without it (rows S02, 6.3.7); `by` whose link, where it was one."""
    if account.email and account.email_verified:
        names: dict[str, Any] = {"username": account.username, "by": by, "forgotten": house.addresses.page("forgotten")}
        house.post.put(connection, "password_changed", account.email, **names)


def about(account: Account) -> tuple[str, ...]:
    """What the account's password must not be made of."""
    return tuple(filter(None, (account.username, account.email, account.full_name)))


def _count(house: House, account: Account, address: str, connection: Connection) -> bool:
    house.throttle.take(connection, kind="password", account=account.id, address=address)
    held = house.accounts.held(connection, account.id)
    if held is None or held.failures >= MOST_FAILURES:
        return True
    house.accounts.change(connection, account.id, failures=held.failures + 1, last_failure_at=time.time())
    return False


def _proved(house: House, account: Account, connection: Connection) -> None:
    house.throttle.forget(connection, kind="password", account=account.id)
    house.accounts.change(connection, account.id, failures=0, last_failure_at=account.last_failure_at)
