"""Proofs of addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, select

from hubauth_core import LoginRefused
from hubauth_native import NativeProvider, links, schema
from hubauth_native.verification import hours

from .applying import CHEAP, MAIL, applied, found, letters, token_in, until_refused

Start = Callable[..., NativeProvider]


@pytest.fixture
def native(start: Start) -> NativeProvider:
    """A provider where everybody is welcome who proves an address."""
    return start(signup="open", ask_email="required", **CHEAP, **MAIL)


async def refusal(native: NativeProvider, token: str) -> str:
    with pytest.raises(LoginRefused) as refused:
        await native.house.verification.confirm(token)
    return refused.value.code


@pytest.mark.row("M03")
async def test_looking_at_a_link_proves_nothing(native: NativeProvider) -> None:
    account = await applied(native, email="ann@example.org")
    token = token_in(letters(native)[0])
    for _ in range(3):
        assert native.house.verification.look(token).email == "ann@example.org"
    assert found(native, account) == account
    await native.house.verification.confirm(token)
    assert await refusal(native, token) == "link_over", "once"


async def test_of_two_who_use_a_link_at_once_one_succeeds(native: NativeProvider) -> None:
    await applied(native, email="ann@example.org")
    token = token_in(letters(native)[0])
    confirm = native.house.verification.confirm
    ends = await asyncio.gather(confirm(token), confirm(token), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ends) == ["Account", "LinkOver"]


async def test_a_newer_letter_ends_the_older_link(native: NativeProvider) -> None:
    account = await applied(native, email="ann@example.org")
    await native.house.verification.send_again(account.id, origin="")
    old, new = map(token_in, letters(native))
    assert await refusal(native, old) == "link_over"
    assert (await native.house.verification.confirm(new)).email_verified
    await native.house.verification.send_again(account.id, origin="")
    assert len(letters(native)) == 2, "there is nothing more to prove"


async def test_letters_are_sent_again_a_few_times_only(native: NativeProvider) -> None:
    account = await applied(native, email="ann@example.org")
    refused = await until_refused(lambda _: native.house.verification.send_again(account.id, origin="192.0.2.7"))
    assert refused == "too_many_attempts"
    assert len(letters(native)) < 10


@pytest.mark.row("S03")
async def test_asking_again_for_a_taken_address_writes_to_its_owner(native: NativeProvider) -> None:
    await applied(native, "olga", email="olga@example.org")
    await native.house.verification.confirm(token_in(letters(native)[0]))
    mallory = await applied(native, "mallory", email="olga@example.org")
    await native.house.verification.send_again(mallory.id, origin="")
    assert ["token=" in letter.text for letter in letters(native)] == [True, False, False]


@pytest.mark.row("V34")
async def test_of_two_who_name_an_address_the_one_who_proves_it_has_it(native: NativeProvider) -> None:
    mallory = await applied(native, "mallory", email="ann@example.org")
    ann = await applied(native, "ann", email="ann@example.org")
    first, second = map(token_in, letters(native))
    await native.house.verification.confirm(second)
    assert await refusal(native, first) == "email_taken"
    assert native.house.accounts.by_email("ann@example.org") == found(native, ann)
    stored = found(native, mallory)
    assert stored is not None
    assert not stored.may_sign_in(time.time())


@pytest.mark.row("V32")
async def test_what_was_set_up_before_the_proof_vanishes(native: NativeProvider) -> None:
    account = await applied(native, email="ann@example.org")
    house = native.house

    def plant(connection: Connection) -> None:
        house.factors.add(connection, ("local", account.id), "totp", digest="d" * 64)
        links.make(connection, "local", "reset", lifetime=900.0, account_id=account.id)
        links.make(connection, "local", "email_change", lifetime=900.0, account_id=account.id)

    house.database.write_now(plant)
    await house.verification.confirm(token_in(letters(native)[0]))
    with house.database.read() as connection:
        for table in (schema.factors, schema.links):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name
    assert house.core.ended == [account.id]  # type: ignore[attr-defined]


async def test_a_link_ends_with_its_account(native: NativeProvider) -> None:
    account = await applied(native, email="ann@example.org")
    token = token_in(letters(native)[0])
    native.house.database.write_now(lambda connection: native.house.accounts.delete(connection, account.id))
    with pytest.raises(LoginRefused):
        native.house.verification.look(token)
    assert await refusal(native, token) == "link_over"


@pytest.mark.parametrize("token", ["", "\0", "x" * 43, "x" * 100_000, "\ud800"])
async def test_what_is_no_link(native: NativeProvider, token: str) -> None:
    assert await refusal(native, token) == "link_over"


@pytest.mark.parametrize(("seconds", "whole"), [(300.0, 1), (3600.0, 1), (86400.0, 24)])
def test_hours_as_letters_say_them(seconds: float, whole: int) -> None:
    assert hours(seconds) == whole
