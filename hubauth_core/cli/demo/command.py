"""`hubauth demo`."""

from __future__ import annotations

import asyncio
import getpass
import signal
import sys
import tempfile
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack, ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ...testing.idp import Person
from .forge import Forge
from .hub import DemoFailed, DemoHub, claim_port, write_config
from .people import FORGE, GUEST, GUEST_PASSWORD, LIBRARY, UNIVERSITY
from .sources import sources

NEEDED = ("configurable_http_proxy", "hubauth_native", "hubauth_singleuser", "jupyterlab", "psutil")


@click.command(short_help="Open a real JupyterHub on this machine, with people to sign in as.")
@click.option(
    "-p", "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Its port; 0 takes a free one."
)
@click.option(
    "-d",
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the data here, for the next time. Without it they go when the demo ends.",
)
@click.option(
    "--token-lifetime",
    default=300,
    show_default=True,
    type=click.IntRange(1),
    metavar="SECONDS",
    help="For how long the access tokens of the providers are good.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the hub's log here instead of writing it into a file.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- HUB_OPTIONS]")
def demo(port: int, directory: Path | None, token_lifetime: int, verbose: bool, arguments: tuple[str, ...]) -> None:
    """Open a real JupyterHub on this machine, with two identity providers, a form, and accounts to sign up for.

    A third provider keeps a private git repository, which opens to those who connect their account there.

    It listens on 127.0.0.1 only and runs until Ctrl-C. What stands after `--` goes to jupyterhub itself.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise DemoFailed(f"The demo needs {', '.join(missing)}: pip install 'hubauth-core[demo]'")
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hubauth-demo-")))
        directory = directory.resolve()
        directory.mkdir(0o700, parents=True, exist_ok=True)
        hub = DemoHub(directory=directory, port=claim_port(port), arguments=arguments, verbose=verbose)
        asyncio.run(run(hub, token_lifetime))


async def run(hub: DemoHub, lifetime: float) -> None:
    """Everything from the first port to the last process. `lifetime`: of tokens, in seconds. Raises DemoFailed."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        beside = await stack.enter_async_context(sources(hub.directory, lifetime))
        stack.push_async_callback(hub.stop)
        click.echo("Starting JupyterHub (a few seconds) ...", err=True)
        await hub.start(write_config(hub.directory, hub.settings() | beside.settings()))
        await first(stop.wait(), hub.healthy(), hub.ended())
        if not stop.is_set():
            click.echo(welcome(hub, beside.forge, lifetime))
            sys.stdout.flush()
            await first(stop.wait(), hub.ended())
        click.echo("\nStopping ...", err=True)
    click.echo("Everything has stopped.", err=True)


async def first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of `waits` is done, give the others up, and raise what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def welcome(hub: DemoHub, forge: Forge | None, lifetime: float) -> str:
    """What to open, who one can be there, and what to try."""
    return "\n".join(
        [
            "",
            f"  JupyterHub is ready. Open  {hub.url}",
            "",
            *source("University", UNIVERSITY),
            *source("City Library", LIBRARY),
            f"  {'Guests':<14}{GUEST:<11}password {GUEST_PASSWORD!r}, in the form on the sign-in page",
            *OWN_ACCOUNTS,
            *(private_repository(forge, lifetime) if forge else NO_FORGE),
            "",
            f"  Configuration, data and logs: {hub.directory}",
            f"  Everybody on this machine can sign in here, and their notebooks run as {getpass.getuser()}.",
            "  Ctrl-C stops everything.",
        ]
    )


OWN_ACCOUNTS = (
    "",
    "  House         accounts that the hub keeps itself: there is none yet; choose 'Create an account' below that form",
    "  Whoever is 'eve' there is 'house-eve' on the hub. As ada of the University, who is an administrator, open",
    "  'Accounts of House' to look after them.",
)

NO_FORGE = ("", "  The Code Forge with its private repository is left out: git is not installed.")


def private_repository(forge: Forge, lifetime: float) -> list[str]:
    """Three steps from an account at the forge to a private repository that stays open."""
    return [
        "",
        *source("Code Forge", FORGE),
        "  It keeps a private repository. To work with it:",
        "  1. Sign in at the University as ben, open Connections, tick 'repository' and connect Code Forge.",
        "  2. Then start your server (again, if it runs), open a terminal there, and type:",
        f"       git clone {forge.clone_url}",
        f"  3. Wait: a token is good for {lifetime:g} seconds. 'git pull' works all the same: the hub gets a new one.",
    ]


def source(title: str, people: Iterable[Person]) -> list[str]:
    """One line for each person, below the name of where they come from."""
    return [
        f"  {title if number == 0 else '':<14}{person.username:<11}{person.name}{person.note and f', {person.note}'}"
        for number, person in enumerate(people)
    ]
