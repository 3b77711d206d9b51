"""Parts that a developer's machine may lack: node packages, Chromium, further hub versions, database servers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).resolve().parents[2]
COUNTERPARTS = ROOT / "tests" / "counterparts"

MISSING = ": missing"


class Require(Protocol):
    """`require("chromium", path, "install Debian's chromium")` skips the test where `path` is falsy."""

    def __call__(self, part: str, present: object, remedy: str = "") -> None: ...


def all_required() -> bool:
    """True where a skip counts as a failure (continuous integration)."""
    return os.environ.get("HUBAUTH_REQUIRE_ALL") == "1"


def require(part: str, present: object, remedy: str = "") -> None:
    """Skip the running test unless `present`. All skips of one part fold into one line of pytest's summary."""
    if not present:
        pytest.skip(f"{part}{MISSING}" + (f" ({remedy})" if remedy else ""))


def node_packages(*packages: str) -> Path | None:
    """The counterparts' folder if node and these npm packages are there, else None."""
    modules = COUNTERPARTS / "node_modules"
    present = shutil.which("node") and all((modules / package).is_dir() for package in packages)
    return COUNTERPARTS if present else None


def chromium() -> str | None:
    """The path of the system's Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")
