"""Commands that plugins bring."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from hubauth_core.cli import commands, main


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """The entry points of installed plugins; a test fills it."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(commands, "entry_points", lambda group: [each for each in points if each.group == group])
    return points


def test_a_plugins_command_stands_beside_ours(brought: list[EntryPoint], monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("acme_commands")
    vars(module)["acme"] = click.Command("acme", callback=lambda: click.echo("hello"), help="Say hello.")
    monkeypatch.setitem(sys.modules, "acme_commands", module)
    brought.append(EntryPoint("acme", "acme_commands:acme", commands.GROUP))
    assert CliRunner().invoke(main, ["acme"]).output == "hello\n"
    told = CliRunner().invoke(main, ["--help"]).output
    assert "Say hello." in told
    assert "providers" in told


def test_a_broken_plugin_takes_no_other_command_away(brought: list[EntryPoint]) -> None:
    brought.append(EntryPoint("acme", "there_is_no_such_module:acme", commands.GROUP))
    told = CliRunner().invoke(main, ["--help"])
    assert told.exit_code == 0
    assert "(broken: ModuleNotFoundError)" in told.output
    called = CliRunner().invoke(main, ["acme"])
    assert called.exit_code == 1
    assert "cannot be loaded" in called.output


def test_a_plugin_takes_no_command_of_ours(brought: list[EntryPoint]) -> None:
    brought.append(EntryPoint("check", "there_is_no_such_module:check", commands.GROUP))
    assert CliRunner().invoke(main, ["check", "--help"]).exit_code == 0


def test_what_a_command_needs_is_loaded_when_it_is_called() -> None:
    asked = "import sys, hubauth_core.cli; sys.exit('jupyterhub.app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0
