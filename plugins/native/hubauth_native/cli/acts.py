"""Acts on accounts that are there, one or several. Whatever ends people's access asks first."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import click

from ..accounts import Account
from .opened import ACTOR, There, all_found, on_accounts

names = click.argument("names", nargs=-1, required=True, metavar="NAME...")
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
reason = click.option("--reason", default="", metavar="TEXT", help="Why; for the account's history.")

ENDS: Final = "Sessions, API tokens and servers end within seconds where the hub runs, else when it starts."

SPAN: Final = re.compile(r"([0-9]{1,4})([mhdw])")
SECONDS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class Until(click.ParamType[float]):
    """A time to come: a date, a date and a time of this machine's clock, or a span from now on."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        if span := SPAN.fullmatch(text):
            return time.time() + int(span[1]) * SECONDS[span[2]]
        try:
            moment = datetime.fromisoformat(text).astimezone().timestamp()
        except (ValueError, OverflowError, OSError):
            self.fail(f"{text!r} is no time. Write 2030-12-31, '2030-12-31 18:00', 90m, 12h, 7d or 2w.", param, ctx)
        if moment <= time.time():
            self.fail(f"{text!r} is over.", param, ctx)
        return moment


@click.command(short_help="Let applicants in.")
@names
@on_accounts
async def approve(there: There, names: Sequence[str]) -> None:
    """Approve accounts that wait for it; their owners are told by mail, where the hub sends mail."""
    ids = _ids(all_found(there, names))
    done = await there.provider.house.administration.approve(ids, actor=ACTOR)
    click.echo(f"{_counted(done)} approved.")


@click.command(short_help="Turn applicants away.")
@names
@reason
@yes
@on_accounts
async def refuse(there: There, names: Sequence[str], reason: str, yes: bool) -> None:
    """Refuse accounts that wait for approval: they are deleted, and their owners are told where the hub sends mail."""
    administration = there.provider.house.administration
    accounts = _asked(there, names, "Refuse and delete", yes)
    done = await administration.refuse(_ids(accounts), reason=reason, actor=ACTOR)
    click.echo(f"{_counted(done)} refused.")


@click.command(short_help="Keep people out, for a time or for good.")
@names
@click.option("--until", type=Until(), help="A date, a time, or a span such as 7d; without it for good.")
@reason
@yes
@on_accounts
async def deactivate(there: There, names: Sequence[str], until: float | None, reason: str, yes: bool) -> None:
    """Deactivate accounts: nobody signs in with them any more, and what their owners have open ends."""
    accounts = _asked(there, names, "End all access of", yes)
    act = there.provider.house.administration.deactivate
    done = await act(_ids(accounts), until=until, reason=reason, actor=ACTOR)
    click.echo(f"{_counted(done)} deactivated. {ENDS}")


@click.command(short_help="Let deactivated people in again.")
@names
@on_accounts
async def reactivate(there: There, names: Sequence[str]) -> None:
    """Let deactivated accounts sign in again."""
    done = await there.provider.house.administration.reactivate(_ids(all_found(there, names)), actor=ACTOR)
    click.echo(f"{_counted(done)} active again.")


@click.command("set-admin", short_help="Make people administrators of the hub, or no longer.")
@names
@click.option("--remove", is_flag=True, help="No longer.")
@yes
@on_accounts
async def set_admin(there: There, names: Sequence[str], remove: bool, yes: bool) -> None:
    """Make people administrators of the hub from their next sign-in on, or take that away at once."""
    question = "Take the rights of an administrator from" if remove else "Make administrators of the hub of"
    accounts = _asked(there, names, question, yes)
    act = there.provider.house.administration.set_admin
    done = await act(_ids(accounts), not remove, actor=ACTOR)
    click.echo(f"{_counted(done)} changed.{f' {ENDS}' if remove else ''}")


@click.command("end-sessions", short_help="End what people have open.")
@names
@yes
@on_accounts
async def end_sessions(there: There, names: Sequence[str], yes: bool) -> None:
    """End every session, API token and server of accounts. They can sign in again."""
    accounts = _asked(there, names, "End every session, token and server of", yes)
    await _ending(there.provider.house.administration.end_sessions, accounts)


@click.command("reset-factors", short_help="Take second factors away.")
@names
@yes
@on_accounts
async def reset_factors(there: There, names: Sequence[str], yes: bool) -> None:
    """Take every second factor and every remembered browser of accounts away, for people who have lost theirs.

    Be sure who asks for it: from then on a password is enough, until a new second factor is set up.
    """
    accounts = _asked(there, names, "Take every second factor from", yes)
    await _ending(there.provider.house.administration.reset_factors, accounts)


@click.command(short_help="Delete accounts, with their hub users.")
@names
@reason
@yes
@on_accounts
async def delete(there: There, names: Sequence[str], reason: str, yes: bool) -> None:
    """Delete accounts for good. Their hub users go too, with tokens and servers; home directories stay."""
    accounts = _asked(there, names, "Delete for good", yes)
    done = await there.provider.house.administration.delete(_ids(accounts), reason=reason, actor=ACTOR)
    click.echo(f"{_counted(done)} deleted. Hub users go within seconds where the hub runs, else when it starts.")


async def _ending(act: Callable[..., Awaitable[int]], accounts: Sequence[Account]) -> None:
    click.echo(f"{_counted(await act(_ids(accounts), actor=ACTOR))} done. {ENDS}")


def _asked(there: There, names: Sequence[str], question: str, yes: bool) -> list[Account]:
    """The accounts, once whoever sits at the terminal has agreed."""
    accounts = all_found(there, names)
    if not yes:
        shown = ", ".join(account.username for account in accounts[:10])
        more = f" and {len(accounts) - 10} more" if len(accounts) > 10 else ""
        click.confirm(f"{question} {shown}{more}?", abort=True)
    return accounts


def _ids(accounts: Sequence[Account]) -> list[str]:
    return [account.id for account in accounts]


def _counted(count: int) -> str:
    return f"{count} account{'' if count == 1 else 's'}"
