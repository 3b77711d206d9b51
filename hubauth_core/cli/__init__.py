"""The `hubauth` command."""

from __future__ import annotations

import sys

import click

from ..errors import HubAuthError
from .commands import WithPlugins


class Commands(WithPlugins):
    """A group in which our own errors become one plain message and exit code 1.

    What a command needs is imported when it is called: loading JupyterHub alone takes a second.
    """

    lazy = {
        "check": "hubauth_core.cli.check:check",
        "consent": "hubauth_core.cli.consent:consent",
        "credential-service": "hubauth_core.cli.credential_service:credential_service",
        "demo": "hubauth_core.cli.demo.command:demo",
        "init": "hubauth_core.cli.store:init",
        "migrate": "hubauth_core.cli.migrate.command:migrate",
        "providers": "hubauth_core.cli.providers:providers",
        "rotate-keys": "hubauth_core.cli.keys:rotate_keys",
        "upgrade-db": "hubauth_core.cli.store:upgrade_db",
    }

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
