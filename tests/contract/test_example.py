"""The example plugin is what the how-to shows, keeps the contract as its author would run it, and a hub takes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.warm import LIGHT
from hubauth_core import ConfigError
from hubauth_core.registry import Registry

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "examples" / "hubauth-acme"
HOW_TO = ROOT / "docs" / "how-to" / "write-a-plugin.md"
INCLUDED = re.compile(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def test_the_how_to_shows_the_very_files() -> None:
    shown = dict(INCLUDED.findall(HOW_TO.read_text()))
    assert {ROOT / path for path in shown} == {path for path in ACME.iterdir() if path.suffix in {".py", ".toml"}}
    assert shown == {path: (ROOT / path).read_text() for path in shown}


def test_it_stays_small() -> None:
    lines = (ACME / "hubauth_acme.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 22


def test_its_own_tests_pass() -> None:
    """With its own configuration, in its own folder, with nothing of this repository's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::pytest.PytestWarning"]
    path = {"PYTHONPATH": f"{LIGHT}{os.pathsep}{ACME}"}
    run = subprocess.run(command, cwd=ACME, env=clean | path, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout


@pytest.fixture
def acme_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as pip leaves it behind: its module, and what its distribution says of itself."""
    project = tomllib.loads((ACME / "pyproject.toml").read_text())["project"]
    about = tmp_path / f"hubauth_acme-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n")
    [(name, module)] = project["entry-points"]["hubauth"].items()
    (about / "entry_points.txt").write_text(f"[hubauth]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(ACME)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("acme_installed")
def test_a_hub_finds_it_by_name() -> None:
    registry = Registry()
    registry.configure({"acme": {"client_id": "hub", "client_secret": "secret"}})
    assert (registry.provider("acme").label, type(registry.provider("acme")).__name__) == ("Acme", "AcmeProvider")


@pytest.mark.usefixtures("acme_installed")
def test_a_typo_in_its_options_is_named() -> None:
    with pytest.raises(ConfigError, match=r"client_sekret.*client_secret"):
        Registry().configure({"acme": {"client_id": "hub", "client_sekret": "secret"}})
