"""Invitations: links that administrators give out, for one person or for several, until a time; revocable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from hubauth_core import Event, LoginRefused

from . import links
from .house import House
from .links import Link, LinkOver
from .mail.mailbox import mailbox
from .schema import links as table

MOST_USES: Final = 1000
LONGEST: Final = 90 * 24 * 3600.0
"""Seconds for which an invitation may last."""

SHOWN: Final = 1000
"""Invitations that are listed at most."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """An invitation that can still be used. `id` names it, and lets nobody in. Times are Unix seconds."""

    id: str
    email: str
    uses_left: int
    created_at: float
    expires_at: float
    created_by: str


class Invitations:
    """The invitations of one provider."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def invite(self, email: str | None = None, uses: int = 1, lifetime: float = 7 * 86400.0, by: str = "") -> str:
        """Make an invitation; `lifetime` in seconds. Answers the address to hand on, "" where it was mailed.

        One with an address is for that address alone, once. A mailed link is known to its recipient only, so that using
        it proves the address. Raises LoginRefused for numbers out of range, BadMailbox.
        """
        if not (1 <= uses <= MOST_USES and 60.0 <= lifetime <= LONGEST):
            raise LoginRefused(
                f"An invitation is for 1 to {MOST_USES} people, and lasts a minute to {LONGEST / 86400:.0f} days.",
                code="bad_request",
            )
        to = mailbox(email) if email else ""
        mailed = bool(to) and self._house.post.enabled
        make = partial(self._make, to=to, uses=1 if to else uses, lifetime=lifetime, by=by, mailed=mailed)
        url = await self._house.database.write(make)
        self._house.core.record(Event(kind="invited", actor=by))
        return "" if mailed else url

    def look(self, token: str) -> Link:
        """What an invitation is for, without using it. Raises LinkOver."""
        with self._house.database.read() as connection:
            return links.look(connection, self._house.name, "invite", token)

    def use(self, connection: Connection, token: str) -> Link:
        """Use an invitation once, in the transaction of the account that it is for. Raises LinkOver."""
        return links.use(connection, self._house.name, "invite", token)

    def open(self) -> Sequence[Invitation]:
        """The invitations that can still be used, the newest first."""
        with self._house.database.read() as connection:
            query = select(table).where(*links.alive(self._house.name, "invite")).order_by(table.c.created_at.desc())
            rows = connection.execute(query.limit(SHOWN)).mappings().all()
        fields = [name for name in Invitation.__dataclass_fields__ if name != "id"]
        return [Invitation(id=row["digest"], **{name: row[name] for name in fields}) for row in rows]

    async def revoke(self, invitation_id: str, by: str = "") -> None:
        """Let an invitation die. Raises LinkOver where it is over already."""
        ours = (table.c.digest == invitation_id, *links.alive(self._house.name, "invite"))
        done = await self._house.database.write(
            lambda connection: connection.execute(delete(table).where(*ours)).rowcount
        )
        if not done:
            raise LinkOver("This invitation is over already.")
        self._house.core.record(Event(kind="invitation_revoked", actor=by))

    def _make(self, connection: Connection, *, to: str, uses: int, lifetime: float, by: str, mailed: bool) -> str:
        about: dict[str, Any] = {"email": to, "data": {"mailed": mailed}, "uses": uses, "by": by}
        token = links.make(connection, self._house.name, "invite", lifetime=lifetime, **about)
        url = self._house.addresses.link("invite", token)
        if mailed:
            self._house.post.put(
                connection, "invited", to, good_for=lifetime, by=by, link=url, days=max(1, int(lifetime // 86400))
            )
        return url
