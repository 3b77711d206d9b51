"""The service from a hub's configuration: what it must find there, and how it is put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jupyterhub.utils import url_path_join
from sqlalchemy import make_url

from ..authenticator import HubAuthenticator
from ..database import Database, store_url
from ..errors import ConfigError, StoreError
from ..sealing import Sealing
from ..strongroom import furnish
from ..web.handout import HandOut
from ..web.rate import RateLimit
from .hub_tables import HubTables
from .server import Service
from .tokens import Tokens, client


@asynccontextmanager
async def opened(authenticator: HubAuthenticator, hub: Any, hub_api_url: str) -> AsyncIterator[Service]:
    """The service of a hub that is configured but not started. `hub_api_url`: its API as this process reaches it.

    Raises ConfigError where the configuration does not allow for one.
    """
    check(authenticator, hub)
    registry = authenticator.load_registry()
    store = authenticator.open_store(hub, create=False)
    same = store_url(authenticator.db_url, hub.db_url) == hub.db_url
    theirs = store if same else Database(make_url(hub.db_url), hub.db_kwargs)
    try:
        tables = _tables(theirs, hub.db_url)
        several = len(authenticator.configured_prefixes(registry)) > 1
        room = furnish(authenticator, registry, store, several=several)
        async with client() as asking:
            yield Service(
                tokens=Tokens(asking, hub_api_url, tables),
                tables=tables,
                hand_out=HandOut(room.retrieval, RateLimit(authenticator.credential_rate_limit)),
                refresher=room.refresher,
                login_url=url_path_join(hub.hub_prefix, "connections"),
            )
    finally:
        store.close()
        theirs.close()


def check(authenticator: HubAuthenticator, hub: Any) -> None:
    """Whether several processes can serve this configuration. Raises ConfigError."""
    for url in (hub.db_url, store_url(authenticator.db_url, hub.db_url)):
        if make_url(url).get_backend_name() == "sqlite":
            raise ConfigError(
                "A credential service needs the hub's and hubauth's tables in PostgreSQL or MySQL; here they are in "
                "SQLite, a file that only the hub may write to. Set c.JupyterHub.db_url."
            )
    if hub.internal_ssl:
        raise ConfigError("A credential service cannot ask a hub with c.JupyterHub.internal_ssl = True.")
    if not Sealing().enabled:
        raise ConfigError(
            "There are no crypt keys, so no credentials are kept. Set JUPYTERHUB_CRYPT_KEY to the hub's own value."
        )


def _tables(database: Database, url: str) -> HubTables:
    """The hub's tables, if they are there."""
    tables = HubTables(database)
    try:
        tables.find("")
    except StoreError as error:
        shown = make_url(url).render_as_string(hide_password=True)
        raise ConfigError(f"The hub's database {shown} has no users, or does not answer: {error.__cause__}") from error
    return tables
