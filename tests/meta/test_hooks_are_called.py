"""Every hook that is specified is called somewhere."""

from __future__ import annotations

import ast
from pathlib import Path

from hubauth_core.hookspecs import SPECS

CORE = Path(__file__).resolve().parents[2] / "hubauth_core"


def called() -> set[str]:
    """Hooks that stand in the core's code other than as a definition: `ask("hubauth_...")`, `hook.hubauth_...`."""
    found = set()
    for path in CORE.rglob("*.py"):
        if path.name != "hookspecs.py" and "testing" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and node.value in SPECS:
                    found.add(node.value)
                elif isinstance(node, ast.Attribute) and node.attr in SPECS:
                    found.add(node.attr)
    return found


def test_every_hook_is_called() -> None:
    assert not set(SPECS) - called()
