"""`hubauth upgrade-db` and `hubauth init`: the two things that only an administrator may say to hubauth's database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import make_url

from ..database import Database, ensure, open_database, store_url
from ..identities import Identities
from ..schema import Schema
from .hub_config import SILENT, config_option, load, needed
from .inspected import Unbuilt

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub


def address(hub: JupyterHub) -> str:
    """Where the hub's configuration puts hubauth's database. Raises ConfigError."""
    return store_url(hub.config.HubAuthenticator.get("db_url"), hub.db_url)


def shown(url: str) -> str:
    """The address of a database for people to read: without its password."""
    return make_url(url).render_as_string(hide_password=True)


def open_store(config: Path | None, *, upgrade: bool = False) -> tuple[Database, str]:
    """hubauth's database, and its address for people. Raises ConfigError."""
    hub = load(needed(config))
    url = address(hub)
    options = hub.db_kwargs if url == hub.db_url else None
    return open_database(url, upgrade=upgrade, engine_options=options), shown(url)


def brought(hub: JupyterHub) -> list[Schema]:
    """The tables that the configured providers bring. Raises ConfigError."""
    providers = Unbuilt(parent=hub, log=SILENT).load_registry().providers.values()
    return list(dict.fromkeys(each.schema for each in providers if each.schema is not None))


@click.command("upgrade-db", short_help="Bring hubauth's database to what the installed version needs.")
@config_option
def upgrade_db(config: Path | None) -> None:
    """Bring hubauth's database to the schema that the installed version needs, and the tables of its providers.

    Stop the hub and back the database up first: an older version cannot use it afterwards. Running it again does no
    harm. JupyterHub's own database has its own command, `jupyterhub upgrade-db`.
    """
    database, where = open_store(config, upgrade=True)
    hub = load(needed(config))
    try:
        for schema in brought(hub):
            ensure(database, schema, upgrade=True)
    finally:
        database.close()
    click.echo(f"{where} is up to date.")


@click.command(short_help="Say that hub and database belong together, though one of them looks empty or strange.")
@config_option
@click.confirmation_option(
    "-y",
    "--yes",
    prompt="People who sign in first may then take names that others had. Is the database of hubauth the right one?",
    help="Do not ask.",
)
def init(config: Path | None) -> None:
    """Say that the hub and hubauth's database belong together as they are, and let the hub start.

    The hub refuses to start where its database has users and hubauth's has no identities, or where many recorded
    people have no user any more: a database may have been lost. If it was not, because hubauth is new here or the
    users were deleted on purpose, say so with this command. It changes no user and no identity.
    """
    database, where = open_store(config)
    try:
        identities = Identities(database)
        identities.tell()
        count = identities.count()
    finally:
        database.close()
    click.echo(f"{where} ({count} identities) is taken as it is. Start the hub.")
