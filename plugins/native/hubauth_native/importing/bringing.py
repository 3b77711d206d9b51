"""Entries become accounts: written many at a time, each of them whole or not at all. May be run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from hubauth_core import Event, HubAuthError

from ..accounts import Account
from ..house import House
from .entry import Found
from .planning import Plan, Planner, Result

BATCH: Final = 100
"""Accounts of one transaction: the hub's own writes come in between."""


class Bringing:
    """Brings accounts from one kind of place. `origin` names it in each of them; `actor` is who does it.

    With `dry_run` nothing is written.
    """

    def __init__(self, house: House, *, origin: str, actor: str, dry_run: bool = False) -> None:
        self._house = house
        self._origin = origin
        self._actor = actor
        self._dry_run = dry_run
        self._planner = Planner(house, origin=origin, actor=actor)

    async def bring(self, found: Iterable[Found], told: Callable[[int], None] = lambda done: None) -> list[Result]:
        """Take them all in, and say what became of each. `told` hears how many more are done. Raises StoreError."""
        results: list[Result] = []
        rest = iter(found)
        while entries := list(islice(rest, BATCH)):
            plans = [await self._planner.plan(entry) for entry in entries]
            done = [plan.result for plan in plans]
            if not self._dry_run:
                done = await self._house.database.write(partial(self._write, plans))
                self._record(done)
            results += done
            told(len(entries))
        return results

    def _write(self, plans: list[Plan], connection: Connection) -> list[Result]:
        return [self._write_one(plan, connection) for plan in plans]

    def _write_one(self, plan: Plan, connection: Connection) -> Result:
        if plan.result.act not in ("created", "updated"):
            return plan.result
        try:
            with connection.begin_nested():
                account = self._account(plan, connection)
                if plan.besides is not None:
                    plan.besides(connection)
                note = {"actor": self._actor, "reason": self._origin}
                self._house.accounts.note(connection, account.id, "imported", **note)
        except HubAuthError as error:  # somebody has taken the name, or the address, since it was looked at
            return replace(plan.result, act="left_out", why=error.sentence)
        return replace(plan.result, account=account)

    def _account(self, plan: Plan, connection: Connection) -> Account:
        there, accounts = plan.result.account, self._house.accounts
        if there is None:
            return accounts.create(connection, plan.result.username, **plan.values)
        if plan.values:
            accounts.change(connection, there.id, **plan.values)
        return there

    def _record(self, results: Iterable[Result]) -> None:
        for result in results:
            if result.act in ("created", "updated") and (account := result.account) is not None:
                event = Event(kind="imported", subject=account.id, username=account.username, actor=self._actor)
                self._house.core.record(event)
