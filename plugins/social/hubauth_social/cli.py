"""`hubauth social`: which backends there are, and what each needs. Reads the catalogue, imports no backend."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from hubauth_core import ConfigError

from .catalogue import KINDS, Backend, backends, find, row
from .settings import known, needed

NOTES = {
    "unproven": "checks no password: whoever types an address or a name is believed",
    "embedded": "works by a page or a script of the service itself, and cannot be used here",
}


@click.group(short_help="Backends of python-social-auth: which there are, what each needs.")
def social() -> None:
    """Look into the backends of python-social-auth that are installed."""


@social.command("backends", short_help="List every backend with its kind and the settings that it needs.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only backends of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.argument("word", default="")
def list_(kind: str | None, as_json: bool, word: str) -> None:
    """List every backend, or those with WORD in their name or title: type, kind, and the settings that each needs."""
    found = [each for each in backends() if kind in (None, each.kind)]
    found = [each for each in found if word.lower() in f"{each.name} {each.title}".lower()]
    if as_json:
        click.echo(json.dumps([row(each) for each in found], indent=2))
        return
    click.echo(table([("BACKEND", "TITLE", "KIND", "NEEDS"), *map(_cells, sorted(found, key=lambda each: each.name))]))


@social.command("settings", short_help="What one backend can be told, and what it needs.")
@click.argument("backend")
def settings(backend: str) -> None:
    """Show what BACKEND (a name, or an import path) needs, and every setting that it knows."""
    try:
        found = find(backend)
    except ConfigError as error:
        raise click.ClickException(error.sentence) from None
    lines = [
        f"{found.title} ({found.name}), {KINDS[found.kind]}",
        f"class: {found.path}",
        f"needs: {', '.join(needed(found)) or 'nothing'}",
        f"a person is known by: {found.subject or 'what the backend makes of the answer'}",
    ]
    lines += [f"note: {note}" for note in _notes(found)]
    lines += [f"knows: {', '.join(sorted(known(found) - set(needed(found))))}"]
    click.echo("\n".join(lines))


def _notes(backend: Backend) -> list[str]:
    notes = [NOTES[backend.kind]] if backend.kind in NOTES else []
    if backend.only_connects:
        notes.append("can be connected by somebody who is signed in, and signs nobody in")
    if backend.asks:
        notes.append(f"asks the person for {backend.asks} first")
    if backend.extra:
        notes.append(f"install social-auth-core[{backend.extra}]")
    return notes


def _cells(backend: Backend) -> tuple[str, ...]:
    several = [each for each in backends() if each.name == backend.name]
    name = backend.path if len(several) > 1 else backend.name
    return name, backend.title, KINDS[backend.kind], ", ".join(needed(backend)) or "-"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest entry."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)
