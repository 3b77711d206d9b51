"""The `hubauth` command."""

from __future__ import annotations

import sys

import click

from ..errors import HubAuthError
from .check import check
from .consent import consent
from .credential_service import credential_service
from .demo.command import demo
from .extending import WithPlugins
from .keys import rotate_keys
from .migrate import migrate
from .providers import providers
from .store import init, upgrade_db


class Commands(WithPlugins):
    """A group in which our own errors become one plain message and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except HubAuthError as error:
            click.secho(f"Error: {error.sentence}", fg="red", err=True)
            sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hubauth-core", prog_name="hubauth")
def main() -> None:
    """Pluggable sign-in for JupyterHub: look at what is installed, check a configuration, try it out."""


for command in (providers, check, migrate, demo, init, upgrade_db, rotate_keys, consent, credential_service):
    main.add_command(command)
