"""Every row of the security table is held by a test, or names the capability that will bring it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROWS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "rows.toml").read_text())
CAPABILITIES = {"credentials", "native", "social", "access rules and logout", "later"}


@pytest.fixture(scope="module")
def marks(
    collected: dict[str, list[str]] | None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """Row -> the tests of the whole suite that carry its mark, whatever part of it is running now."""
    if collected is not None:
        return collected
    file = tmp_path_factory.mktemp("rows") / "marks.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "harness.row_marks",
        "-p",
        "no:cacheprovider",
    ]
    root = request.config.rootpath
    environment = os.environ | {"ROW_MARKS": str(file), "PYTHONPATH": str(root / "tests")}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    found: dict[str, list[str]] = json.loads(file.read_text())
    return found


def test_every_row_is_well_formed() -> None:
    for name, row in ROWS.items():
        assert set(row) - {"capability", "held_by"} == {"check"}, name
        assert not {"capability", "held_by"} <= set(row), f"{name}: one or the other"
        assert row.get("capability", "later") in CAPABILITIES, name
        assert set(row.get("held_by", ())) <= set(ROWS), name


def test_every_mark_names_a_row(marks: dict[str, list[str]]) -> None:
    unknown = {row: tests for row, tests in marks.items() if row not in ROWS}
    assert not unknown


def test_no_row_is_nobodys(marks: dict[str, list[str]]) -> None:
    """A row is held by its marks or by those of every row in `held_by`; otherwise a capability must be named."""
    missing = {
        name: row["check"]
        for name, row in ROWS.items()
        if "capability" not in row and name not in marks and not _held(row, marks)
    }
    assert not missing, "\n" + "\n".join(f"{name}: {check}" for name, check in missing.items())


def _held(row: dict[str, Any], marks: dict[str, list[str]]) -> bool:
    return "held_by" in row and all(other in marks for other in row["held_by"])
