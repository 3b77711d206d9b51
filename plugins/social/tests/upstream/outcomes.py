"""A plugin of pytest: writes down what became of each test, for `run.py`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


class Outcomes:
    """What became of each test, subtests included, for `run.py`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passed: set[str] = set()
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)
        elif report.passed and report.when == "call":
            self._passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        passed = sorted(self._passed - self._failed)
        self._path.write_text(json.dumps({"passed": passed, "failed": sorted(self._failed)}))


def pytest_configure(config: pytest.Config) -> None:
    """Only the process that was started by hand hears of all tests."""
    if not hasattr(config, "workerinput") and (path := os.environ.get("HUBAUTH_OUTCOMES")):
        config.pluginmanager.register(Outcomes(Path(path)))
