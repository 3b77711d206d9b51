"""Shared by all tests: what to do about parts that this machine lacks."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from harness import parts


@pytest.fixture(scope="session")
def require() -> parts.Require:
    """`require(part, present, remedy)`: skip where a part is missing; a failure under HUBAUTH_REQUIRE_ALL=1."""
    return parts.require


@pytest.fixture(scope="session")
def chromium(require: parts.Require) -> str:
    """The path of the system's Chromium."""
    path = parts.chromium()
    require("chromium", path, "apt-get install chromium")
    return path or ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _skip_is_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _skip_is_failure(report)
    return report


def _skip_is_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under HUBAUTH_REQUIRE_ALL=1 whatever was skipped has failed; an expected failure stays one."""
    if report.skipped and parts.all_required() and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr  # type: ignore[misc]  # of a skip it is (path, line, reason)
        report.outcome = "failed"
        report.longrepr = f"skipped, but HUBAUTH_REQUIRE_ALL=1: {reason}"
