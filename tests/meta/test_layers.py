"""The house reads top-down: a file imports only files above it, and nothing imports its own package in a function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "hubauth_core"

ORDER = [
    *(
        "errors",
        "urls",
        "types",
        "claims",
        "options",
        "rule_options",
        "schema",
        "migrations",
        "database",
        "core",
        "hookspecs",
        "provider",
        "configure",
    ),
    *("rule_checks", "discovery", "manager", "calls", "registry", "needs_keys"),
    *("transaction", "waiting", "hub"),
    *("names", "facts", "mapping", "access", "hub_rules", "hub_roles", "system_users", "sealing", "revocation_queue"),
    *("binding", "links", "sweep", "identities", "lease", "rotation", "vault"),
    "vouched",
    *(
        "events",
        "auth_model",
        "saving",
        "refresh",
        "revocation",
        "git",
        "retrieval",
        "renewal",
        "strongroom",
        "spawning",
        "linking",
        "gate",
        "first_login",
        "signin",
        "recheck",
        "kept_state",
        "asking",
        "staying",
        "lifecycle",
        "ending",
        "idle",
        "lending",
    ),
    *("web", "plugin", "hub_options", "building", "authenticator"),
    *("oauth2", "builtin"),
    "service",
    *("testing", "cli"),
]
"""Modules and packages of hubauth_core, top-down: each imports only what stands before it (or itself)."""

SHIPPED_TO_PLUGINS = {"hubauth_core", "hubauth_core.oauth2", "hubauth_core.plugin", "hubauth_core.cli.extending"}
"""What a plugin of ours imports, so that anybody's plugin can do the same."""

IMPORTS_TESTING = {"cli": "the demo's identity provider is the kit's"}
"""Who may import `testing`, and why. Everybody else leaves it to tests."""

PACKAGES = sorted(path.parent for path in CORE.rglob("__init__.py") if path.parent != CORE)
MODULES = sorted(path for path in CORE.rglob("*.py"))
PLUGIN_MODULES = sorted((ROOT / "plugins").glob("*/hubauth_*/**/*.py"))


def name_of(path: Path) -> str:
    """`hubauth_core.oauth2.http` for its file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, tree: ast.AST | None = None) -> Iterator[str]:
    """Every module of hubauth_core that a file imports, by full name; `from . import a` counts as `a`."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(tree or ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "hubauth_core")
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base.split(".")[0] == "hubauth_core":
                yield from (_resolved(base, alias.name) for alias in node.names)


def _resolved(base: str, name: str) -> str:
    file = ROOT.joinpath(*base.split("."), name)
    return f"{base}.{name}" if file.with_suffix(".py").exists() or file.is_dir() else base


def layer(module: str) -> str:
    """The entry of ORDER that a module belongs to; "" for hubauth_core itself."""
    return module.partition(".")[2].partition(".")[0]


def test_order_names_every_module() -> None:
    there = {layer(name_of(path)) for path in MODULES} - {""}
    assert there == set(ORDER)


def test_the_architecture_page_draws_the_house_in_this_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    house = page.partition("```\nhubauth_core/\n")[2].partition("```")[0]
    drawn = re.findall(r"^  (\w+)(?:\.py|/) ", house, re.MULTILINE)
    assert drawn == [module for module in ORDER if module != "migrations"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_what_stands_above(path: Path) -> None:
    own = layer(name_of(path)) or "configure"  # the package itself re-exports what stands up to there
    allowed = {"", *ORDER[: ORDER.index(own) + 1]} - (set() if own in IMPORTS_TESTING else {"testing"} - {own})
    wrong = {module for module in imports(path) if layer(module) not in allowed}
    assert not wrong, f"{own} imports what stands below it: {sorted(wrong)}"


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_no_cycle_inside_a_package(package: Path) -> None:
    name = name_of(package / "__init__.py")
    graph = {
        name_of(path): {module for module in imports(path) if module.startswith(f"{name}.")}
        for path in package.glob("*.py")
        if path.name != "__init__.py"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(f"{name} runs in a circle: {' -> '.join(cycle.args[1])}")


@pytest.mark.parametrize("path", MODULES + PLUGIN_MODULES, ids=name_of)
def test_no_function_imports_our_own(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    hidden = {module for function in functions for module in imports(path, function)}
    assert not hidden, f"imported in a function: {sorted(hidden)}"


@pytest.mark.parametrize("path", PLUGIN_MODULES, ids=name_of)
def test_plugins_of_ours_use_what_everybody_may(path: Path) -> None:
    used = {module for module in imports(path) if module.startswith("hubauth_core")}
    assert used <= SHIPPED_TO_PLUGINS
