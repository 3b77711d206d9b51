"""`hubauth check`: what is wrong with a hub's configuration, before a user meets it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from ..errors import ConfigError
from .hub_config import config_option, load, needed
from .inspected import Finding, Level, inspect
from .reach_rules import reach
from .rules import RULES

COLOURS: Final[dict[Level, str]] = {"error": "red", "warning": "yellow", "ok": "green"}


@click.command(short_help="Find what is wrong with a hub's configuration, before a user does.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.option("--offline", is_flag=True, help="Do not ask the sources whether they answer.")
@click.pass_context
def check(context: click.Context, config: Path | None, as_json: bool, offline: bool) -> None:
    """Load a hub's configuration as JupyterHub does, start nothing, and say what is wrong with it.

    It also says who may enter, which callback address to register with each source, and whether the source answers:
    discovery, keys and endpoints, all sources at once, in 20 seconds at most.

    An `error` stops the hub or keeps everybody out; a `warning` works, but probably not as you think. The exit code is
    1 if there is an error, otherwise 0.
    """
    findings = examine(needed(config), network=not offline)
    counts = Counter(finding.level for finding in findings)
    if as_json:
        told = {"errors": counts["error"], "warnings": counts["warning"], "findings": [*map(asdict, findings)]}
        click.echo(json.dumps(told, indent=2))
    else:
        for finding in findings:
            level = click.style(f"{finding.level:<7}", fg=COLOURS[finding.level])
            click.echo(f"{level}  {finding.about}: {finding.text}")
        click.echo(f"\n{_counted(counts['error'], 'error')}, {_counted(counts['warning'], 'warning')}.")
    context.exit(1 if counts["error"] else 0)


def examine(config: Path, *, network: bool = False) -> list[Finding]:
    """Everything there is to say about a configuration, the worst first. `network`: sources are asked, too."""
    try:
        hub = inspect(load(config))
    except ConfigError as error:
        return [Finding("error", "configuration", error.sentence)]
    order: Sequence[Level] = tuple(COLOURS)
    rules = [*RULES, reach] if network else RULES
    return sorted((each for rule in rules for each in rule(hub)), key=lambda finding: order.index(finding.level))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
