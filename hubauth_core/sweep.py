"""What is checked before the first sign-in: that hub and store belong together, and that prefixes are as they were.

A store that was lost, or a hub that was restored from elsewhere, must stop the start: otherwise people would get other
people's hub users, or lose their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from .binding import forget
from .database import Database, installed_at
from .errors import ConfigError
from .mapping import HubKey, hub_key
from .names import Prefix
from .schema import consents, had_identity, identities, meta, names, prefixes
from .types import HubUser

KEEP_ORPHANS: Final = 30 * 24 * 3600.0
"""Seconds for which an identity without hub user is kept."""

_TOLD_EMPTY = "told_empty"
_ACCEPT_ORPHANS = "accept_orphans"


def sweep(database: Database, hub_users: Iterable[HubUser], now: float) -> None:
    """Mark identities whose hub user is gone, delete those that were marked long ago. `hub_users`: every one.

    Raises ConfigError, and then nothing is written, if more than one in a hundred (and at least ten) would be marked at
    once, or if the store is empty beside a hub that has users from before, unless `tell` said that this is right.
    """
    everybody = list(hub_users)
    database.write_now(lambda connection: _sweep(connection, everybody, now))


def tell(database: Database) -> None:
    """The administrator says that hub and store belong together as they are (`hubauth init`)."""

    def write(connection: Connection) -> None:
        _remember(connection, _TOLD_EMPTY)
        _remember(connection, _ACCEPT_ORPHANS)

    database.write_now(write)


def record_prefixes(database: Database, configured: Mapping[str, Prefix]) -> dict[str, str]:
    """Record the prefixes in force; answers them all, also of providers that are not configured now.

    Raises ConfigError if one that nobody wrote out differs from the recorded one.
    """
    recorded = check_prefixes(database, configured)
    changed = {name: new.text for name, new in configured.items() if recorded.get(name) != new.text}
    if changed:
        database.write_now(lambda connection: _record_prefixes(connection, changed))
    return recorded | changed


def check_prefixes(database: Database, configured: Mapping[str, Prefix]) -> dict[str, str]:
    """The recorded prefixes; nothing is written. Raises ConfigError as `record_prefixes` does."""
    with database.read() as connection:
        rows = connection.execute(select(prefixes.c.provider, prefixes.c.prefix)).all()
    recorded: dict[str, str] = {row.provider: row.prefix for row in rows}
    for provider, prefix in configured.items():
        was = recorded.get(provider, prefix.text)
        if not prefix.explicit and was != prefix.text:
            raise ConfigError(_changed_prefix(provider, was, prefix.text))
    return recorded


def _sweep(connection: Connection, hub_users: list[HubUser], now: float) -> None:
    alive = set(map(hub_key, hub_users))
    columns = (identities.c.id, identities.c.hub_user_id, identities.c.hub_user_created, identities.c.orphaned_at)
    rows = connection.execute(select(*columns)).all()
    if not rows:
        _check_empty(connection, hub_users)
    lost = [row.id for row in rows if row.orphaned_at is None and (row[1], row[2]) not in alive]
    found = [row.id for row in rows if row.orphaned_at is not None and (row[1], row[2]) in alive]
    if not _told(connection, _ACCEPT_ORPHANS):
        _check_lost(len(lost), sum(row.orphaned_at is None for row in rows))
    connection.execute(delete(meta).where(meta.c.name == _ACCEPT_ORPHANS))
    _mark(connection, lost, now)
    _mark(connection, found, None)
    old = {(row[1], row[2]) for row in rows if row.orphaned_at is not None and row.orphaned_at < now - KEEP_ORPHANS}
    for user in old - alive:
        forget(connection, user, now)
    _clear_tombstones(connection, alive)


def _check_empty(connection: Connection, hub_users: list[HubUser]) -> None:
    """Users whom the hub itself makes at its first start are younger than the store, and do not count."""
    before = installed_at(connection)
    older = sum(user.created < before for user in hub_users)
    if older and not _told(connection, _TOLD_EMPTY):
        raise ConfigError(
            f"hubauth has no identities recorded, but this hub has {older} users already. If the database of hubauth "
            "was lost or db_url changed, bring it back. If hubauth is new here, run `hubauth init` and start again."
        )
    if not older:
        _remember(connection, _TOLD_EMPTY)


def _check_lost(lost: int, known: int) -> None:
    if lost >= 10 and lost * 100 > known:
        raise ConfigError(
            f"{lost} of {known} recorded identities have no hub user any more. Is this the right database of the hub, "
            "or an old backup? If they were all deleted on purpose, run `hubauth init` and start again."
        )


def _mark(connection: Connection, ids: list[str], when: float | None) -> None:
    if ids:
        change = update(identities).where(identities.c.id == bindparam("marked")).values(orphaned_at=when)
        connection.execute(change, [{"marked": one} for one in ids])


def _clear_tombstones(connection: Connection, alive: set[HubKey]) -> None:
    """Forget that somebody had an identity, once that hub user is gone and no identity names it."""
    kept = {tuple(row) for row in connection.execute(select(identities.c.hub_user_id, identities.c.hub_user_created))}
    for table in (had_identity, names, consents):
        rows = {tuple(row) for row in connection.execute(select(table.c.hub_user_id, table.c.hub_user_created))}
        _delete_all(connection, table, rows - alive - kept)


def _delete_all(connection: Connection, table: Table, gone: set[tuple[Any, ...]]) -> None:
    if gone:
        where = (table.c.hub_user_id == bindparam("user"), table.c.hub_user_created == bindparam("since"))
        connection.execute(delete(table).where(*where), [{"user": user, "since": since} for user, since in gone])


def _told(connection: Connection, what: str) -> bool:
    return connection.execute(select(meta.c.value).where(meta.c.name == what)).first() is not None


def _remember(connection: Connection, what: str) -> None:
    if not _told(connection, what):
        connection.execute(insert(meta).values(name=what, value="yes"))


def _record_prefixes(connection: Connection, changed: Mapping[str, str]) -> None:
    connection.execute(delete(prefixes).where(prefixes.c.provider.in_(changed)))
    connection.execute(insert(prefixes), [{"provider": name, "prefix": text} for name, text in changed.items()])


def _changed_prefix(provider: str, was: str, now: str) -> str:
    return (
        f"Hub usernames of provider {provider!r} begin with {was!r} so far; by the providers that are configured now "
        f"they would begin with {now!r}. Write down which it shall be, in the options of {provider!r}: "
        f'"username_prefix": "{was}" leaves it as it is. (People who signed in before keep their names either way.)'
    )
