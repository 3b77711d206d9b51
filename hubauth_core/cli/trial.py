"""Providers started on trial, as the hub would start them, on a store that goes away with the trial."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..database import Database, open_database
from ..errors import HubAuthError
from ..names import prefixes_of
from ..provider import Provider
from .beside import LentBeside, lend, tables_of_nobody
from .inspected import Inspected

SECRET = b"\0" * 32
"""In place of the hub's own, which nothing is sealed with."""


def started(hub: Inspected) -> Iterator[tuple[str, str]]:
    """Every provider in service, and why it does not start, if so. It needs no file of the hub's and makes none."""
    with tempfile.TemporaryDirectory(prefix="hubauth-check-") as folder, tables_of_nobody() as session:
        hub.hub.db, hub.hub.cookie_secret = session, SECRET
        database: Database | None = None
        try:
            for name, provider in hub.providers:
                if type(provider).start is Provider.start:
                    yield name, ""
                    continue
                database = database or open_database(f"sqlite:///{Path(folder) / 'trial.sqlite'}")
                yield name, _start(hub, name, provider, database)
        finally:
            if database is not None:
                database.close()


def _start(hub: Inspected, name: str, provider: Provider, database: Database) -> str:
    try:
        prefixes = {each: prefix.text for each, prefix in prefixes_of(hub.prefixes()).items()}
        core = LentBeside(lend(hub, database, prefixes)[0], provider)
        hub.registry.ask_now("hubauth_start", name, core=core)
    except HubAuthError as error:
        return error.sentence
    return ""
