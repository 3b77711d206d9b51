"""A provider as a command sees it: started, with no hub in this process, though one may run beside it.

Reads the hub's tables and writes only hubauth's own. What ends access is written down; the running hub does it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from jupyterhub import orm
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..core import Core
from ..database import Database
from ..errors import ConfigError
from ..hub import JupyterHubUsers
from ..identities import Identities, new_id
from ..lending import Lending, Lent
from ..mapping import Mapper
from ..names import prefixes_of
from ..provider import Provider, pin_of
from ..strongroom import furnish
from ..sweep import check_prefixes
from ..types import HubUser, Identity
from .hub_config import load, needed
from .inspected import Inspected, inspect

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub

Kind = TypeVar("Kind", bound=Provider)


class LentBeside(Lent):
    """The core without its hub: nothing of a hub user ends here, and no work goes on in the background."""

    in_hub = False

    async def end_access(self, subject: str, *, servers: bool = True) -> None:
        raise RuntimeError("only the hub ends access")

    async def delete_hub_user(self, subject: str) -> None:
        raise RuntimeError("only the hub deletes its users")


@dataclass(frozen=True, kw_only=True)
class Beside(Generic[Kind]):
    """One provider, started, and what a command may ask of the hub's tables and of ours."""

    hub: JupyterHub
    """The hub as it is configured; it is not started."""
    provider: Kind
    core: Core
    database: Database
    identities: Identities
    mapper: Mapper
    hub_users: JupyterHubUsers

    def lead(self, subject: str, username: str) -> HubUser | None:
        """The hub user whom this identity reaches at its first sign-in; None: a new one.

        Raises LoginRefused where it would be turned away: the name is somebody's, or cannot be one.
        """
        return self.mapper.place(self.provider, self._identity(subject, username)).hub_user

    def free_hub_user(self, username: str) -> HubUser | None:
        """The hub user of exactly that name, prefix or not, if it never had an identity."""
        found = self.hub_users.find(username)
        return None if found is None or self.identities.ever_had((found.id, found.created)) else found

    async def adopt(self, subject: str, username: str, hub_user: HubUser) -> None:
        """Give the identity a hub user, as a first sign-in would; for an administrator who knows whose it is.

        Raises StoreError: somebody has it by now.
        """
        identity = self._identity(subject, username)
        pin = pin_of(self.provider, username)
        await self.identities.bind(identity, hub_user, record_id=new_id(), pin=pin)

    def _identity(self, subject: str, username: str) -> Identity:
        return Identity(provider=self.provider.name, subject=subject, username=username)


@contextlib.contextmanager
def beside(config: Path | None, cls: type[Kind], name: str | None = None) -> Iterator[Beside[Kind]]:
    """The provider of a type that a hub's configuration has; `name` where it has several. Raises ConfigError."""
    told = inspect(load(needed(config)))
    provider = _chosen(told, cls, name)
    _read_secret(told.hub)
    database = told.authenticator.open_store(told.hub, create=False)
    try:
        with hub_tables(told.hub) as session:
            yield _started(told, provider, database, session)
    finally:
        database.close()


def _started(told: Inspected, provider: Kind, database: Database, session: Session) -> Beside[Kind]:
    told.hub.db = session
    found = prefixes_of(told.prefixes())
    recorded = check_prefixes(database, found)
    lending, mapper = lend(told, database, recorded | {each: prefix.text for each, prefix in found.items()})
    core = LentBeside(lending, provider)
    told.registry.ask_now("hubauth_start", provider.name, core=core)
    return Beside(
        hub=told.hub,
        provider=provider,
        core=core,
        database=database,
        identities=lending.identities,
        mapper=mapper,
        hub_users=JupyterHubUsers(lambda: session),
    )


def lend(told: Inspected, database: Database, prefixes: Mapping[str, str]) -> tuple[Lending, Mapper]:
    """What is lent to the providers of a hub that is not started, but has a session of its tables."""
    hub, authenticator = told.hub, told.authenticator
    room = furnish(authenticator, told.registry, database, several=len(prefixes) > 1)
    mapper = authenticator.make_mapper(hub, room, prefixes, JupyterHubUsers(lambda: hub.db))
    lending = Lending(
        hub, database=database, identities=room.identities, mapper=mapper, audit=room.audit, upgrade=False
    )
    return lending, mapper


def _chosen(told: Inspected, cls: type[Kind], name: str | None) -> Kind:
    there = {each: provider for each, provider in told.providers if isinstance(provider, cls)}
    known = ", ".join(there)
    if name is None and len(there) == 1:
        return next(iter(there.values()))
    if name in there:
        return there[name]
    if not there:
        broken = next(iter(told.registry.broken.values()), "")
        raise ConfigError(f"The configuration has no provider of this type in service. {broken}".strip())
    if name is None:
        raise ConfigError(f"There are several providers of this type: {known}. Say which with --provider.")
    raise ConfigError(f"There is no provider {name!r} of this type in service. There are: {known}.")


def _read_secret(hub: JupyterHub) -> None:
    """The hub's cookie secret, as the hub finds it; a command makes none."""
    file = Path(hub.cookie_secret_file).expanduser()
    if not (hub.cookie_secret or os.environ.get("JPY_COOKIE_SECRET") or file.is_file()):
        raise ConfigError(
            f"There is no {file} yet. Run this where the hub runs, and start the hub first: it makes one."
        )
    try:
        hub.init_secrets()
    except (SystemExit, OSError) as error:
        raise ConfigError(f"The hub's cookie secret in {file} cannot be read, or others can read it.") from error


@contextlib.contextmanager
def hub_tables(hub: JupyterHub) -> Iterator[Session]:
    """The hub's own tables, to be read. A SQLite file that is not there is not made: such a hub has no users yet."""
    url = make_url(hub.db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        with tables_of_nobody() as session:
            yield session
        return
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", **hub.db_kwargs}
    engine = create_engine(url, **options)
    try:
        with Session(engine) as session:
            session.query(orm.User.id).first()
            yield session
    except SQLAlchemyError as error:
        raise ConfigError(f"The hub's database cannot be read: {type(error).__name__}.") from error
    finally:
        engine.dispose()


@contextlib.contextmanager
def tables_of_nobody() -> Iterator[Session]:
    """The tables of a hub that has no users."""
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        engine = session.get_bind()
        yield session
    engine.dispose()
