"""`hubauth consent`: an administrator at the server agrees to a link of an account with special rights."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import click
from jupyterhub.app import JupyterHub
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..access import Access
from ..database import open_database
from ..errors import ConfigError
from ..events import Audit
from ..hub import JupyterHubUsers
from ..identities import Identities
from ..linking import Actor, Linking
from ..types import HubUser
from ..vault import Vault
from .hub_config import config_option, load, needed
from .inspected import Inspected, inspect
from .store import address

ACTOR: Final = "command line"
"""Who agreed, in the audit trail; no hub user has a space in the name."""


@click.command(short_help="Let a user with special rights connect one account of a provider.")
@config_option
@click.argument("user")
@click.argument("provider")
def consent(config: Path | None, user: str, provider: str) -> None:
    """Let the hub user USER connect one account of PROVIDER, within a week.

    An administrator of the hub, or somebody with a role of their own, gets another way in only if somebody else agrees:
    another administrator, on the user's page below /hub/connections/hub-users/, or whoever may run this command. It may
    run while the hub does.
    """
    told = inspect(load(needed(config)))
    if provider not in told.registry.providers:
        known = ", ".join(told.registry.providers) or "none"
        raise ConfigError(f"There is no provider {provider!r} in service. There are: {known}.")
    asyncio.run(_agree(told, _find(told.hub, user), provider))
    click.echo(f"{user} may connect one account of {provider} within a week.")


def _find(hub: JupyterHub, name: str) -> HubUser:
    engine = create_engine(hub.db_url, **hub.db_kwargs)
    try:
        with Session(engine) as session:
            found = JupyterHubUsers(lambda: session).find(name)
    except SQLAlchemyError as error:
        raise ConfigError(f"The hub's database cannot be read: {type(error).__name__}.") from error
    finally:
        engine.dispose()
    if found is None:
        raise ConfigError(f"The hub has no user {name!r}.")
    return found


async def _agree(told: Inspected, user: HubUser, provider: str) -> None:
    path = told.authenticator.audit_log
    database = open_database(address(told.hub))
    try:
        identities = Identities(database)
        linking = Linking(
            registry=told.registry,
            access=Access(identities, several=True),
            identities=identities,
            vault=Vault(database),
            audit=Audit(told.registry.emit, told.authenticator.log, path=Path(path) if path else None),
        )
        await linking.consent(user, provider, Actor(name=ACTOR))
    finally:
        database.close()
