"""What every command of ours begins with: the provider that it is about, and the accounts that it names."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from hubauth_core import ConfigError
from hubauth_core.cli.extending import Beside, beside, config_option

from ..accounts import Account
from ..provider import NativeProvider

There = Beside[NativeProvider]

ACTOR: Final = "command line"
"""Who did it, in histories and the audit trail; no account has a space in its name."""

MARK: Final = "id:"
"""What a name begins with that is an account's id."""


def on_accounts(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The options that say which accounts; `command` gets them opened, as its first argument."""

    @config_option
    @click.option("--provider", metavar="NAME", help="The provider, where the hub has several of this type.")
    @functools.wraps(command)
    def run(config: Path | None, provider: str | None, **options: Any) -> None:
        with beside(config, NativeProvider, provider) as there:
            asyncio.run(_whole(command(there, **options)))

    return run


async def _whole(done: Awaitable[None]) -> None:
    await done


def found(there: There, name: str) -> Account:
    """The account of a name, or of `id:<id>`. Raises ConfigError."""
    accounts = there.provider.house.accounts
    account = accounts.by_id(name.removeprefix(MARK)) if name.startswith(MARK) else accounts.by_name(name)
    if account is None:
        raise ConfigError(f"There is no account {name!r}.")
    return account


def all_found(there: There, names: Sequence[str]) -> list[Account]:
    """The accounts of several names, each once. Raises ConfigError, before anything is done to one of them."""
    accounts = {account.id: account for account in (found(there, name) for name in names)}
    return list(accounts.values())
