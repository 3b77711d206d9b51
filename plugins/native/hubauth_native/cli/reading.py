"""What there is: `list`, `show`, `history`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, get_args

import click

from ..accounts import Account, Status
from ..exporting import everybody, told
from ..listing import Order, parse
from .opened import There, found, on_accounts
from .printing import print_facts, print_json, print_table, when, yes

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
name = click.argument("name")


@click.command("list", short_help="List accounts.")
@click.option("--status", type=click.Choice(get_args(Status)), help="Only these.")
@click.option("--search", metavar="TEXT", help="Only those with this in name, full name or address.")
@click.option("--sort", type=click.Choice(get_args(Order)), default="name", show_default=True)
@as_json
@on_accounts
async def list_(there: There, status: str | None, search: str | None, sort: str, as_json: bool) -> None:
    """List the accounts, without secrets."""
    asked = {"q": search, "status": status, "sort": sort}
    query = parse({name: value for name, value in asked.items() if value})
    accounts = [*everybody(there.provider.house.administration.listing, query)]
    if as_json:
        print_json([told(account) | {"second_factor": factor} for account, factor in accounts])
        return
    heads = ("USERNAME", "STATUS", "ADMIN", "E-MAIL", "2ND FACTOR", "LAST SIGN-IN")
    print_table(heads, [_line(account, factor) for account, factor in accounts])


def _line(account: Account, factor: bool) -> tuple[str, ...]:
    status = account.status + (f" until {when(account.inactive_until)}" if account.inactive_until else "")
    admin, last = yes(account.admin), when(account.last_sign_in_at)
    return (account.username, status, admin, account.email or "-", yes(factor), last)


@click.command(short_help="Show one account.")
@name
@as_json
@on_accounts
async def show(there: There, name: str, as_json: bool) -> None:
    """Show the account NAME (a username, or `id:` and an account's id), without secrets."""
    account = found(there, name)
    hub_user = there.core.hub_user(account.id)
    facts: dict[str, Any] = told(account) | {
        "hub_user": hub_user.name if hub_user else None,
        "has_password": account.password_hash is not None,
        "failures": account.failures,
        "terms_version": account.terms_version,
    }
    if as_json:
        print_json(facts)
    else:
        print_facts({name: yes(fact) if isinstance(fact, bool) else fact for name, fact in facts.items()})


@click.command(short_help="Show what happened to an account.")
@name
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Lines at most.")
@as_json
@on_accounts
async def history(there: There, name: str, most: int, as_json: bool) -> None:
    """Show what happened to the account NAME, the latest first."""
    past = there.provider.house.administration.history(found(there, name).id, most)
    if as_json:
        print_json([asdict(each) for each in past])
        return
    heads = ("WHEN", "WHAT", "WHO", "FROM", "WHY")
    rows = [(when(each.at), each.act, each.actor or "owner", each.address or "-", each.reason) for each in past]
    print_table(heads, rows)
