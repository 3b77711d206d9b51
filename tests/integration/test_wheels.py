"""What people install: wheels, not this working tree. They hold everything; each plugin stands without the other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from harness.parts import ROOT
from harness.warm import LIGHT

PACKAGES = {
    "hubauth-core": (ROOT, "hubauth_core"),
    "hubauth-binderhub": (ROOT / "plugins" / "binderhub", "hubauth_binderhub"),
    "hubauth-bitbucket": (ROOT / "plugins" / "bitbucket", "hubauth_bitbucket"),
    "hubauth-cilogon": (ROOT / "plugins" / "cilogon", "hubauth_cilogon"),
    "hubauth-entra": (ROOT / "plugins" / "entra", "hubauth_entra"),
    "hubauth-github": (ROOT / "plugins" / "github", "hubauth_github"),
    "hubauth-gitlab": (ROOT / "plugins" / "gitlab", "hubauth_gitlab"),
    "hubauth-globus": (ROOT / "plugins" / "globus", "hubauth_globus"),
    "hubauth-google": (ROOT / "plugins" / "google", "hubauth_google"),
    "hubauth-native": (ROOT / "plugins" / "native", "hubauth_native"),
    "hubauth-singleuser": (ROOT / "plugins" / "singleuser", "hubauth_singleuser"),
}
OURS = ("hubauth", "_hubauth", "__editable__", "_editable")

BUILD = "import importlib, sys; print(importlib.import_module(sys.argv[1]).build_wheel(sys.argv[2]))"
"""What `python -m build` does where everything is there, without the processes in between."""

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--assert=plain")

Wheels = dict[str, Path]


class Installation:
    """A fresh virtual environment with some of our wheels, and what they depend on from this one."""

    def __init__(self, directory: Path, wheels: list[Path]) -> None:
        venv.create(directory, with_pip=False, symlinks=True)
        self.python = directory / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        run([*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", *map(str, wheels)])
        dependencies = directory / "dependencies"
        dependencies.mkdir()
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if not entry.name.startswith(OURS) and entry.suffix != ".pth":
                (dependencies / entry.name).symlink_to(entry)
        [site_packages] = directory.glob("lib/python*/site-packages")
        (site_packages / "dependencies.pth").write_text(f"{LIGHT}\n{dependencies}\n")

    def __call__(self, *arguments: str) -> str:
        """Run its Python, away from this working tree, and answer what it prints."""
        return run([str(self.python), "-I", *arguments], cwd=self.python.parent)

    def providers(self) -> dict[str, dict[str, Any]]:
        """What its `hubauth providers` lists, by type."""
        printed = run([str(self.python.with_name("hubauth")), "providers", "--json"], cwd=self.python.parent)
        return {each["type"]: each for each in json.loads(printed)["types"]}


def run(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    built = {}
    for name, (project, _) in PACKAGES.items():
        directory = tmp_path_factory.mktemp(name)
        backend = tomllib.loads((project / "pyproject.toml").read_text())["build-system"]["build-backend"]
        file = run([sys.executable, "-c", BUILD, backend, str(directory)], cwd=project).splitlines()[-1]
        built[name] = directory / file
    return built


@pytest.fixture(scope="module")
def install(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Installation]:
    made: dict[tuple[str, ...], Installation] = {}

    def install(*names: str) -> Installation:
        if names not in made:
            made[names] = Installation(tmp_path_factory.mktemp("venv"), [wheels[name] for name in names])
        return made[names]

    return install


@pytest.mark.parametrize("name", PACKAGES)
def test_wheel_holds_every_file_of_its_package(wheels: Wheels, name: str) -> None:
    project, package = PACKAGES[name]
    tree = {
        str(path.relative_to(project))
        for path in (project / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheels[name]) as wheel:
        outside = (".dist-info/", ".data/")
        assert {entry for entry in wheel.namelist() if not any(each in entry for each in outside)} == tree
    assert f"{package}/py.typed" in tree


@pytest.mark.parametrize("name", PACKAGES)
def test_wheel_says_what_it_is_and_brings_its_licence(wheels: Wheels, name: str) -> None:
    with zipfile.ZipFile(wheels[name]) as wheel:
        [metadata] = [entry for entry in wheel.namelist() if entry.endswith(".dist-info/METADATA")]
        says = Parser().parsestr(wheel.read(metadata).decode())
        assert any(entry.endswith(".dist-info/licenses/LICENSE") for entry in wheel.namelist())
    assert says["Name"] == name
    assert says["License-Expression"] == "BSD-3-Clause"
    assert says["Requires-Python"] == ">=3.11"
    assert str(says.get_payload()).lstrip().startswith("#"), "the readme is missing"


def test_core_wheel_holds_pages_and_migrations(wheels: Wheels) -> None:
    with zipfile.ZipFile(wheels["hubauth-core"]) as wheel:
        entries = wheel.namelist()
    for pattern in ("web/templates/", "web/static/", "migrations/env.py", "migrations/versions/", "cli/demo/"):
        assert any(entry.startswith(f"hubauth_core/{pattern}") for entry in entries), pattern


def test_installed_wheels_bring_their_providers(install: Callable[..., Installation]) -> None:
    types = install(*PACKAGES).providers()
    assert {each["type"]: each["distribution"] for each in types.values()} == {
        "oauth2": "hubauth-core",
        "oidc": "hubauth-core",
        "authenticator": "hubauth-core",
        "bitbucket": "hubauth-bitbucket",
        "cilogon": "hubauth-cilogon",
        "entra": "hubauth-entra",
        "github": "hubauth-github",
        "gitlab": "hubauth-gitlab",
        "globus": "hubauth-globus",
        "google": "hubauth-google",
        "native": "hubauth-native",
    }
    assert {name: each["problem"] for name, each in types.items() if each["problem"]} == {}


@pytest.mark.parametrize(("plugin", "sibling"), [("github", "gitlab"), ("gitlab", "github"), ("native", "github")])
def test_plugin_works_without_its_sibling(install: Callable[..., Installation], plugin: str, sibling: str) -> None:
    installation = install("hubauth-core", f"hubauth-{plugin}")
    types = installation.providers()
    assert types[plugin]["problem"] is None
    assert sibling not in types
    printed = installation(
        "-c",
        f"import hubauth_{plugin}, importlib.util, json\n"
        f"print(json.dumps([hubauth_{plugin}.__file__, importlib.util.find_spec('hubauth_{sibling}') is None]))",
    )
    location, alone = json.loads(printed)
    assert alone
    assert "site-packages" in location


def test_native_wheel_holds_all_that_it_reads_at_run_time(wheels: Wheels) -> None:
    with zipfile.ZipFile(wheels["hubauth-native"]) as wheel:
        entries = wheel.namelist()
    for folder in ("templates", "static", "mail/letters", "migrations/versions"):
        assert any(entry.startswith(f"hubauth_native/{folder}/") for entry in entries), folder


def test_native_brings_its_command(install: Callable[..., Installation]) -> None:
    installation = install("hubauth-core", "hubauth-native")
    command = str(installation.python.with_name("hubauth"))
    assert "create-admin" in run([command, "native", "--help"], cwd=installation.python.parent)
    alone = install("hubauth-core")
    assert "native" not in run([str(alone.python.with_name("hubauth")), "--help"], cwd=alone.python.parent)


@pytest.mark.parametrize(
    ("plugin", "some"),
    [("github", "test_provider.py"), ("gitlab", "test_provider.py"), ("native", "test_accounts.py")],
    ids=lambda word: word,
)
def test_plugin_passes_its_tests_without_its_sibling(
    install: Callable[..., Installation], plugin: str, some: str, tmp_path: Path
) -> None:
    """Away from this working tree: its tests and its own configuration are all there is.

    All are imported, and some are run: of what a wheel may lack they see the same.
    """
    project, _ = PACKAGES[f"hubauth-{plugin}"]
    shutil.copytree(project / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "pyproject.toml", tmp_path)
    installation = install("hubauth-core", f"hubauth-{plugin}")
    assert " passed" in installation(*PYTEST, "--rootdir", str(tmp_path), "-k", some, str(tmp_path))


def test_what_runs_in_servers_stands_alone_and_switches_its_extension_on(install: Callable[..., Installation]) -> None:
    installation = install("hubauth-singleuser")
    printed = installation(
        "-c",
        "import hubauth_singleuser.git.helper, hubauth_singleuser.cli, importlib.util, json, sys\n"
        "alien = {'hubauth_core', 'jupyter_server', 'jupyterhub', 'tornado', 'traitlets', 'requests', 'httpx'}\n"
        "print(json.dumps([importlib.util.find_spec('hubauth_core') is None, sorted(alien & set(sys.modules))]))",
    )
    assert json.loads(printed) == [True, []]
    listed = installation("-m", "jupyter_server.extension.serverextension", "list")
    assert re.search(r"hubauth_singleuser\.extension\s+\S*enabled", listed)
    for command in ("git-credential-hubauth", "hubauth-singleuser"):
        assert "usage:" in run([str(installation.python.with_name(command)), "--help"])


def test_what_runs_in_servers_passes_its_tests_alone(install: Callable[..., Installation], tmp_path: Path) -> None:
    project, _ = PACKAGES["hubauth-singleuser"]
    shutil.copytree(project / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "pyproject.toml", tmp_path)
    shutil.rmtree(tmp_path / "tests" / "extension")  # starts servers; those of this tree are enough
    (tmp_path / "tests" / "test_types.py").unlink()  # and so is the type checker
    installation = install("hubauth-singleuser")
    some = "test_cli.py or test_client.py or test_whole_path.py"
    assert " passed" in installation(*PYTEST, "--rootdir", str(tmp_path), "-k", some, str(tmp_path))


def test_importing_the_authenticator_loads_neither_authlib_nor_alembic(install: Callable[..., Installation]) -> None:
    """Every hub imports every installed authenticator, also hubs that never use hubauth. JupyterHub loads Alembic."""
    printed = install("hubauth-core")(
        "-c",
        "import json, sys, jupyterhub.orm\n"
        "before = set(sys.modules)\n"
        "import hubauth_core.authenticator\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))",
    )
    assert not {"authlib", "alembic", "joserfc", "httpx"} & set(json.loads(printed))


def test_hub_finds_the_authenticator_by_its_short_name(install: Callable[..., Installation]) -> None:
    printed = install("hubauth-core")(
        "-c",
        "from traitlets.config import Config; from jupyterhub.app import JupyterHub\n"
        "hub = JupyterHub(config=Config(JupyterHub={'authenticator_class': 'hubauth'}))\n"
        "print(hub.authenticator_class.__module__)",
    )
    assert printed.strip() == "hubauth_core.authenticator"
