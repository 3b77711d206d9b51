"""Applicants become people, or go: by an administrator, or by proving an address at a domain that vouches for them.

Whoever comes first decides; the database says who that was. Administrators are told of applicants, several in one mail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, func, select, update

from hubauth_core import Event

from . import links
from .accounts import ACTIVE, PENDING, Account, account_of
from .domains import domain_of, domains_of
from .house import House
from .mail.outbox import KEEP_TRYING
from .options.signup import SignUpOptions
from .schema import accounts

EVERY: Final = 30.0
"""Seconds between two looks at what waits to be told, and at what has run out."""

ADMINS: Final = "admins"
"""What `notify_admins` calls the administrators among the accounts."""

SELF: Final = "self_approval"
"""Why an account is active that no administrator has approved."""


class Approval:
    """Decides about the applicants of one provider. Raises ConfigError for a domain that is none."""

    def __init__(self, house: House, options: SignUpOptions, clock: Callable[[], float] = time.time) -> None:
        self._house = house
        self._options = options
        self._clock = clock
        self._here = accounts.c.provider == house.name
        vouching = "self_approval_domains" if options.mode == "approval" else "allowed_email_domains"
        self.vouching = domains_of(vouching, getattr(options, vouching))
        """The domains at which a proved address needs no administrator."""

    def vouches(self, address: str | None) -> bool:
        """Whether an address, once it is proved, stands in for an administrator's approval."""
        decides = self._options.mode in {"approval", "email_domain"}
        return decides and bool(address) and domain_of(address or "") in self.vouching

    async def approve(self, account_ids: Sequence[str], actor: str) -> list[Account]:
        """Approve applicants; answers those who were still waiting. Raises StoreError."""
        return await self._decide(account_ids, partial(self._approve, actor=actor), "account_approved", actor)

    async def refuse(self, account_ids: Sequence[str], actor: str, reason: str = "") -> list[Account]:
        """Refuse applicants, which deletes their accounts and links; answers those who were still waiting.

        `reason` stands in the letter to them. Raises StoreError.
        """
        return await self._decide(account_ids, partial(self._refuse, reason=reason), "account_refused", actor)

    def settle(self, connection: Connection, account: Account, *, by: str = "") -> bool:
        """Approve one who still waits, in the caller's transaction; False where somebody has decided already.

        `by` is empty where a proved address was enough.
        """
        waits = self._here & (accounts.c.id == account.id) & (accounts.c.status == PENDING)
        approved = {"status": ACTIVE, "approved_at": self._clock(), "approved_by": by}
        if not connection.execute(update(accounts).where(waits).values(**approved)).rowcount:
            return False
        self._house.accounts.note(connection, account.id, "account_approved", actor=by, reason="" if by else SELF)
        return True

    def announce(self, connection: Connection) -> None:
        """Tell administrators of those who wait for them and whom they do not know of, unless they were told lately."""
        told_to = self._told_to(connection)
        last = connection.execute(select(func.max(accounts.c.announced_at)).where(self._here)).scalar() or 0.0
        if not told_to or last > self._clock() - self._options.notify_every:
            return
        new = (self._here, *self._ready(), accounts.c.announced_at.is_(None))
        rows = connection.execute(select(accounts.c.username).where(*new).order_by(accounts.c.created_at)).scalars()
        names = rows.all()
        if not connection.execute(update(accounts).where(*new).values(announced_at=self._clock())).rowcount:
            return
        page = self._house.addresses.page("users?status=pending")
        shown: dict[str, Any] = {
            "count": len(names),
            "names": ", ".join(names[:20]),
            "more": max(0, len(names) - 20),
            "page": page,
        }
        for address in told_to:
            self._house.post.put(connection, "applied", address, **shown)

    async def run(self) -> None:
        """Announce, and forget what has run out, again and again."""
        while True:
            await self._house.throttle.write(self.announce)
            await self._house.throttle.write(self.prune)
            await asyncio.sleep(EVERY)

    def prune(self, connection: Connection) -> None:
        """Delete accounts whose address was not proved in time, and links that are over."""
        old = (accounts.c.created_at < self._clock() - self._options.unverified_lasts, accounts.c.must_verify.is_(True))
        connection.execute(delete(accounts).where(self._here, *old))
        links.prune(connection)

    def waiting(self, connection: Connection) -> int:
        """How many accounts wait for a decision or for a proof."""
        waits = (accounts.c.status == PENDING) | accounts.c.must_verify.is_(True)
        return connection.execute(select(func.count()).select_from(accounts).where(self._here, waits)).scalar_one()

    async def _decide(
        self, account_ids: Sequence[str], decide: Callable[[Connection, Account], bool], kind: str, actor: str
    ) -> list[Account]:
        def work(connection: Connection) -> list[Account]:
            # In one order, so that two administrators never wait for each other.
            held = (self._house.accounts.held(connection, each) for each in sorted(set(account_ids)))
            return [each for each in held if each and decide(connection, each)]

        decided = await self._house.throttle.write(work)
        for each in decided:
            self._house.core.record(Event(kind=kind, subject=each.id, username=each.username, actor=actor))
        return decided

    def _approve(self, connection: Connection, account: Account, actor: str) -> bool:
        if not self.settle(connection, account, by=actor):
            return False
        sign_in = self._house.addresses.page("login")
        self._write(connection, "approved", account, sign_in=sign_in)
        return True

    def _refuse(self, connection: Connection, account: Account, reason: str) -> bool:
        waits = self._here & (accounts.c.id == account.id) & (accounts.c.status == PENDING)
        if not connection.execute(delete(accounts).where(waits)).rowcount:
            return False
        self._write(connection, "refused", account, reason=reason[:500])
        return True

    def _write(self, connection: Connection, letter: str, account: Account, **values: str) -> None:
        """A letter to an applicant; not to an address that may be somebody else's."""
        if account.email and not account.must_verify:
            self._house.post.put(
                connection, letter, account.email, good_for=KEEP_TRYING, username=account.username, **values
            )

    def _ready(self) -> tuple[Any, ...]:
        """What is left to do is an administrator's."""
        return (accounts.c.status == PENDING, accounts.c.must_verify.is_(False))

    def _told_to(self, connection: Connection) -> list[str]:
        listed = [each for each in self._options.notify_admins if each != ADMINS]
        if ADMINS in self._options.notify_admins:
            listed += [each.email for each in map(account_of, self._admins(connection)) if each.email]
        return list(dict.fromkeys(listed))

    def _admins(self, connection: Connection) -> Sequence[dict[str, Any]]:
        proved = (accounts.c.status == ACTIVE, accounts.c.verified_email_key.is_not(None), accounts.c.admin.is_(True))
        query: Select[tuple[Any, ...]] = select(accounts).where(self._here, *proved).limit(50)
        return [dict(row) for row in connection.execute(query).mappings()]
