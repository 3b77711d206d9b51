"""`hubauth providers`: every installed provider type, where it is in use, and what keeps it from working."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from traitlets import TraitError
from traitlets.config import Configurable

from ..discovery import PLUGINS, Discovery, Installed
from ..errors import ConfigError
from ..registry import Registry
from .hub_config import SILENT, config_option, configured_providers, load


@dataclass(frozen=True, kw_only=True)
class ProviderType:
    """One line: a type, who brings it, which configured providers are of it, what it lacks, why it is broken.

    `lacks` names required options that are not set, for a type that no configured provider uses.
    """

    type: str
    distribution: str
    version: str
    providers: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def failing(self) -> bool:
        """True if a configured provider needs it and cannot have it."""
        return bool(self.problem and self.providers)

    @property
    def state(self) -> str:
        """One word or two for a table."""
        if self.problem:
            return "broken"
        if self.providers:
            return "in use"
        return f"lacks {', '.join(self.lacks)}" if self.lacks else "ready"


@click.command(short_help="List the installed provider types, who brings them, and what is wrong with one.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def providers(context: click.Context, config: Path | None, as_json: bool) -> None:
    """List every installed provider type: its distribution, where it is in use, what it lacks, why it is broken.

    The exit code is 1 if a provider of the configuration cannot work, otherwise 0: what is broken and unused does no
    harm.
    """
    hub = load(config)
    types = list(survey(Discovery(), hub, configured_providers(hub), auto=config is not None))
    plugins = list(cross_cutting(Discovery(), hub.config.HubAuthenticator.get("plugins", ())))
    if as_json:
        click.echo(json.dumps({"types": [asdict(each) for each in types], "plugins": plugins}, indent=2))
    else:
        click.echo(table(types))
        for plugin in plugins:
            click.echo(f"\nPlugin {plugin['name']} of {plugin['distribution']} {plugin['version']}: {plugin['state']}")
    context.exit(1 if any(each.failing for each in types) else 0)


def survey(
    discovery: Discovery, parent: Configurable, configured: Mapping[str, Any] | None, *, auto: bool = False
) -> Iterator[ProviderType]:
    """A line for every installed type, then one for every type that the configuration wants and nobody brings.

    With `auto`, and nothing configured, a type that lacks nothing counts as in use: it becomes a provider by itself.
    """
    users = _by_type(configured or {})
    registry = Registry(discovery, parent=parent, log=SILENT)
    for installed in discovery.all():
        yield _examine(registry, installed, users.get(installed.name, ()), parent, auto and configured is None)
    for wanted in sorted(users.keys() - discovery.names()):
        try:
            discovery.find(wanted)
        except ConfigError as error:
            yield ProviderType(
                type=wanted, distribution="", version="", providers=users[wanted], problem=error.sentence
            )


def _by_type(configured: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, options in configured.items():
        kind = str(options.get("type", name)) if isinstance(options, Mapping) else name
        found[kind] = (*found.get(kind, ()), name)
    return found


def _examine(
    registry: Registry, installed: Installed, names: tuple[str, ...], parent: Configurable, auto: bool
) -> ProviderType:
    lacks: tuple[str, ...] = ()
    problem = None
    try:
        cls = registry.type_of(installed.name)
        if not names:
            lacks = tuple(cls(installed.name, parent=parent).missing_options())
            names = (installed.name,) if auto and not lacks and registry.is_wanted(cls) else ()
    except ConfigError as error:
        problem = error.sentence
    except TraitError as error:
        problem = f"an option of {cls.__name__} has a wrong value: {error}"
    except Exception as error:  # a plugin's own code; the list goes on without it
        problem = f"{cls.__name__} cannot be made: {type(error).__name__}: {error}"
    return ProviderType(
        type=installed.name,
        distribution=installed.distribution,
        version=installed.version,
        providers=names,
        lacks=lacks,
        problem=problem,
    )


def cross_cutting(discovery: Discovery, listed: Sequence[str]) -> Iterator[dict[str, str]]:
    """Every installed cross-cutting plugin. One that the configuration does not list is not imported."""
    for each in discovery.all(PLUGINS):
        state = "in use" if each.name in listed else "not listed in c.HubAuthenticator.plugins"
        yield {"name": each.name, "distribution": each.distribution, "version": each.version, "state": state}


def table(types: Sequence[ProviderType]) -> str:
    """Columns as wide as their longest entry; what is broken says why below its line."""
    if not types:
        return "No provider type is installed."
    heads = ("TYPE", "DISTRIBUTION", "VERSION", "PROVIDERS", "STATE")
    rows = [
        (each.type, each.distribution or "-", each.version or "-", ", ".join(each.providers) or "-", each.state)
        for each in types
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [_line(heads, widths)]
    for each, row in zip(types, rows, strict=True):
        lines.append(_line(row, widths))
        lines += [f"    {line}" for line in (each.problem or "").splitlines()]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
