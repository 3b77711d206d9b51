"""The group of all commands: ours, and those of plugins (entry points of `hubauth.commands`), imported when called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import click

GROUP: Final = "hubauth.commands"


class WithPlugins(click.Group):
    """A group with the commands of installed plugins among its own. `lazy`: own ones, by name: `module:command`."""

    lazy: Mapping[str, str] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy, *_brought()})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in self.lazy and name not in self.commands:
            self.add_command(EntryPoint(name, self.lazy[name], GROUP).load())
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
