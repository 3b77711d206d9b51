"""Test modules that are looked into, not run."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def load(path: Path) -> ModuleType:
    """A module by its file, under a name that nobody else uses."""
    spec = importlib.util.spec_from_file_location(f"looked_into_{path.parent.parent.name}_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
