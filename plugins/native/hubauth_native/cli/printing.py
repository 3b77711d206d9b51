"""Accounts for people who read a terminal. What people have typed is made one line of plain characters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from ..mail.post import plain


def print_json(told: object) -> None:
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their longest cell."""
    cells = [tuple(heads), *(tuple(map(plain, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, Any]) -> None:
    """One line for each fact that there is."""
    width = max(map(len, facts))
    for name, fact in facts.items():
        if fact not in (None, "", ()):
            click.echo(f"{name:<{width}}  {plain(fact)}")


def when(moment: float | None) -> str:
    """A time as the clock on the wall says it; "-" for never."""
    return "-" if moment is None else datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def yes(flag: bool | None) -> str:
    """ "-" for what others decide."""
    return "-" if flag is None else "yes" if flag else "no"


def link_lines(url: str, lifetime: str) -> Iterator[str]:
    """A one-time link, and what to do with it."""
    yield f"\n  {url}\n"
    if url.startswith("/"):
        yield "c.JupyterHub.public_url is not set: put the address of your hub before it."
    yield f"It opens once{lifetime}, and whoever has it chooses the password: hand it to nobody else."
