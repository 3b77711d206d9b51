"""`hubauth native`: the acts of administrators from a terminal, beside a running hub or without one."""

from __future__ import annotations

import click

from .acts import approve, deactivate, delete, end_sessions, reactivate, refuse, reset_factors, set_admin
from .making import create, create_admin, invite, reset
from .moving import export, import_
from .reading import history, list_, show


@click.group(short_help="Accounts of the hub's own: create, list, approve, reset, import, ...")
def native() -> None:
    """Manage the accounts that the hub keeps itself.

    Each command reads the hub's configuration and needs no running hub. Beside one it does no harm: what ends
    somebody's access is written down, and the hub does it within seconds, or when it starts.
    """


for command in (
    *(create_admin, create, invite, reset),
    *(list_, show, history),
    *(approve, refuse, deactivate, reactivate, set_admin, end_sessions, reset_factors, delete),
    *(import_, export),
):
    native.add_command(command)
