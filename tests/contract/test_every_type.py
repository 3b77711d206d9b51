"""No provider type ships without keeping the contract."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

from hubauth_core.testing.contract import ProviderContract

from .modules import load

ROOT = Path(__file__).resolve().parents[2]
OWN_FLOW = {"authenticator", "native", "social"}
"""Flows of their own: tests/unit/builtin/wrapped, plugins/native/tests and plugins/social/tests prove them."""


def test_every_type_that_ships_keeps_the_contract() -> None:
    projects = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    types: dict[str, str] = {}
    for project in projects:
        types |= tomllib.loads(project.read_text())["project"].get("entry-points", {}).get("hubauth", {})
    tested = {case.provider_type for path in contract_tests() for case in cases(path)}
    untested = {
        name
        for name, module in types.items()
        if name not in OWN_FLOW and import_module(module).hubauth_provider_type() not in tested
    }
    assert untested == set()
    assert types.keys() >= {"oauth2", "oidc", "github", "gitlab", "google", "entra"}


def contract_tests() -> list[Path]:
    return [*ROOT.glob("tests/contract/test_builtin.py"), *ROOT.glob("plugins/*/tests/test_contract.py")]


def cases(path: Path) -> list[type[ProviderContract]]:
    """The contract classes in a test module that pytest runs."""
    return [
        case
        for name, case in vars(load(path)).items()
        if name.startswith("Test") and isinstance(case, type) and issubclass(case, ProviderContract)
    ]
