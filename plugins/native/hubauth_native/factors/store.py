"""Factors as they are stored. They belong to an identity of any provider, and count for every identity of that person.

Using one up is one statement of the database, so that of two at once one succeeds (row 6.5.1).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from hubauth_core import Core, LoginRefused
from hubauth_core.plugin import Database

from ..schema import browsers, factors

Owner = tuple[str, str]
"""(provider, subject) of an identity."""

Kind = Literal["totp", "recovery", "passkey"]
TOTP: Final = "totp"
RECOVERY: Final = "recovery"
PASSKEY: Final = "passkey"

MOST: Final = 10
"""Factors of one kind that one person may have."""

LONGEST_LABEL: Final = 64
"""Characters of what a person calls a factor."""


class FactorRefused(LoginRefused):
    """A factor is not added, changed or removed as was asked."""

    default_code = "factor_refused"


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One stored factor; see `schema.factors`."""

    id: str
    provider: str
    subject: str
    kind: Kind
    label: str
    data: bytes = field(repr=False)
    counter: int
    created_at: float
    last_used_at: float | None

    @property
    def owner(self) -> Owner:
        return (self.provider, self.subject)


def new_id() -> str:
    """A random id of a factor."""
    return secrets.token_hex(16)


def digest(*parts: str) -> str:
    """SHA-256 of texts that cannot run into each other."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Factors:
    """The factors that one native provider keeps. Reads are short, for the event loop; writes take a connection."""

    def __init__(self, core: Core, database: Database, keeper: str) -> None:
        self._core = core
        self._database = database
        self.keeper = keeper

    def owners(self, provider: str, subject: str) -> tuple[Owner, ...]:
        """Every identity of whoever has this one, the home identity first: a factor of one counts for all."""
        return tuple(dict.fromkeys([*self._core.same_person(provider, subject), (provider, subject)]))

    def of(self, owners: Sequence[Owner], *kinds: Kind) -> list[Factor]:
        """A person's factors in the order in which they were added; of some kinds alone, if any are named."""
        condition = [factors.c.kind.in_(kinds)] if kinds else []
        return self._read(self._are(factors, owners), *condition)

    def passkey(self, digest: str) -> Factor | None:
        """The passkey of that digest."""
        found = self._read(factors.c.keeper == self.keeper, factors.c.kind == PASSKEY, factors.c.digest == digest)
        return found[0] if found else None

    def add(
        self,
        connection: Connection,
        owner: Owner,
        kind: Kind,
        *,
        digest: str,
        id: str = "",  # noqa: A002
        label: str = "",
        data: bytes = b"",
        counter: int = 0,
    ) -> str:
        """Store a factor; its id. Raises FactorRefused for one that is stored already, and where there are too many."""
        provider, subject = owner
        if self.count(connection, [owner], kind) >= MOST:
            raise FactorRefused(f"You have {MOST} of these already. Remove one first.", code="too_many_factors")
        row = {"id": id or new_id(), "keeper": self.keeper, "provider": provider, "subject": subject, "kind": kind}
        kept = {"label": label[:LONGEST_LABEL], "data": data, "digest": digest, "counter": counter}
        try:
            with connection.begin_nested():
                times = {"challenged_at": 0.0, "created_at": time.time()}
                connection.execute(insert(factors).values(**row, **kept, **times))
        except IntegrityError as error:
            raise FactorRefused("This was added already.", code="factor_exists") from error
        return row["id"]

    def count(self, connection: Connection, owners: Sequence[Owner], kind: Kind) -> int:
        """How many factors of a kind a person has, as this transaction sees it."""
        found = select(func.count()).where(self._are(factors, owners), factors.c.kind == kind)
        return connection.execute(found).scalar_one()

    def spend_step(self, connection: Connection, factor_id: str, step: int) -> bool:
        """Use a time step of an authenticator app up, with every one before it; False if it was."""
        wanted = update(factors).where(factors.c.id == factor_id, factors.c.counter < step)
        return bool(connection.execute(wanted.values(counter=step, last_used_at=time.time())).rowcount)

    def spend_code(self, connection: Connection, owners: Sequence[Owner], digest: str) -> bool:
        """Use a recovery code up; False if there is no such code (any more)."""
        wanted = delete(factors).where(
            self._are(factors, owners), factors.c.kind == RECOVERY, factors.c.digest == digest
        )
        return bool(connection.execute(wanted).rowcount)

    def spend_challenge(self, connection: Connection, factor_id: str, counter: int, challenged_at: float) -> bool:
        """Take a passkey's answer to a challenge; False if it has answered that one, or a later one, or counts back."""
        rises = factors.c.counter < counter if counter else factors.c.counter == 0
        wanted = update(factors).where(factors.c.id == factor_id, factors.c.challenged_at < challenged_at, rises)
        values = {"counter": counter, "challenged_at": challenged_at, "last_used_at": time.time()}
        return bool(connection.execute(wanted.values(**values)).rowcount)

    def keep_data(self, connection: Connection, factor_id: str, old: bytes, new: bytes) -> None:
        """Store the same secret sealed anew, unless it was changed meanwhile."""
        connection.execute(update(factors).where(factors.c.id == factor_id, factors.c.data == old).values(data=new))

    def rename(self, connection: Connection, owners: Sequence[Owner], factor_id: str, label: str) -> bool:
        """Call a factor something else; False if they have none of that id."""
        wanted = update(factors).where(self._are(factors, owners), factors.c.id == factor_id)
        return bool(connection.execute(wanted.values(label=label[:LONGEST_LABEL])).rowcount)

    def remove(self, connection: Connection, owners: Sequence[Owner], factor_id: str) -> bool:
        """Take one factor away; the recovery codes go with the last one. False if they have none of that id."""
        mine = self._are(factors, owners)
        if not connection.execute(delete(factors).where(mine, factors.c.id == factor_id)).rowcount:
            return False
        self._forget_lonely_codes(connection, owners)
        return True

    def forget_codes(self, connection: Connection, owners: Sequence[Owner]) -> None:
        """Take all recovery codes away."""
        connection.execute(delete(factors).where(self._are(factors, owners), factors.c.kind == RECOVERY))

    def distrust(self, connection: Connection, owners: Sequence[Owner]) -> None:
        """Ask again in every browser."""
        connection.execute(delete(browsers).where(self._are(browsers, owners)))

    def reset(self, connection: Connection, provider: str, subject: str) -> int:
        """Take every factor of a person away, for an administrator or a proof of who they are; how many there were."""
        owners = self.owners(provider, subject)
        self.distrust(connection, owners)
        return connection.execute(delete(factors).where(self._are(factors, owners))).rowcount

    def forget_since(self, connection: Connection, provider: str, subject: str, moment: float) -> None:
        """Take away what a person has added since a time (Unix seconds); every browser is asked again."""
        owners = self.owners(provider, subject)
        self.distrust(connection, owners)
        connection.execute(delete(factors).where(self._are(factors, owners), factors.c.created_at >= moment))
        self._forget_lonely_codes(connection, owners)

    def all_of(self, kind: Kind) -> list[Factor]:
        """Everybody's factors of a kind, for upkeep."""
        return self._read(factors.c.keeper == self.keeper, factors.c.kind == kind)

    def foreign_owners(self, connection: Connection, before: float) -> list[Owner]:
        """Who has factors here and comes from another provider; only those added before a time (Unix seconds)."""
        foreign = (factors.c.keeper == self.keeper, factors.c.provider != self.keeper, factors.c.created_at < before)
        found = connection.execute(select(factors.c.provider, factors.c.subject).where(*foreign).distinct())
        return [(provider, subject) for provider, subject in found]

    def _forget_lonely_codes(self, connection: Connection, owners: Sequence[Owner]) -> None:
        mine = self._are(factors, owners)
        others = select(func.count()).where(mine, factors.c.kind != RECOVERY)
        if not connection.execute(others).scalar_one():
            connection.execute(delete(factors).where(mine))

    def _read(self, *conditions: ColumnElement[bool]) -> list[Factor]:
        columns = [factors.c[name] for name in Factor.__dataclass_fields__]
        with self._database.read() as connection:
            query = select(*columns).where(*conditions).order_by(factors.c.created_at, factors.c.id)
            return [Factor(**row) for row in connection.execute(query).mappings()]

    def _are(self, table: Any, owners: Sequence[Owner]) -> ColumnElement[bool]:
        one_of = [and_(table.c.provider == provider, table.c.subject == subject) for provider, subject in owners]
        return and_(table.c.keeper == self.keeper, or_(*one_of))
