"""Accounts that come from elsewhere or go elsewhere: `import`, `export`."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import click

from hubauth_core import ConfigError

from ..accounts import ACTIVE, Account
from ..exporting import Format, everybody, told, write
from ..importing import firstuse, nativeauthenticator, table
from ..importing.adopting import Adopted, Adopting
from ..importing.bringing import Bringing
from ..importing.entry import Found
from ..importing.planning import Result
from ..listing import parse
from .opened import ACTOR, There, on_accounts
from .printing import print_json

SHOWN: Final = 5
"""Names that stand before one note; --json has them all."""

LEFT_OUT: Final = 3
"""The exit code where something was left out."""


def importing(adopts: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of every import. `adopts` is what it does about hub users without being told."""
    options = (
        click.option("--dry-run", is_flag=True, help="Write nothing; only say what would become of each account."),
        click.option(
            "--adopt/--no-adopt",
            default=adopts,
            show_default=True,
            help="Give each active account the hub user of the same name, if that one has no identity yet.",
        ),
        click.option(
            "--links",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write a one-time link for each account without a password into this file (CSV, for its owner only).",
        ),
        click.option(
            "--mail-links",
            is_flag=True,
            help="Mail each account without a password a one-time link to its address, as soon as the hub runs.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group("import", short_help="Take accounts in from elsewhere.")
def import_() -> None:
    """Take accounts in: from NativeAuthenticator, from FirstUseAuthenticator, or from a table.

    An import may be run again: it never changes a password that was chosen or used here since. The exit code is 3 if
    something was left out, which the report says with its reason.
    """


@import_.command("nativeauthenticator", short_help="Take over the accounts of NativeAuthenticator.")
@click.option("--url", metavar="URL", help="Its hub's database, as SQLAlchemy writes it. Defaults to this hub's own.")
@importing(True)
@on_accounts
async def from_nativeauthenticator(there: There, url: str | None, **options: Any) -> None:
    """Take over NativeAuthenticator's accounts: passwords, approval, addresses and second factors go on as they are."""
    hub = there.hub
    source = url or hub.db_url
    engine_options = hub.db_kwargs if source == hub.db_url else {}
    found = [*nativeauthenticator.read(source, **engine_options)]
    await _import(there, found, nativeauthenticator.ORIGIN, **options)


@import_.command("firstuse", short_help="Take over the accounts of FirstUseAuthenticator.")
@click.argument("path", type=click.Path(path_type=Path), default=firstuse.DEFAULT)
@importing(True)
@on_accounts
async def from_firstuse(there: There, path: Path, **options: Any) -> None:
    """Take over FirstUseAuthenticator's accounts from PATH (passwords.dbm): passwords go on as they are.

    The file is only read, and stays.
    """
    await _import(there, [*firstuse.read(path)], firstuse.ORIGIN, **options)


@import_.command("table", short_help="Take in a table: CSV or JSON.")
@click.argument("path", type=click.Path(path_type=Path))
@importing(False)
@on_accounts
async def from_table(there: There, path: Path, **options: Any) -> None:
    """Take in accounts from a table: a CSV file with a head line, or JSON (*.json), such as `export` writes.

    Columns: username; and if you like full_name, email, email_verified, status (active, pending, inactive), admin,
    password_hash (bcrypt or argon2id, of another hub). Passwords in clear are not taken.
    """
    await _import(there, [*table.read(path)], table.ORIGIN, **options)


async def _import(
    there: There,
    found: Sequence[Found],
    origin: str,
    *,
    dry_run: bool,
    adopt: bool,
    links: Path | None,
    mail_links: bool,
    as_json: bool,
) -> None:
    if mail_links and not there.provider.house.post.enabled:
        raise ConfigError("The hub sends no mail: smtp_host is not set. Use --links in place of --mail-links.")
    house = there.provider.house
    bringing = Bringing(house, origin=origin, actor=ACTOR, dry_run=dry_run)
    with _bar(len(found), "Importing") as bar:
        results = await bringing.bring(found, bar)
    adopted = []
    if adopt:
        with _bar(len(results), "Looking for hub users") as bar:
            adopted = [each async for each in Adopting(there, dry_run=dry_run).adopt(results, bar)]
    if links is not None and not dry_run:
        await _write_links(there, _waiting(there, results), links)
    if mail_links and not dry_run:
        await _mail_links(there, _waiting(there, results))
    if as_json:
        print_json(_data(results, adopted, dry_run))
    else:
        for line in _lines(results, adopted, dry_run):
            click.echo(line)
    if any(result.act == "left_out" for result in results):
        click.get_current_context().exit(LEFT_OUT)


def _waiting(there: There, results: Iterable[Result]) -> list[Account]:
    """The active accounts among them that have no password now."""
    brought = (result.account for result in results if result.account is not None and result.act != "left_out")
    now = (there.provider.house.accounts.by_id(account.id) for account in brought)
    return [account for account in now if account and account.password_hash is None and account.status == ACTIVE]


async def _mail_links(there: There, waiting: Sequence[Account]) -> None:
    sent = 0
    with _bar(len(waiting), "Mailing links") as bar:
        for account in waiting:
            sent += await there.provider.house.recovery.send_link(account.id, ACTOR)
            bar(1)
    click.echo(f"{sent} of {len(waiting)} accounts without a password are mailed a link.", err=True)


async def _write_links(there: There, waiting: Sequence[Account], path: Path) -> None:
    with _private(path) as file, _bar(len(waiting), "Making links") as bar:
        lines = csv.writer(file)
        lines.writerow(("username", "email", "link"))
        for account in waiting:
            url = await there.provider.house.administration.reset(account.id, actor=ACTOR)
            lines.writerow((account.username, account.email or "", url))
            bar(1)


def _data(results: Sequence[Result], adopted: Sequence[Adopted], dry_run: bool) -> dict[str, Any]:
    accounts = [
        {"username": each.username, "where": each.where, "act": each.act, "why": each.why, "notes": list(each.notes)}
        for each in results
    ]
    hub_users = [{"username": each.username, "adopted": each.done, "why": each.why} for each in adopted]
    return {"dry_run": dry_run, "counts": _counts(results), "accounts": accounts, "hub_users": hub_users}


def _lines(results: Sequence[Result], adopted: Sequence[Adopted], dry_run: bool) -> Iterator[str]:
    for result in results:
        who = " ".join(filter(None, (result.username or "(no name)", f"({result.where})" if result.where else "")))
        if result.act == "left_out":
            yield f"left out: {who}: {result.why}"
    noted: dict[str, list[str]] = {}
    for result in results:
        for note in result.notes:
            noted.setdefault(note, []).append(result.username)
    for note, names in noted.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"note: {', '.join(names[:SHOWN])}{more}: {note}"
    for each in adopted:
        if not each.done:
            yield f"hub user: {each.username}: {each.why}"
    counts = _counts(results)
    told = ", ".join(f"{number} {act.replace('_', ' ')}" for act, number in counts.items())
    reached = sum(each.done for each in adopted)
    yield f"{'A dry run, nothing was written: ' if dry_run else ''}{told}; {reached} have the hub user of their name."


def _counts(results: Sequence[Result]) -> dict[str, int]:
    counted = Counter(result.act for result in results)
    return {act: counted[act] for act in ("created", "updated", "unchanged", "left_out")}


@click.command(short_help="Write accounts into a file.")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file in place of the screen.")
@click.option("--with-hashes", is_flag=True, help="With password hashes, to move to another hub; needs --output.")
@on_accounts
async def export(there: There, form: Format, output: Path | None, with_hashes: bool) -> None:
    """Write all accounts as JSON or CSV, which `hubauth native import table` reads again.

    There is nothing secret in it, unless password hashes are asked for: whoever has those can try passwords as fast as
    their machine allows, so keep the file from everybody. Second factors stay: they are bound to this hub.
    """
    if with_hashes and output is None:
        raise ConfigError("Password hashes are written into a file only. Name one with --output.")
    accounts = everybody(there.provider.house.administration.listing, parse({}))
    entries = (told(account, with_hash=with_hashes) for account, _ in accounts)
    if output is None:
        write(entries, sys.stdout, form)
        return
    with _private(output) as file:
        count = write(entries, file, form)
    click.echo(f"{count} accounts are in {output}.")


@contextlib.contextmanager
def _private(path: Path) -> Iterator[IO[str]]:
    """A new file that only its owner reads. Raises ConfigError where there is one already."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}.") from error
    with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
        yield file


@contextlib.contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, where there is something to wait for."""
    if length < 100 or not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update
