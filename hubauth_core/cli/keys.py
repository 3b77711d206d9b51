"""`hubauth rotate-keys`: everything that is stored, written again under the first of the hub's crypt keys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from ..errors import ConfigError
from ..needs_keys import REMEDY
from ..rotation import Key, Tally, count, rotate
from ..sealing import Sealing
from .hub_config import config_option
from .store import open_store

KINDS: Final = {"credential": "credentials", "state": "provider states", "revocation": "revocations"}
KEYS: Final[dict[Key, str]] = {"first": "first key", "other": "another key", "unreadable": "unreadable"}
UNREADABLE: Final = 3
"""The exit code where rows are left that no key opens."""


@click.command("rotate-keys", short_help="Write everything that is stored again under the first crypt key.")
@config_option
@click.option("--dry-run", is_flag=True, help="Only say what is under which key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def rotate_keys(context: click.Context, config: Path | None, dry_run: bool, as_json: bool) -> None:
    """Write everything that another crypt key has sealed again under the first one, and say what was found.

    Run it with the keys of the hub (JUPYTERHUB_CRYPT_KEY or c.CryptKeeper.keys), the new one first. Hub and services
    may go on meanwhile; it may be stopped at any time and run again.

    The exit code is 0 if all is under the first key and the other ones can go, 1 if rows are left under another key,
    3 if there are rows that no key opens.
    """
    database, where = open_store(config)
    try:
        if not Sealing().enabled:
            raise ConfigError(f"There are no crypt keys. {REMEDY}.")
        with _progress(0 if as_json else count(database)) as told:
            tally = asyncio.run(rotate(database, Sealing(), write=not dry_run, told=told))
    finally:
        database.close()
    click.echo(json.dumps(_told(tally), indent=2) if as_json else "\n".join(_lines(tally, where)))
    context.exit(1 if _left(tally) else UNREADABLE if tally.under("unreadable") else 0)


@contextlib.contextmanager
def _progress(rows: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, where there is something to wait for."""
    if not rows:
        yield lambda done: None
        return
    with click.progressbar(length=rows, label="Looking at what is stored", file=sys.stderr) as bar:
        yield bar.update


def _left(tally: Tally) -> int:
    """How many rows are, or may be, under another key than the first."""
    return tally.under("other") - tally.rewritten


def _told(tally: Tally) -> dict[str, object]:
    found = {kind: {key: tally.found[kind, key] for key in KEYS} for kind in KINDS}
    return {"found": found, "rewritten": tally.rewritten, "left": _left(tally), "unreadable": tally.under("unreadable")}


def _lines(tally: Tally, where: str) -> Iterator[str]:
    yield f"{where}, as it was found:\n"
    yield f"{'':<16}" + "".join(f"{title:>13}" for title in KEYS.values())
    for kind, title in KINDS.items():
        yield f"{title:<16}" + "".join(f"{tally.found[kind, key]:>13}" for key in KEYS)
    yield f"\n{tally.rewritten} rows were written again under the first key."
    if tally.overtaken:
        yield f"{tally.overtaken} rows were changed by others meanwhile. Run this again."
    elif _left(tally):
        yield f"{_left(tally)} rows are under another key. Without --dry-run they are written again."
    if tally.under("unreadable"):
        yield (
            f"{tally.under('unreadable')} rows open with none of the keys. If a key is missing, add it again; "
            "otherwise these people are asked to sign in anew, which takes the place of such a row."
        )
    elif not _left(tally):
        yield "The other keys can be taken away."
