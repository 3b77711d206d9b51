"""What tests of sign-up share: applicants, and the letters that wait in the outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select

from hubauth_core import LoginRefused
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account
from hubauth_native.mail.outbox import Letter
from hubauth_native.schema import mails
from hubauth_native.signup import Application

PASSWORD = "zebra lantern 47 quartz"
CHEAP = {"argon2_unsafe": True, "argon2_memory_cost": 8, "argon2_time_cost": 1}
MAIL = {"smtp_host": "mail.example.org", "mail_from": "hub@example.org"}


def application(username: str = "ann", **typed: Any) -> Application:
    """What somebody types."""
    return Application(**{"username": username, "password": PASSWORD, **typed})


async def applied(native: NativeProvider, username: str = "ann", **typed: Any) -> Account:
    """Somebody who has signed up."""
    return await native.house.sign_up.register(application(username, **typed))


def letters(native: NativeProvider) -> list[Letter]:
    """What waits to be sent, in order."""
    with native.house.database.read() as connection:
        rows = connection.execute(select(mails).order_by(mails.c.created_at)).mappings().all()
    opened = [native.house.post.outbox.open(row["id"], row["sealed"]) for row in rows]
    return [each for each in opened if each]


def token_in(letter: Letter) -> str:
    """What stands in the link of a letter."""
    return letter.text.partition("token=")[2].split()[0]


def found(native: NativeProvider, account: Account) -> Account | None:
    """The account as it is stored now."""
    return native.house.accounts.by_id(account.id)


async def until_refused(work: Callable[[int], Awaitable[object]], most: int = 10) -> str:
    """Do something again and again; the code of the refusal that ends it, "" if there was none."""
    for number in range(most):
        try:
            await work(number)
        except LoginRefused as refused:
            return refused.code
    return ""
