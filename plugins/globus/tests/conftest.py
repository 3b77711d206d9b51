"""Shared by the tests of this plugin."""

from collections.abc import Callable

import pytest

from hubauth_core.transaction import begin
from hubauth_core.types import Transaction


@pytest.fixture
def new_transaction() -> Callable[[str], Transaction]:
    """A sign-in under way, as the hub begins it."""
    return lambda name: begin(name, redirect_uri=f"https://hub.test/hub/auth/{name}/callback", next_url="/hub/home")
