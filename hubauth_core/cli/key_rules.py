"""What `hubauth check` says of crypt keys: what needs them, and whether they open what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from ..database import open_database
from ..errors import ConfigError, StoreError
from ..needs_keys import REMEDY, check_without_keys
from ..rotation import Tally, rotate
from ..sealing import Sealing
from .inspected import Finding, Inspected
from .store import address

SAMPLE: Final = 1000
"""Rows to try the keys on; ids are random, so that it is a fair sample."""


def crypt_keys(hub: Inspected) -> Iterator[Finding]:
    """What needs encryption, and whether there are keys for it."""
    if hub.authenticator.enable_auth_state and not hub.crypt_keys:
        yield Finding("error", "auth_state", f"enable_auth_state = True needs crypt keys. {REMEDY}.")
    elif hub.crypt_keys:
        yield Finding("ok", "credentials", "There are crypt keys: credentials are kept, encrypted.")
    else:
        text = f"There are no crypt keys: people can sign in, but no credential of theirs is kept. {REMEDY}."
        yield Finding("ok", "credentials", text)
        try:
            check_without_keys(hub.authenticator, hub.registry.providers)
        except ConfigError as error:
            yield Finding("error", "credentials", error.sentence)
    if hub.authenticator.auth_state_tokens and not hub.authenticator.enable_auth_state:
        text = "auth_state_tokens = True does nothing without c.Authenticator.enable_auth_state = True."
        yield Finding("warning", "auth_state", text)


def stored(hub: Inspected) -> Iterator[Finding]:
    """Whether the keys open what is stored."""
    try:
        tally = _look(hub)
    except (ConfigError, StoreError) as error:
        yield Finding("warning", "credentials", f"The crypt keys were not tried on what is stored: {error.sentence}")
        return
    seen = sum(tally.found.values())
    if tally.under("unreadable"):
        yield Finding(
            "warning",
            "credentials",
            f"No crypt key opens {tally.under('unreadable')} of {seen} stored rows that were tried. If a key is "
            "missing, add it again after the others; otherwise these people are asked to sign in anew.",
        )
    if tally.under("other"):
        yield Finding(
            "warning",
            "credentials",
            f"{tally.under('other')} of {seen} stored rows that were tried are under another crypt key than the first. "
            "Run `hubauth rotate-keys` before you take that key away.",
        )
    if seen and tally.under("first") == seen:
        yield Finding("ok", "credentials", f"The first crypt key opens all {seen} stored rows that were tried.")


def _look(hub: Inspected) -> Tally:
    url = make_url(address(hub.hub))
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return Tally()  # the hub has not been started yet
    database = open_database(url.render_as_string(hide_password=False), create=False)
    try:
        return asyncio.run(rotate(database, Sealing(), write=False, limit=SAMPLE))
    finally:
        database.close()
