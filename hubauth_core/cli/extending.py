"""Commands that plugins bring: entry points of the group `hubauth.commands`, imported when they are called.

A plugin's command imports from here what it needs of ours.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import click

from .beside import Beside, beside
from .hub_config import config_option, configured_providers, load, needed
from .store import open_store

__all__ = [
    "GROUP",
    "Beside",
    "WithPlugins",
    "beside",
    "config_option",
    "configured_providers",
    "load",
    "needed",
    "open_store",
]

GROUP: Final = "hubauth.commands"


class WithPlugins(click.Group):
    """A group with the commands of installed plugins among its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_brought()})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        own = super().get_command(ctx, name)
        if own is not None or name not in (brought := _brought()):
            return own
        try:
            command: Any = brought[name].load()
        except Exception as error:
            return _broken(name, brought[name], error)
        return command if isinstance(command, click.Command) else None


def _brought() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP)}


def _broken(name: str, point: EntryPoint, error: Exception) -> click.Command:
    """A command that says why there is none: one broken plugin takes no other command away."""
    whose = point.dist.name if point.dist else point.value

    def tell() -> None:
        raise click.ClickException(f"{whose} cannot be loaded: {type(error).__name__}: {error}")

    return click.Command(name, callback=tell, short_help=f"(broken: {type(error).__name__})")
