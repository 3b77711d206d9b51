"""The one place where an account gets another password."""

from __future__ import annotations

import time
from typing import Literal

from sqlalchemy import Connection, delete, update

from hubauth_core import Secret

from .. import endings, links
from ..house import House
from ..schema import accounts, browsers

Why = Literal["changed", "reset", "first_password", "imported"]


def set_password(
    house: House,
    connection: Connection,
    account_id: str,
    hashed: Secret,
    *,
    actor: str = "",
    address: str = "",
    why: Why = "changed",
) -> bool:
    """Set a password, and end whatever the old one has opened (rows S02, V33, V10); False if there is no such account.

    Sessions, API tokens and servers end when the caller then awaits `house.endings.act()`.
    """
    fresh = {"password_set_at": time.time(), "must_change": False, "failures": 0}
    if not house.accounts.change(connection, account_id, password_hash=hashed, **fresh):
        return False
    links.withdraw(connection, account_id, "reset", "first_password", "email_change")
    trusted = (browsers.c.provider == house.name) & (browsers.c.subject == account_id)
    connection.execute(delete(browsers).where(trusted))
    endings.want(connection, house.name, account_id)
    house.accounts.note(connection, account_id, "password_changed", actor=actor, reason=why, address=address)
    return True


def renew_hash(connection: Connection, account_id: str, old: Secret, new: Secret) -> None:
    """Store the same password under today's parameters, unless it was changed meanwhile (row P09)."""
    same = (accounts.c.id == account_id) & (accounts.c.password_hash == old.reveal())
    connection.execute(update(accounts).where(same).values(password_hash=new.reveal()))
