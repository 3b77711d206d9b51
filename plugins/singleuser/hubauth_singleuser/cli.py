"""The command `hubauth-singleuser`: which accounts are connected, and a token for a script."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from .client import MIN_TTL, Client
from .errors import CredentialError, Unavailable
from .hub import Hub
from .types import Connection

EXIT_CODES: Final = """\
exit codes:
  0  all is well
  1  something is for you to do: connect an account, sign in again, ask the administrator
  2  the command was not understood
  3  the hub or the provider does not answer now; try again
"""

STATES: Final = {
    "ready": "ready",
    "needs_login": "sign in again",
    "not_stored": "connect again",
    "storage_disabled": "not kept by this hub",
    "unavailable": "try again later",
}

HEAD: Final = ("PROVIDER", "ACCOUNT", "STATE", "EXPIRES", "SCOPES")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        hub = Hub.from_environment()
        if chosen.command == "token":
            return _token(Client(hub), chosen)
        return _status(Client(hub), hub, as_json=chosen.json)
    except CredentialError as error:
        sys.stderr.write(f"hubauth: {error}\n")
        return 3 if isinstance(error, Unavailable) else 1


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    made = argparse.ArgumentParser(
        prog="hubauth-singleuser",
        description="The accounts that you connected on your JupyterHub, used from your server.",
        epilog=EXIT_CODES,
        formatter_class=functools.partial(argparse.RawDescriptionHelpFormatter, width=100),
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="list your connected accounts and what state they are in")
    status.add_argument("--json", action="store_true", help="as the hub says it, for programs")
    token = commands.add_parser("token", help="print a fresh token, for a pipe or $(...)")
    token.add_argument("provider", help="its name in `hubauth-singleuser status`")
    token.add_argument("--resource", default="", help="a resource that the administrator configured")
    token.add_argument("--min-ttl", type=_seconds, default=MIN_TTL, help="seconds that it should still be good for")
    token.add_argument("--show", action="store_true", help="print it also where a person may look on: on a terminal")
    return made


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def _token(client: Client, chosen: argparse.Namespace) -> int:
    if sys.stdout.isatty() and not chosen.show:
        sys.stderr.write("hubauth: not printed, because this is a terminal; --show prints it all the same.\n")
        return 2
    sys.stdout.write(client.get_token(chosen.provider, chosen.resource, min_ttl=chosen.min_ttl) + "\n")
    return 0


def _status(client: Client, hub: Hub, *, as_json: bool) -> int:
    connections = client.credentials()
    if as_json:
        plain = [dataclasses.asdict(each) | {"scopes": sorted(each.scopes)} for each in connections]
        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        sys.stdout.write(_table([HEAD, *map(_row, connections)]))
        sys.stdout.write(f"\nConnect accounts and sign in again: {hub.connections_url}\n")
    return 0 if all(each.state == "ready" for each in connections) else 1


def _row(connection: Connection) -> tuple[str, ...]:
    return (
        connection.provider,
        connection.username,
        STATES.get(connection.state, connection.state),
        expiry(connection.expires_at),
        " ".join(sorted(connection.scopes)),
    )


def expiry(moment: float | None) -> str:
    """When something expires, for people: to the minute, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC") if moment is not None else "-"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    rows = [tuple(_printable(cell) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _printable(text: str) -> str:
    """What a terminal shows as it stands."""
    return "".join(character if character.isprintable() else "?" for character in text)
