"""The first key seals, any key opens, and only for the owner."""

from __future__ import annotations

import os
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper

from hubauth_core import CredentialError
from hubauth_core.sealing import Owner, Sealing

FIRST, SECOND, OTHER = (os.urandom(32) for _ in range(3))
OWNER = Owner("1", "uni", "7", "credential", "")


def sealing(*keys: bytes) -> Sealing:
    return Sealing(CryptKeeper(keys=list(keys)))


@pytest.mark.row("F14")
async def test_the_first_key_seals_and_any_key_opens() -> None:
    under_first = await sealing(FIRST, SECOND).seal(OWNER, {"a": {"b"}})
    for keys, by_first_key in (((FIRST,), True), ((FIRST, SECOND), True), ((SECOND, FIRST), False)):
        opened = await sealing(*keys).open(OWNER, under_first)
        assert (opened.content, opened.by_first_key) == ({"a": ["b"]}, by_first_key)
        assert "'b'" not in repr(opened)


@pytest.mark.row("F14")
@pytest.mark.parametrize("keys", [(), (OTHER,), (OTHER, SECOND)], ids=["none", "another", "two-others"])
async def test_a_lost_key_opens_nothing(keys: tuple[bytes, ...]) -> None:
    blob = await sealing(FIRST).seal(OWNER, {})
    with pytest.raises(CredentialError) as error:
        await sealing(*keys).open(OWNER, blob)
    assert error.value.code == "unreadable"


@pytest.mark.row("F14")
@pytest.mark.parametrize("field", Owner._fields)
async def test_what_is_somebody_elses_does_not_open(field: str) -> None:
    blob = await sealing(FIRST).seal(OWNER, {})
    with pytest.raises(CredentialError, match="belongs to another row"):
        await sealing(FIRST).open(OWNER._replace(**{field: "other"}), blob)


@pytest.mark.parametrize("payload", ["", "[]", "{}", '"x"', 7, {"owner": 1}])
async def test_what_is_none_of_ours_does_not_open(payload: Any) -> None:
    keeper = CryptKeeper(keys=[FIRST])
    with pytest.raises(CredentialError):
        await Sealing(keeper).open(OWNER, await keeper.encrypt(payload))


async def test_keys_that_change_while_the_hub_runs_count() -> None:
    keeper = CryptKeeper(keys=[SECOND, FIRST])
    changing = Sealing(keeper)
    blob = await sealing(FIRST).seal(OWNER, {})
    assert not (await changing.open(OWNER, blob)).by_first_key
    keeper.keys = [FIRST, SECOND]
    assert (await changing.open(OWNER, blob)).by_first_key
