"""New accounts and one-time links: `create-admin`, `create`, `invite`, `reset`.

A link is printed on the terminal that asked for it, and nowhere else (row 6.3.2).
"""

from __future__ import annotations

from typing import Final

import click

from hubauth_core import ConfigError, HubUser, LoginRefused

from .opened import ACTOR, There, found, on_accounts
from .printing import link_lines

NOBODY: Final = "nobody"
"""The subject of an account that is not there yet."""

adopt = click.option(
    "--adopt",
    is_flag=True,
    help="Give the account the hub user of that name, who has no identity yet, with its servers.",
)
full_name = click.option("--full-name", default="", metavar="TEXT")
email = click.option("--email", metavar="ADDRESS", help="Its mail address, which nobody has proved yet.")


@click.command("create-admin", short_help="Make the first administrator, or a further one.")
@click.argument("name")
@email
@full_name
@adopt
@on_accounts
async def create_admin(there: There, name: str, email: str | None, full_name: str, adopt: bool) -> None:
    """Make an account for an administrator of the hub, and print the one-time link by which NAME chooses a password.

    The name may stand in the hub's configuration (admin_users). It must not be anybody's yet: a hub user of that name
    is taken over with --adopt alone. Run again, it prints a new link as long as no password was chosen.
    """
    house = there.provider.house
    account = house.accounts.by_name(name)
    if account is None:
        await _create(there, name, email=email, full_name=full_name, admin=True, adopt=adopt)
        return
    if account.password_hash is not None or not account.admin:
        made = "" if account.admin else ", and `hubauth native set-admin` makes its owner an administrator"
        raise ConfigError(
            f"There is an account {account.username!r} already. If you know that it is the right person's: "
            f"`hubauth native reset` prints a link to a new password{made}."
        )
    _print_link(f"{account.username} has no password yet. A new link:", await _link(there, account.id))


@click.command(short_help="Make an account.")
@click.argument("name")
@email
@full_name
@click.option("--admin/--no-admin", default=None, help="Whether it is an administrator; unset: as the hub says.")
@adopt
@on_accounts
async def create(there: There, name: str, email: str | None, full_name: str, admin: bool | None, adopt: bool) -> None:
    """Make an account, and print the one-time link by which NAME chooses a password. Nobody else ever knows it."""
    await _create(there, name, email=email, full_name=full_name, admin=admin, adopt=adopt)


@click.command(short_help="Print a one-time link for a new password.")
@click.argument("name")
@on_accounts
async def reset(there: There, name: str) -> None:
    """Print a one-time link by which the owner of the account NAME chooses a new password; an older link dies."""
    account = found(there, name)
    _print_link(f"For {account.username}:", await _link(there, account.id))


@click.command(short_help="Make an invitation to sign up.")
@click.option("--email", metavar="ADDRESS", help="For this address alone; it is mailed there where the hub sends mail.")
@click.option("--uses", type=click.IntRange(1), default=1, show_default=True, help="How many people it is for.")
@click.option("--days", type=click.IntRange(1), default=7, show_default=True, help="For how long it is good.")
@on_accounts
async def invite(there: There, email: str | None, uses: int, days: int) -> None:
    """Make an invitation: a link under which people sign up without waiting for approval."""
    url = await there.provider.house.invitations.invite(email, uses, days * 86400.0, ACTOR)
    if not url:
        click.echo(f"The invitation is on its way to {email}, as soon as the hub runs.")
        return
    _print_link("An invitation:", url, f"{uses} time{'' if uses == 1 else 's'}, within {days} days")


async def _create(
    there: There, name: str, *, email: str | None, full_name: str, admin: bool | None, adopt: bool
) -> None:
    adopted = _free(there, name, adopt=adopt)
    account, url = await there.provider.house.administration.create(
        name, email=email, full_name=full_name, admin=admin, actor=ACTOR
    )
    if adopted is not None:
        await there.adopt(account.id, account.username, adopted)
        click.echo(f"It has the hub user {adopted.name!r}.")
    _print_link(f"{account.username} is there. The link by which its owner chooses a password:", url)


def _free(there: There, name: str, *, adopt: bool) -> HubUser | None:
    """The hub user to adopt, if any. Raises LoginRefused, ConfigError for a name that somebody has."""
    try:
        there.lead(NOBODY, name)
    except LoginRefused as error:
        hub_user = there.free_hub_user(name)
        if hub_user is None or error.code != "name_taken":
            raise
        if not adopt:
            raise ConfigError(
                f"The hub has a user {hub_user.name!r} already, with servers and files. If the account is for that "
                "person, say so with --adopt; else take another name."
            ) from None
        return hub_user
    return None


async def _link(there: There, account_id: str) -> str:
    url: str = await there.provider.house.administration.reset(account_id, actor=ACTOR)
    return url


def _print_link(before: str, url: str, times: str = "") -> None:
    click.echo(before)
    for line in link_lines(url, times):
        click.echo(line)
