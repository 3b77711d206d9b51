"""Deletion in both directions: an account ends with its hub user, and a hub user with its account (row V15).

Whoever comes later under the same name is another account with another id, so that nothing is left to inherit; what
belonged to the old one goes in the same transaction all the same.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete

from hubauth_core import Event, LoginRefused
from hubauth_core.plugin import normalise

from .accounts import INACTIVE, Account, NameTaken
from .house import House
from .schema import browsers, factors

ORPHANED: Final = "The hub user of this account was deleted while the hub was stopped."


def erase(connection: Connection, house: House, account_id: str) -> bool:
    """Delete an account with all that is its own; False if there is none. History and links go with the row."""
    for table in (factors, browsers):
        connection.execute(delete(table).where(table.c.provider == house.name, table.c.subject == account_id))
    return house.accounts.delete(connection, account_id)


async def hub_user_deleted(house: House, account_id: str) -> None:
    """The hub user of an account is gone, by whatever way: so is the account. Raises StoreError."""
    account = house.accounts.by_id(account_id)
    if await house.database.write(lambda connection: erase(connection, house, account_id)):
        name = account.username if account else ""
        house.core.record(Event(kind="account_deleted", subject=account_id, username=name, reason="hub_user_deleted"))


async def hub_user_renamed(house: House, account_id: str, old: str, new: str, listed: frozenset[str]) -> None:
    """The hub user has another name: the account follows, behind the same prefix, where that name is free.

    A name of `listed` gives rights, so nobody comes to it by being renamed (row V12).
    """
    account = house.accounts.by_id(account_id)
    if account is None or not old.endswith(account.username):
        return
    prefix = old.removesuffix(account.username)
    if not new.startswith(prefix) or (name := new.removeprefix(prefix)) in listed:
        house.core.log.warning("hubauth: the account of %r keeps its own name", new)
        return

    def follow(connection: Connection) -> None:
        house.accounts.change(connection, account_id, username=normalise(name))
        house.accounts.note(connection, account_id, "account_renamed", reason=f"{account.username} -> {name}")

    try:
        await house.database.write(follow)
    except (NameTaken, LoginRefused):
        house.core.log.warning("hubauth: the account of %r keeps its own name, the other one is taken", new)
        return
    house.core.record(Event(kind="account_renamed", subject=account_id, username=name))


async def close_orphans(house: House) -> None:
    """Accounts whose hub user was deleted while nobody could be told: closed, until an administrator decides.

    Signing in again would make that hub user anew. Raises StoreError.
    """
    closed: list[Account] = []

    def close(connection: Connection) -> None:
        for account in filter(None, map(house.accounts.by_id, house.core.orphans())):
            if account.status != INACTIVE:
                values = {"status": INACTIVE, "inactive_until": None, "status_reason": ORPHANED}
                house.accounts.change(connection, account.id, **values)
                house.accounts.note(connection, account.id, "account_deactivated", reason=ORPHANED)
                closed.append(account)

    await house.database.write(close)
    for account in closed:
        house.core.record(
            Event(kind="account_deactivated", subject=account.id, username=account.username, reason="hub_user_deleted")
        )
