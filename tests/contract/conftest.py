"""The kit names the rows that its tests hold; here they become marks."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    if rows := getattr(getattr(item, "function", None), "rows", ()):
        item.add_marker(pytest.mark.row(*rows))
