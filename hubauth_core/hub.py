"""The hub's own user table as hubauth sees it: read only, and by id and time of creation, because ids are reused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from jupyterhub import orm
from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner
from sqlalchemy import bindparam, select
from sqlalchemy.orm import object_session

from .types import HubUser

_WHOSE_NAME: Final = select(orm.User.id, orm.User.name, orm.User.created).where(orm.User.name == bindparam("name"))


class HubUsers(Protocol):
    """What the core asks of the hub's user table."""

    def find(self, name: str) -> HubUser | None:
        """The hub user of exactly that name."""

    def by_id(self, id: int) -> HubUser | None:  # noqa: A002  # the hub's own word
        """The hub user with that row id, whoever that is now."""

    def everybody(self) -> Iterable[HubUser]:
        """Every row, blocked people and people who never signed in included."""


class JupyterHubUsers:
    """`HubUsers` on the hub's own database session, which is looked up at each use: tests and the hub replace it."""

    def __init__(self, session: Callable[[], Any]) -> None:
        self._session = session

    def find(self, name: str) -> HubUser | None:
        row = orm.User.find(self._session(), name)
        return None if row is None else hub_user(row)

    def by_id(self, id: int) -> HubUser | None:  # noqa: A002  # the hub's own word
        row = self._session().get(orm.User, id)
        return None if row is None else hub_user(row)

    def everybody(self) -> Iterable[HubUser]:
        session = self._session()
        columns = session.query(orm.User.id, orm.User.name, orm.User.created, orm.User.admin)
        for row_id, name, created, admin in columns:
            yield HubUser(id=row_id, name=name, created=timestamp(created), admin=bool(admin))

    def running(self) -> Iterable[HubUser]:
        """Those who have a running server."""
        query = select(orm.User.id, orm.User.name, orm.User.created).join(orm.Spawner)
        for row in self._session().execute(query.where(orm.Spawner.server_id.is_not(None)).distinct()):
            yield HubUser(id=row.id, name=row.name, created=timestamp(row.created))


def key_by_name(session: Any, name: str) -> HubUser | None:
    """The hub user of exactly that name: who it is, without what it may, which costs many times as much to read."""
    row = session.execute(_WHOSE_NAME, {"name": name}).first()
    return None if row is None else HubUser(id=row.id, name=row.name, created=timestamp(row.created))


def hub_user(row: Any) -> HubUser:
    """A row of the hub's user table (or the hub's wrapper around one) as a value."""
    _as_stored(getattr(row, "orm_user", row))
    return HubUser(
        id=row.id,
        name=row.name,
        created=timestamp(row.created),
        admin=bool(row.admin),
        roles=frozenset(role.name for holder in (row, *row.groups) for role in holder.roles),
    )


OWN_NAMES: Final = frozenset({"api", "hub", "services"})
"""Parts of the hub: with `subdomain_hook = "legacy"` a user `services` would share the host of all services."""


def configured_names(app: Any) -> frozenset[str]:
    """The names that JupyterHub's own configuration speaks of: in roles and groups, of services, and of its parts."""
    groups = [group.get("users", ()) if isinstance(group, dict) else group for group in app.load_groups.values()]
    roles = [role.get("users", ()) for role in app.load_roles]
    services = [service["name"] for service in app.services if "name" in service]
    return OWN_NAMES.union(*groups, *roles, services)


SYSTEM_USER_SPAWNERS: Final = frozenset({"sudospawner", "systemdspawner"})
"""Packages whose spawners run servers as the system user of the hub user's name."""


def needs_system_users(cls: type[Any], config: Any) -> bool:
    """Whether a spawner runs a server as the system user whose name is the hub user's."""
    packages = {each.__module__.partition(".")[0] for each in cls.__mro__}
    if packages & SYSTEM_USER_SPAWNERS:
        return not any(config.get(each.__name__, {}).get("dynamic_users") for each in cls.__mro__)
    return issubclass(cls, LocalProcessSpawner) and not issubclass(cls, SimpleLocalProcessSpawner)


def hub_key_of(row: Any) -> tuple[int, float]:
    """(`id`, `created`) of a row, or of the hub's wrapper around one, without reading more of it."""
    return (row.id, timestamp(row.created))


def _as_stored(row: Any) -> None:
    """MySQL keeps whole seconds, but the session goes on with what it wrote: read the time of a new user back."""
    session = object_session(row)
    if (
        session is not None
        and row.created
        and row.created.microsecond
        and session.get_bind().dialect.name in ("mysql", "mariadb")
    ):
        session.refresh(row, ["created"])


def timestamp(moment: datetime | None) -> float:
    """Unix seconds of a time as the hub keeps it (naive UTC); 0 for a row from before the hub kept any."""
    if moment is None:
        return 0.0
    return moment.replace(tzinfo=UTC).timestamp() if moment.tzinfo is None else moment.timestamp()
