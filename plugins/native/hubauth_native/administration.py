"""What administrators do to accounts: one or many at once, each time one transaction with history.

Nothing here asks who may: that is `web.rights`, or that somebody sits at the server. `actor` is who does it, `address`
where from. What is so already is not done again; of two at once the database lets one go first. An act on many skips
those that are gone, and answers how many it has changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from hubauth_core import Event, LoginRefused

from . import endings, links
from .accounts import ACTIVE, INACTIVE, PENDING, Account, account_of
from .deletion import erase
from .house import House
from .listing import Found, Listing, Query
from .schema import accounts, history

MOST: Final = 500
"""Accounts in one act."""

Alter = Callable[[Account], Mapping[str, Any] | None]
"""What an act sets in an account; None for nothing to do."""


class TooManyAccounts(LoginRefused):
    """More accounts than one act takes."""

    default_code = "bad_request"


@dataclass(frozen=True, kw_only=True)
class Past:
    """One line of an account's history; see `schema.history`."""

    at: float
    act: str
    actor: str
    reason: str
    address: str


@dataclass(frozen=True)
class Overview:
    """All accounts at a glance."""

    counts: Mapping[str, int]
    origins: Sequence[str]


class Administration:
    """The acts on the accounts of one provider. Every one raises StoreError; on many, TooManyAccounts."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.listing = Listing(house.database, house.name)

    async def find(self, query: Query) -> Found:
        """Accounts, a page at a time; in a thread, because a search looks at every one."""
        return await asyncio.to_thread(self.listing.find, query)

    async def overview(self) -> Overview:
        """How many accounts there are of each status, and where they come from."""
        counts, origins = await asyncio.to_thread(lambda: (self.listing.counts(), self.listing.origins()))
        return Overview(counts, origins)

    def history(self, account_id: str, most: int = 100) -> Sequence[Past]:
        """What happened to an account, the latest first."""
        query = select(history).where(history.c.account_id == account_id).order_by(history.c.at.desc())
        with self._house.database.read() as connection:
            rows = connection.execute(query.order_by(history.c.id.desc()).limit(most)).mappings()
            return [Past(**{name: row[name] for name in Past.__dataclass_fields__}) for row in rows]

    async def approve(self, ids: Sequence[str], *, actor: str) -> int:
        """Let applicants in; they are told."""
        return len(await self._house.approval.approve(_few(ids), actor))

    async def refuse(self, ids: Sequence[str], *, reason: str = "", actor: str) -> int:
        """Turn applicants away; they are told, and their accounts are gone."""
        return len(await self._house.approval.refuse(_few(ids), actor, reason))

    async def deactivate(
        self, ids: Sequence[str], *, until: float | None = None, reason: str = "", actor: str, address: str = ""
    ) -> int:
        """Keep people out, for good or `until` a time, in Unix seconds: sessions, tokens and servers end."""
        values = {"status": INACTIVE, "inactive_until": until, "status_reason": reason[:1000]}

        def alter(account: Account) -> Mapping[str, Any] | None:
            return None if account.status == PENDING else values

        return await self._act(
            ids, "account_deactivated", alter, ends=True, actor=actor, address=address, reason=reason
        )

    async def reactivate(self, ids: Sequence[str], *, actor: str, address: str = "") -> int:
        """Let people in again."""
        values = {"status": ACTIVE, "inactive_until": None, "status_reason": ""}

        def alter(account: Account) -> Mapping[str, Any] | None:
            return values if account.status == INACTIVE else None

        return await self._act(ids, "account_reactivated", alter, actor=actor, address=address)

    async def end_sessions(self, ids: Sequence[str], *, actor: str, address: str = "") -> int:
        """End every session, API token and server."""
        return await self._act(ids, "sessions_ended", lambda _: {}, ends=True, actor=actor, address=address)

    async def reset_factors(self, ids: Sequence[str], *, actor: str, address: str = "") -> int:
        """Take every second factor and every remembered browser away; sessions, tokens and servers end."""

        def reset(connection: Connection, account: Account) -> None:
            self._house.factors.reset(connection, self._house.name, account.id)
            if account.email and account.email_verified:
                said = "An administrator has taken every second factor of your account away."
                self._house.post.put(connection, "factor_changed", account.email, username=account.username, said=said)

        more = {"actor": actor, "address": address}
        return await self._act(ids, "factor_removed", lambda _: {}, ends=True, besides=reset, **more)

    async def set_admin(self, ids: Sequence[str], admin: bool, *, actor: str, address: str = "") -> int:
        """Make people administrators of the hub, or no longer: then their sessions, tokens and servers end."""

        def alter(account: Account) -> Mapping[str, Any] | None:
            return None if account.admin is admin else {"admin": admin}

        kind = "admin_made" if admin else "admin_unmade"
        return await self._act(ids, kind, alter, ends=not admin, actor=actor, address=address)

    async def describe(self, account_id: str, *, actor: str, address: str = "", **values: Any) -> int:
        """Change `full_name`, or `email`, which nobody has proved to own then."""
        if "email" in values:
            values["email_verified"] = False

        def alter(account: Account) -> Mapping[str, Any] | None:
            told = {name: value for name, value in values.items() if name != "email_verified"}
            return None if all(getattr(account, name) == value for name, value in told.items()) else values

        def settle(connection: Connection, account: Account) -> None:
            if "email" in values:
                links.settle_address(connection, account.id)

        return await self._act([account_id], "account_changed", alter, besides=settle, actor=actor, address=address)

    async def create(
        self,
        username: str,
        *,
        email: str | None = None,
        full_name: str = "",
        admin: bool | None = None,
        vouched: bool = True,
        actor: str,
        address: str = "",
    ) -> tuple[Account, str]:
        """A new account, and the address of the one-time link by which its owner sets a password.

        `vouched`: by an administrator of the hub, so that the name may stand in the hub's configuration. Raises
        NameTaken, and LoginRefused for a name that cannot be.
        """
        values = {"email": email or None, "full_name": full_name, "admin": admin, "vouched": vouched}

        def work(connection: Connection) -> Account:
            approved = {"origin": "created", "approved_at": time.time(), "approved_by": actor}
            made = self._house.accounts.create(connection, username, **values, **approved)
            self._house.accounts.note(connection, made.id, "account_created", actor=actor, address=address)
            return made

        account = await self._house.database.write(work)
        self._record([account], "account_created", actor=actor, address=address)
        return account, await self.reset(account.id, actor=actor)

    async def reset(self, account_id: str, *, actor: str) -> str:
        """The address of a new one-time link by which the owner of an account sets a password (row 6.4.6)."""
        url: str = await self._house.recovery.issue_link(account_id, actor)
        return url

    async def send_link(self, ids: Sequence[str], *, actor: str) -> int:
        """Mail such a link in place of showing it; answers how many could be, who has an address, if mail is sent."""
        return sum([await self._house.recovery.send_link(each, actor) for each in _few(ids)])

    async def delete(self, ids: Sequence[str], *, reason: str = "", actor: str, address: str = "") -> int:
        """Delete accounts; their hub users go too, now or when the hub runs again."""

        def work(connection: Connection) -> list[Account]:
            found = self._locked(connection, ids)
            for account in found:
                erase(connection, self._house, account.id)
                endings.want(connection, self._house.name, account.id, "user")
            return found

        gone = await self._house.database.write(work)
        await self._house.endings.act()
        self._record(gone, "account_deleted", actor=actor, address=address)
        return len(gone)

    async def _act(
        self,
        ids: Sequence[str],
        kind: str,
        alter: Alter,
        *,
        ends: bool = False,
        besides: Callable[[Connection, Account], None] | None = None,
        actor: str,
        address: str,
        reason: str = "",
    ) -> int:
        """Change accounts, write it down, and end their access where that is meant."""

        def work(connection: Connection) -> list[Account]:
            changed = []
            for account in self._locked(connection, ids):
                values = alter(account)
                if values is None or (values and all(getattr(account, each) == values[each] for each in values)):
                    continue
                if values:
                    self._house.accounts.change(connection, account.id, **values)
                if besides is not None:
                    besides(connection, account)
                self._house.accounts.note(connection, account.id, kind, actor=actor, reason=reason, address=address)
                if ends:
                    endings.want(connection, self._house.name, account.id)
                changed.append(account)
            return changed

        changed = await self._house.database.write(work)
        if ends and changed:
            await self._house.endings.act()
        self._record(changed, kind, actor=actor, address=address)
        return len(changed)

    def _locked(self, connection: Connection, ids: Sequence[str]) -> list[Account]:
        """The accounts of those ids, kept for this transaction; always in the same order."""
        query = select(accounts).where(accounts.c.provider == self._house.name, accounts.c.id.in_(_few(ids)))
        rows = connection.execute(query.order_by(accounts.c.id).with_for_update()).mappings()
        return [account_of(dict(row)) for row in rows]

    def _record(self, changed: Sequence[Account], kind: str, *, actor: str, address: str) -> None:
        for account in changed:
            self._house.core.record(
                Event(kind=kind, subject=account.id, username=account.username, actor=actor, address=address)
            )


def _few(ids: Sequence[str]) -> list[str]:
    if len(ids) > MOST:
        raise TooManyAccounts(f"At most {MOST} accounts at once.")
    return sorted(set(ids))
