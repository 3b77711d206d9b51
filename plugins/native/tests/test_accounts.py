"""Accounts as they are stored."""

from __future__ import annotations

import pytest

from hubauth_native import NativeProvider
from hubauth_native.accounts import Account, NameTaken


def create(native: NativeProvider, name: str, **values: object) -> Account:
    return native.house.database.write_now(lambda connection: native.house.accounts.create(connection, name, **values))


@pytest.mark.row("V38")
@pytest.mark.parametrize("other", ["Ann", "ann", "ＡＮＮ", "аnn"])
def test_look_alikes_of_a_name_are_taken(native: NativeProvider, other: str) -> None:
    create(native, "ann")
    with pytest.raises(NameTaken):
        create(native, other)


def test_two_providers_have_names_of_their_own(start, native: NativeProvider) -> None:  # type: ignore[no-untyped-def]
    assert create(native, "ann").id != create(start("guests"), "ann").id


@pytest.mark.row("V34")
def test_an_address_that_nobody_has_proved_blocks_nobody(native: NativeProvider) -> None:
    create(native, "mallory", email="ann@example.test")
    owner = create(native, "ann", email="ann@example.test", email_verified=True)
    found = native.house.accounts.by_email("Ann@Example.test")
    assert found is not None
    assert found.id == owner.id
    with pytest.raises(NameTaken):
        create(native, "zoe", email="ANN@example.test", email_verified=True)


@pytest.mark.parametrize("name", ["", "\0", "a/b", "x" * 300, "\ud800"])
def test_what_cannot_be_a_name_is_nobodys(native: NativeProvider, name: str) -> None:
    assert native.house.accounts.by_name(name) is None
