"""The start says how the first administrator is made, as long as there is none."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from hubauth_native import NativeProvider
from hubauth_native.first_admin import advise


@pytest.fixture
def told(native: NativeProvider, core: Any, caplog: pytest.LogCaptureFixture) -> Any:
    """`told(named, others)`: what the log says then."""
    core.log = logging.getLogger("hubauth.test")

    def told(named: set[str] = set(), others: Mapping[str, Any] = {}) -> str:  # noqa: B006  # nobody changes it
        caplog.clear()
        advise(native.house, named, others)
        return caplog.text

    return told


def create(native: NativeProvider, name: str, **values: object) -> None:
    native.house.database.write_now(lambda connection: native.house.accounts.create(connection, name, **values))


@pytest.mark.row("6.3.2")
def test_a_hub_without_administrator_says_so(native: NativeProvider, told: Any) -> None:
    create(native, "ann")
    assert "hubauth native create-admin NAME" in told()
    assert "token" not in told()


def test_a_name_of_the_configuration_is_nobody_yet(native: NativeProvider, told: Any) -> None:
    assert "create-admin root" in told({"root"})
    create(native, "root", vouched=True)
    assert told({"root"}) == ""


def test_an_administrators_account_is_enough(native: NativeProvider, told: Any) -> None:
    create(native, "ann", admin=True)
    assert told() == ""


def test_another_provider_may_bring_one(told: Any) -> None:
    assert told(set(), {"uni": {"admin_users": ["ada"]}}) == ""
    assert told(set(), {"uni": {"admin_users": []}, "lib": None}) != ""


def test_a_command_says_nothing(core: Any, told: Any) -> None:
    core.in_hub = False
    assert told() == ""
