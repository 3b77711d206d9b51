"""Entries become accounts: looked at one by one, written many at a time, each of them whole or not at all.

May be run again: an account that is there is left as it is, unless its password is still the one that came along.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Final, Literal

from sqlalchemy import Connection

from hubauth_core import Event, HubAuthError, LoginRefused
from hubauth_core.plugin import name_key, normalise

from ..accounts import ACTIVE, PENDING, Account, Status
from ..house import House
from ..mail.mailbox import BadMailbox, mailbox
from ..passwords.hashing import is_hash
from .entry import Entry, Found, Unreadable

Act = Literal["created", "updated", "unchanged", "left_out"]

BATCH: Final = 100
"""Accounts of one transaction: the hub's own writes come in between."""

BCRYPT: Final = "$2"
"""What a password hash begins with that nobody has signed in with here yet: the first sign-in makes argon2id of it."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became, or would become, of one entry. `why` and `notes` are sentences."""

    act: Act
    username: str
    where: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()
    status: Status = ACTIVE
    account: Account | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do about one entry: `values` are those of `Account`."""

    entry: Entry
    result: Result
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Bringing:
    """Brings accounts from one kind of place. `origin` names it in each of them; `actor` is who does it.

    With `dry_run` nothing is written.
    """

    def __init__(self, house: House, *, origin: str, actor: str, dry_run: bool = False) -> None:
        self._house = house
        self._origin = origin
        self._actor = actor
        self._dry_run = dry_run
        self._seen: dict[str, str] = {}

    async def bring(self, found: Iterable[Found], told: Callable[[int], None] = lambda done: None) -> list[Result]:
        """Take them all in, and say what became of each. `told` hears how many are done. Raises StoreError."""
        results: list[Result] = []
        rest = iter(found)
        while batch := [self._plan(each) for each in islice(rest, BATCH)]:
            if not self._dry_run:
                batch = await self._house.database.write(partial(self._write, batch))
            results += [plan.result for plan in batch]
            for plan in batch:
                self._record(plan.result)
            told(len(batch))
        return results

    def _plan(self, found: Found) -> Plan:
        if isinstance(found, Unreadable):
            result = Result(act="left_out", username=found.username, where=found.where, why=found.why)
            return Plan(entry=Entry(username=found.username), result=result)
        entry, result = found, Result(act="left_out", username=found.username[:255], where=found.where)
        try:
            name = normalise(entry.username)
        except LoginRefused as error:
            return Plan(entry=entry, result=replace(result, why=error.sentence))
        result = replace(result, username=name)
        key = name_key(name)
        if key in self._seen:
            why = f"Its name is, or looks like, that of {self._seen[key]}, which stands before it."
            return Plan(entry=entry, result=replace(result, why=why))
        self._seen[key] = f"{name!r} ({entry.where})" if entry.where else repr(name)
        there = self._house.accounts.by_name(name)
        return self._plan_new(entry, result) if there is None else self._plan_again(entry, result, there)

    def _plan_new(self, entry: Entry, result: Result) -> Plan:
        notes = [*self._notes(entry)]
        email, verified = self._email(entry, notes)
        values: dict[str, Any] = {
            "full_name": entry.full_name[:255],
            "email": email,
            "email_verified": verified,
            "status": entry.status,
            "admin": entry.admin,
            "origin": self._origin,
            "vouched": True,
        }
        if entry.password_hash is not None and is_hash(entry.password_hash.reveal()):
            values["password_hash"] = entry.password_hash
        if entry.status == ACTIVE:
            values |= {"approved_at": time.time(), "approved_by": self._actor}
        return Plan(
            entry=entry, result=replace(result, act="created", notes=tuple(notes), status=entry.status), values=values
        )

    def _plan_again(self, entry: Entry, result: Result, there: Account) -> Plan:
        result = replace(result, account=there)
        if there.username != result.username:
            return Plan(entry=entry, result=replace(result, why=f"It looks like {there.username!r}, which is taken."))
        if there.origin != self._origin:
            why = "There is an account of this name, which did not come from there."
            return Plan(entry=entry, result=replace(result, why=why))
        values: dict[str, Any] = {}
        old, new = there.password_hash, entry.password_hash
        still = old is not None and old.reveal().startswith(BCRYPT)
        if new is not None and still and new != old and is_hash(new.reveal()):
            values["password_hash"] = new
        if there.status == PENDING and entry.status == ACTIVE:
            values |= {"status": ACTIVE, "approved_at": time.time(), "approved_by": self._actor}
        act: Act = "updated" if values else "unchanged"
        result = replace(result, act=act, status=values.get("status", there.status))
        return Plan(entry=entry, result=result, values=values)

    def _notes(self, entry: Entry) -> Iterator[str]:
        if entry.password_hash is not None and not is_hash(entry.password_hash.reveal()):
            yield "Its password hash is of no known kind: its owner needs a link to choose a password."
        elif entry.password_hash is None:
            yield "It has no password: its owner needs a link to choose one."

    def _email(self, entry: Entry, notes: list[str]) -> tuple[str | None, bool]:
        """Its address, and whether it counts as proved."""
        if not entry.email:
            return None, False
        try:
            address = mailbox(entry.email)
        except BadMailbox:
            notes.append("Its e-mail address is none, and was left out.")
            return None, False
        if entry.email_verified and self._house.accounts.by_email(address) is not None:
            notes.append("Its e-mail address is another account's: here it counts as not proved.")
            return address, False
        return address, entry.email_verified

    def _write(self, plans: list[Plan], connection: Connection) -> list[Plan]:
        return [self._write_one(plan, connection) for plan in plans]

    def _write_one(self, plan: Plan, connection: Connection) -> Plan:
        house, result = self._house, plan.result
        try:
            with connection.begin_nested():
                if result.act == "created":
                    account = house.accounts.create(connection, result.username, **plan.values)
                    house.accounts.note(connection, account.id, "imported", actor=self._actor, reason=self._origin)
                    return replace(plan, result=replace(result, account=account))
                if result.act == "updated" and result.account is not None:
                    house.accounts.change(connection, result.account.id, **plan.values)
                    house.accounts.note(
                        connection, result.account.id, "imported", actor=self._actor, reason=self._origin
                    )
        except HubAuthError as error:  # somebody has taken the name, or the address, since it was looked at
            return replace(plan, result=replace(result, act="left_out", why=error.sentence))
        return plan

    def _record(self, result: Result) -> None:
        if not self._dry_run and result.act in ("created", "updated") and result.account is not None:
            account = result.account
            event = Event(kind="imported", subject=account.id, username=account.username, actor=self._actor)
            self._house.core.record(event)
