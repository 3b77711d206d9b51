"""A pytest plugin that writes which tests carry which row marks: `ROW_MARKS=file pytest --collect-only -p ...`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def by_row(items: list[pytest.Item]) -> dict[str, list[str]]:
    """Row -> the ids of the tests that carry its mark."""
    marks: dict[str, list[str]] = {}
    for item in items:
        for mark in item.iter_markers("row"):
            for row in mark.args:
                marks.setdefault(row, []).append(item.nodeid)
    return marks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before anything is deselected."""
    Path(os.environ["ROW_MARKS"]).write_text(json.dumps(by_row(items)))
