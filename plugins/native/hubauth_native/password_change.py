"""Somebody who is signed in proves who it is by the current password, and chooses another one (rows 6.2.2, 6.2.3)."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, update

from hubauth_core import Event, LoginRefused, Secret

from .accounts import Account
from .house import House
from .passwords.changing import set_password
from .schema import accounts


class WrongPassword(LoginRefused):
    """The current password was asked for, and another one was typed."""

    default_code = "wrong_password"


async def prove(house: House, account: Account, password: str, address: str) -> None:
    """Whoever has the session knows the password too, where there is one. Raises WrongPassword, TooMany, Busy."""
    if account.password_hash is None:
        return
    await house.throttle.admit("password", account=account.id, address=address)
    verified = await house.hasher.verify(account.password_hash, password)
    if not verified.ok:
        await house.database.write(lambda connection: _failed(connection, account.id))
        house.core.record(
            Event(
                kind="password_refused",
                subject=account.id,
                username=account.username,
                reason=WrongPassword.default_code,
                address=address,
            )
        )
        raise WrongPassword("The current password is not right.")
    await house.throttle.succeeded("password", account=account.id)


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


def _failed(connection: Connection, account_id: str) -> None:
    failed = {"failures": accounts.c.failures + 1, "last_failure_at": time.time()}
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(**failed))
