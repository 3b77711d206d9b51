"""What the kit's tests are marked with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])


def holds(*rows: str) -> Callable[[Test], Test]:
    """Names rows of hubauth's security table that a test holds; hubauth's own suite makes marks of them."""

    def name(test: Test) -> Test:
        test.rows = rows  # type: ignore[attr-defined]  # read by hubauth's own conftest
        return test

    return name


def each(name: str, cases: Collection[str]) -> pytest.MarkDecorator:
    """One test per case, with the case as its id."""
    return pytest.mark.parametrize(name, cases, ids=cases)
