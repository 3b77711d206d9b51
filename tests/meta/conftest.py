"""What this run has collected, before anything was deselected."""

from __future__ import annotations

import pytest

from harness.row_marks import by_row

COLLECTED = pytest.StashKey[dict[str, list[str]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    root, files = config.rootpath, {item.path for item in items}
    everything = {*root.glob("tests/**/test_*.py"), *root.glob("plugins/*/tests/**/test_*.py")}
    if everything <= files:
        config.stash[COLLECTED] = by_row(items)


@pytest.fixture(scope="session")
def collected(pytestconfig: pytest.Config) -> dict[str, list[str]] | None:
    """Row -> the tests that carry its mark; None where only a part of the suite runs."""
    return pytestconfig.stash.get(COLLECTED, None)
