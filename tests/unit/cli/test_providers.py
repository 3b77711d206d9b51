"""`hubauth providers` tells what is installed, what uses it, and why something cannot work."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from traitlets import Unicode
from traitlets.config import Configurable

from harness.shelf import brings, entry_point
from hubauth_core import Provider
from hubauth_core.cli import main
from hubauth_core.cli.providers import ProviderType, survey, table
from hubauth_core.discovery import Discovery


class Forge(Provider):
    required_options = ("client_id",)
    client_id = Unicode().tag(config=True)


class Plain(Provider):
    pass


def module(name: str, cls: object) -> ModuleType:
    made = ModuleType(name)
    vars(made)["hubauth_provider_type"] = brings(cls)
    return made


@pytest.fixture(autouse=True)
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in {"forge_plugin": Forge, "plain_plugin": Plain, "odd_plugin": 7}.items():
        monkeypatch.setitem(sys.modules, name, module(name, cls))


def look(
    entry_points: Mapping[tuple[str, str], str], configured: Mapping[str, Any] | None = None, *, auto: bool = False
) -> list[ProviderType]:
    """The survey of `(type, distribution) -> module`."""
    found = [entry_point(name, target, distribution) for (name, distribution), target in entry_points.items()]
    return list(survey(Discovery(found), Configurable(), configured, auto=auto))


def test_type_in_use_names_its_providers_and_distribution() -> None:
    [forge] = look({("forge", "hubauth-forge"): "forge_plugin"}, {"corp": {"type": "forge"}, "forge": {}})
    assert (forge.distribution, forge.version, forge.providers) == ("hubauth-forge", "1.2", ("corp", "forge"))
    assert forge.state == "in use"


def test_unused_type_says_what_it_lacks() -> None:
    [forge] = look({("forge", "hubauth-forge"): "forge_plugin"}, {})
    assert forge.lacks == ("client_id",)
    assert forge.state == "lacks client_id"


def test_without_configured_providers_a_type_that_lacks_nothing_is_in_use() -> None:
    forge, plain = look({("forge", "f"): "forge_plugin", ("plain", "p"): "plain_plugin"}, None, auto=True)
    assert forge.providers == ()
    assert plain.providers == ("plain",)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param("module_that_is_not_there", "ModuleNotFoundError", id="import"),
        pytest.param("odd_plugin", "not a subclass of Provider", id="no-provider"),
        pytest.param("json", "implements nothing", id="no-hook"),
    ],
)
def test_broken_type_says_why_and_others_go_on(target: str, reason: str) -> None:
    bad, plain = look({("bad", "hubauth-bad"): target, ("plain", "p"): "plain_plugin"}, {"bad": {}})
    assert reason in (bad.problem or "")
    assert bad.failing
    assert plain.problem is None


def test_clash_names_both_distributions_on_both_lines() -> None:
    clashing = look({("plain", "one"): "plain_plugin", ("plain", "two"): "plain_plugin"}, {})
    assert [each.distribution for each in clashing] == ["one", "two"]
    assert all("one 1.2" in (each.problem or "") and "two 1.2" in (each.problem or "") for each in clashing)


def test_type_that_nobody_brings_is_listed_with_the_nearest_name() -> None:
    _, wanted = look({("forge", "f"): "forge_plugin"}, {"corp": {"type": "forgee"}})
    assert wanted.providers == ("corp",)
    assert "Did you mean 'forge'?" in (wanted.problem or "")


def test_table_puts_the_reason_below_the_line() -> None:
    lines = table(look({("bad", "hubauth-bad"): "module_that_is_not_there"}, {})).splitlines()
    assert lines[0].split() == ["TYPE", "DISTRIBUTION", "VERSION", "PROVIDERS", "STATE"]
    assert lines[1].split() == ["bad", "hubauth-bad", "1.2", "-", "broken"]
    assert "No module named 'module_that_is_not_there'" in lines[2]


def run(tmp_path: Path, config: str, *arguments: str) -> tuple[int, str]:
    path = tmp_path / "jupyterhub_config.py"
    path.write_text(config)
    result = CliRunner().invoke(main, ["providers", "-f", str(path), *arguments])
    return result.exit_code, result.output


def test_command_lists_the_types_that_come_with_the_core(tmp_path: Path) -> None:
    code, output = run(tmp_path, "c.HubAuthenticator.providers = {'sso': {'type': 'oidc'}}", "--json")
    types = {each["type"]: each for each in json.loads(output)["types"]}
    assert code == 0
    assert types["oidc"]["providers"] == ["sso"]
    assert types["oidc"]["distribution"] == types["authenticator"]["distribution"] == "hubauth-core"
    assert "client_id" in types["oauth2"]["lacks"]


def test_command_fails_where_the_configuration_wants_what_is_not_there(tmp_path: Path) -> None:
    code, output = run(tmp_path, "c.HubAuthenticator.providers.update({'sso': {'type': 'oidcc'}})")
    assert code == 1
    assert "Did you mean 'oidc'?" in output


def test_configuration_that_raises_is_named_with_its_line(tmp_path: Path) -> None:
    code, output = run(tmp_path, "c.JupyterHub.port = 1\n1 / 0\n")
    assert code == 1
    assert "jupyterhub_config.py:2 cannot be loaded: ZeroDivisionError" in output
