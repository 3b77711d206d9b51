"""The pages about connections while the store does not answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hubauth_core import StoreError
from hubauth_core.errors import HubAuthError, LinkRefused
from hubauth_core.web.connections import OwnIdentities
from hubauth_core.web.hub_users import HubUserPage


class Told:
    """As much of a page as there must be: what it said instead of showing anything."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def _shown(self, about: object) -> dict[str, Any]:
        raise StoreError("Busy.", code="store_busy")

    async def say(self, error: HubAuthError) -> None:
        self.told.append(error.code)


@pytest.mark.parametrize("error", [None, LinkRefused("No.")])
async def test_a_store_that_does_not_answer_is_said_in_words(error: HubAuthError | None, monkeypatch: Any) -> None:
    monkeypatch.setattr("hubauth_core.web.hub_users.hub_user", lambda row: row)
    own, other = Told(), Told()
    await OwnIdentities.show(own, error)  # type: ignore[arg-type]  # as much of one as there must be
    await HubUserPage._show(other, SimpleNamespace(orm_user=None), error)  # type: ignore[arg-type]  # the same
    assert (own.told, other.told) == (["store_busy"], ["store_busy"])
