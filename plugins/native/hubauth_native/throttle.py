"""Attempts are counted in the database before they are looked at: by account, by address, and all together (row S04).

A row's key is a digest under a key of the hub, so that the table tells neither names nor addresses. An account counts
by its id whatever name or page it was meant by (row V40); a name that is nobody's counts just the same (row S03). One
attempt is one transaction, which takes its rows in one order; an attempt that is refused leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from hubauth_core import LoginRefused, StoreError
from hubauth_core.plugin import Database

from .options.throttle import BY, LIMITS, ThrottleOptions
from .pace import Counter, count, level, wait
from .schema import throttle

Answer = TypeVar("Answer")

SEEN: Final = "seen"
"""Kind of the rows that tell from where an account was signed in to; `TOLD`: that its owner was told of attempts."""
TOLD: Final = "told"

DAY: Final = 86400.0
SEEN_LASTS: Final = 90 * DAY
PRUNE_EVERY: Final = 600.0
TRIES: Final = 5
"""How often a transaction is tried that the database gives up for the sake of another one."""
DEADLOCKS: Final = frozenset({1213, "40001", "40P01"})
"""What MariaDB and PostgreSQL call that."""

NETWORK: Final = 64
"""Bits of an IPv6 address that count: who has one has all of its network."""


class TooMany(LoginRefused):
    """Too many attempts; the next may come in `retry_after` seconds."""

    default_code = "too_many_attempts"

    def __init__(self, seconds: float) -> None:
        self.retry_after = max(1, math.ceil(seconds))
        unit = "second" if self.retry_after == 1 else "seconds"
        super().__init__(f"Too many attempts. Wait for {self.retry_after} {unit}, then try again.")


class Throttle:
    """The counters of one provider. `key`: 32 bytes."""

    def __init__(
        self, options: ThrottleOptions, database: Database, key: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        self._options = options
        self._database = database
        self._key = key
        self._clock = clock

    async def admit(self, kind: str, *, account: str = "", address: str = "") -> None:
        """Count one attempt. `account`: the id of one, or what was typed where it is nobody's.

        Raises TooMany, StoreError.
        """
        await self.write(partial(self.take, kind=kind, account=account, address=address))

    async def succeeded(self, kind: str, *, account: str) -> None:
        """Forget an account's attempts; never those of an address. Raises StoreError."""
        await self.write(partial(self.forget, kind=kind, account=account))

    async def write(self, work: Callable[[Connection], Answer]) -> Answer:
        """`Database.write`, once more where the database has given up one of two transactions."""
        for _ in range(TRIES - 1):
            try:
                return await self._database.write(work)
            except StoreError as error:
                if not _gave_way(error):
                    raise
        return await self._database.write(work)

    def take(
        self, connection: Connection, *, kind: str, account: str = "", address: str = "", device: str = ""
    ) -> None:
        """Count one attempt in the caller's transaction. Raises TooMany: then the caller must let it roll back.

        `device` names a browser that has proved to be the account's: it counts by itself, whatever others do meanwhile.
        So does the account together with an address from which it was signed in to, as far as the account is concerned.
        """
        wanted = {"overall": "overall", "address": f"address {network(address)}" if address else ""}
        wanted["account"] = f"account {account}" if account else ""
        if device:
            wanted = {"account": f"device {account} {device}"}
        elif account and address and self._seen(connection, account, address):
            wanted["account"] = f"pair {account} {network(address)}"
        rules = {
            self._digest(name): limit
            for by, name in wanted.items()
            if name and (limit := self._options.limit(kind, by)) is not None
        }
        held = {key: _hold(connection, key, kind) for key in sorted(rules)}
        now = self._clock()  # only now: while it waited for a row, another attempt wrote a later time into it
        longest = max((wait(held[key], limit, now) for key, limit in rules.items()), default=0.0)
        if longest > 0:
            raise TooMany(longest)
        for key, limit in rules.items():
            _write(connection, key, kind, count(held[key], limit, now))

    def forget(self, connection: Connection, *, kind: str, account: str, address: str = "", device: str = "") -> None:
        """An account's attempts are over well: in the caller's transaction. `address` counts as its owner's then."""
        names = [f"account {account}", f"device {account} {device}", f"pair {account} {network(address)}"]
        own = throttle.c.key.in_([self._digest(name) for name in names])
        connection.execute(delete(throttle).where(own, throttle.c.kind == kind))
        if address:
            self._note(connection, SEEN, f"seen {account} {network(address)}", SEEN_LASTS)

    def tell(self, connection: Connection, account: str, seconds: float = DAY) -> bool:
        """Whether an account's owner is to be told now; once in so many seconds."""
        name = f"told {account}"
        if _hold(connection, self._digest(name), TOLD).open_at > self._clock():
            return False
        self._note(connection, TOLD, name, seconds)
        return True

    def level(self, kind: str, *, account: str = "", address: str = "") -> float:
        """Attempts of an account or of an address, whichever are more, not yet forgotten. Raises StoreError."""
        named = {"account": f"account {account}" if account else "", "address": f"address {network(address)}"}
        rules = {self._digest(name): self._options.limit(kind, by) for by, name in named.items() if name}
        with self._database.read() as connection:
            rows = connection.execute(_rows(kind).where(throttle.c.key.in_(rules))).all()
        return max((level(_counter(row), limit, self._clock()) for row in rows if (limit := rules[row.key])), default=0)

    def prune(self, connection: Connection) -> None:
        """Forget what has drained."""
        now = self._clock()
        for kind in (SEEN, TOLD):
            connection.execute(delete(throttle).where(throttle.c.kind == kind, throttle.c.open_at < now))
        for kind, longest in self._longest().items():
            old = throttle.c.updated_at < now - longest
            connection.execute(delete(throttle).where(old, throttle.c.kind == kind))

    async def run(self) -> None:
        """Prune again and again."""
        while True:
            await self.write(self.prune)
            await asyncio.sleep(PRUNE_EVERY)

    def _longest(self) -> Mapping[str, float]:
        """Seconds after which every counter of a kind is empty: its level is at most twice what may come at once."""
        every = {}
        for kind in LIMITS:
            limits = filter(None, (self._options.limit(kind, by) for by in BY))
            every[kind] = max((2 * limit.seconds + DAY / 24 for limit in limits), default=0.0)
        return every

    def _seen(self, connection: Connection, account: str, address: str) -> bool:
        key = self._digest(f"seen {account} {network(address)}")
        row = connection.execute(_rows(SEEN).where(throttle.c.key == key)).first()
        return row is not None and row.open_at > self._clock()

    def _note(self, connection: Connection, kind: str, name: str, seconds: float) -> None:
        key, now = self._digest(name), self._clock()
        _hold(connection, key, kind)
        _write(connection, key, kind, Counter(0.0, now, now + seconds))

    def _digest(self, name: str) -> str:
        told = name.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()


def network(address: str) -> str:
    """What counts of an address: all of IPv4, the /64 of IPv6; an IPv4 address in IPv6's clothes is one of IPv4."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), NETWORK), strict=False))
    return str(found)


def _gave_way(error: StoreError) -> bool:
    """Whether the database has rolled back for the sake of another transaction."""
    told = getattr(error.__cause__, "orig", None)
    code = getattr(told, "sqlstate", None) or next(iter(getattr(told, "args", ())), None)
    return code in DEADLOCKS


def _rows(kind: str) -> Any:
    columns = throttle.c
    wanted = (columns["key"], columns["count"].label("level"), columns["updated_at"], columns["open_at"])
    return select(*wanted).where(throttle.c.kind == kind)


def _hold(connection: Connection, key: str, kind: str) -> Counter:
    """The counter of a key, a new one where there is none; nobody else reads or writes it until we are done.

    An upsert that changes nothing takes the row at once on every database: a plain read first would let two through.
    """
    row = {"key": key, "kind": kind, "count": 0.0, "updated_at": 0.0, "open_at": 0.0}
    same: Any
    match connection.dialect.name:
        case "mysql" | "mariadb":
            made = mysql.insert(throttle).values(**row)
            same = made.on_duplicate_key_update(kind=kind)
        case "postgresql":
            same = postgresql.insert(throttle).values(**row)
            same = same.on_conflict_do_update(index_elements=["key", "kind"], set_={"kind": kind})
        case _:
            same = sqlite.insert(throttle).values(**row).on_conflict_do_nothing()
    connection.execute(same)
    return _counter(connection.execute(_rows(kind).where(throttle.c.key == key).with_for_update()).one())


def _write(connection: Connection, key: str, kind: str, counter: Counter) -> None:
    changed = {"count": counter.level, "updated_at": counter.at, "open_at": counter.open_at}
    connection.execute(update(throttle).where(throttle.c.key == key, throttle.c.kind == kind).values(**changed))


def _counter(row: Row[Any]) -> Counter:
    return Counter(row.level, row.updated_at, row.open_at)
