"""Links to new passwords, without a hub: what is asked, what is answered, who gets what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from unittest.mock import patch

import pytest
from sqlalchemy import select

from hubauth_core import Event, LoginRefused, ProviderUnavailable
from hubauth_native import NativeProvider, recovery
from hubauth_native.accounts import Account, Accounts
from hubauth_native.links import LinkOver
from hubauth_native.schema import links, mails

Start = Callable[..., NativeProvider]
NEW = "an entirely other walk"
OPTIONS: dict[str, Any] = {
    "argon2_unsafe": True,
    "argon2_memory_cost": 8,
    "argon2_time_cost": 1,
    "smtp_host": "127.0.0.1",
    "smtp_security": "none",
    "mail_from": "hub@hub.test",
}


class Stub(Protocol):
    """What these tests use of the core."""

    events: list[Event]
    ended: list[str]


@pytest.fixture
def native(start: Start) -> NativeProvider:
    return start(**OPTIONS)


def add(native: NativeProvider, name: str, **values: Any) -> Account:
    known = {"email": f"{name}@people.test", "email_verified": True} | values
    return native.house.database.write_now(lambda connection: native.house.accounts.create(connection, name, **known))


def letters(native: NativeProvider) -> list[Any]:
    outbox = native.house.post.outbox
    with native.house.database.read() as connection:
        rows = connection.execute(select(mails.c.id, mails.c.sealed).order_by(mails.c.created_at)).all()
    return [outbox.open(row.id, row.sealed) for row in rows]


@pytest.fixture
def nobody_looks() -> Iterator[None]:
    """While somebody asks, no account is looked at."""
    with patch.object(Accounts, "_one", side_effect=AssertionError("an account was looked at")):
        yield


@pytest.mark.row("S03")
@pytest.mark.usefixtures("nobody_looks")
@pytest.mark.parametrize("who", ["ann", "ann@people.test", "nobody", "\0", "x" * 5000, "\ud800"])
async def test_whoever_asks_is_answered_before_anybody_looks_for_the_account(native: NativeProvider, who: str) -> None:
    await native.house.recovery.ask_reset(who, "192.0.2.1")
    with pytest.raises(AssertionError, match="looked at"):
        native.house.accounts.by_id("x")  # whoever looks is noticed


@pytest.mark.row("S02")
async def test_no_database_is_asked_for_what_it_cannot_take(native: NativeProvider) -> None:
    """On PostgreSQL a NUL would stop the work for a while, and with it everybody's letters."""
    with patch.object(Accounts, "by_email") as asked:
        for who in ("a\0@people.test", "\ud800@people.test"):
            await native.house.recovery._send(recovery.Asked(who, "192.0.2.1"))
    assert not asked.called


async def test_nothing_typed_is_said(native: NativeProvider) -> None:
    with pytest.raises(LoginRefused, match="Type your username"):
        await native.house.recovery.ask_reset("  ", "192.0.2.1")


async def test_more_at_once_than_can_be_done_are_sent_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "MOST_WAITING", 2)
    native = start(**OPTIONS)
    for who in ("a", "b"):
        await native.house.recovery.ask_reset(who, "192.0.2.1")
    with pytest.raises(ProviderUnavailable):
        await native.house.recovery.ask_reset("c", "192.0.2.1")


@pytest.mark.row("V19", "S02")
async def test_only_a_proved_address_gets_a_link(native: NativeProvider, core: Stub) -> None:
    add(native, "ann")
    add(native, "ben", email_verified=False)
    add(native, "cleo", email=None, email_verified=False)
    add(native, "dora", status="inactive")
    add(native, "emil", status="pending")
    asked = ("ann@people.test", "ben", "ben@people.test", "cleo", "dora", "emil", "nobody")
    work = asyncio.create_task(native.house.recovery.run())
    for who in asked:
        await native.house.recovery.ask_reset(who, "192.0.2.1")
    await native.house.recovery._asked.join()
    work.cancel()
    assert [letter.to for letter in letters(native)] == ["ann@people.test"]
    assert [event.reason for event in core.events] == [
        "",
        "email_not_verified",
        "unknown_account",
        "email_not_verified",
        "account_inactive",
        "account_inactive",
        "unknown_account",
    ]


@pytest.mark.row("V38")
async def test_a_name_like_an_address_takes_nobodys_letters(native: NativeProvider) -> None:
    add(native, "ann")
    add(native, "ann@people.test", email="thief@evil.test")
    work = asyncio.create_task(native.house.recovery.run())
    await native.house.recovery.ask_reset("ann@people.test", "192.0.2.1")
    await native.house.recovery._asked.join()
    work.cancel()
    assert [letter.to for letter in letters(native)] == ["ann@people.test"]


async def test_the_names_of_one_account_do_not_multiply_its_letters(native: NativeProvider) -> None:
    add(native, "ann")
    work = asyncio.create_task(native.house.recovery.run())
    for who in ("ann", "ann@people.test") * 4:
        await native.house.recovery.ask_reset(who, "192.0.2.1")
    await native.house.recovery._asked.join()
    work.cancel()
    assert 1 <= len(letters(native)) <= 5


@pytest.mark.row("6.4.6", "M05")
async def test_an_administrator_makes_a_link_and_never_learns_the_password(native: NativeProvider, core: Stub) -> None:
    account = add(native, "ann", email=None, email_verified=False)
    link = await native.house.recovery.issue_link(account.id, "boss")
    assert link.startswith("https://hub.test/hub/auth/local/first-password?token=")
    token = link.partition("token=")[2]
    assert native.house.recovery.look(token).username == "ann"
    await native.house.recovery.reset(token, NEW, "192.0.2.1")
    account = native.house.accounts.by_id(account.id) or account
    assert (await native.house.hasher.verify(account.password_hash, NEW)).ok
    assert core.ended == [account.id]
    assert (core.events[-1].kind, core.events[-1].actor) == ("password_reset", "boss")
    assert not account.email_verified
    again = await native.house.recovery.issue_link(account.id, "boss")
    assert "/reset?token=" in again


@pytest.mark.row("6.4.1")
async def test_an_issued_link_lasts_as_long_as_configured_and_the_older_ones_die(start: Start) -> None:
    native = start(**OPTIONS, issued_link_minutes=10)
    account = add(native, "ann")
    old, new = [await native.house.recovery.issue_link(account.id, "boss") for _ in range(2)]
    with pytest.raises(LinkOver):
        native.house.recovery.look(old.partition("token=")[2])
    assert native.house.recovery.look(new.partition("token=")[2]).id == account.id
    with native.house.database.read() as connection:
        [row] = connection.execute(select(links)).all()
    assert row.expires_at - row.created_at == 600


@pytest.mark.parametrize("minutes", [9, 1441])
def test_an_issued_link_lasts_from_ten_minutes_to_a_day(start: Start, minutes: int) -> None:
    with pytest.raises(Exception, match="issued_link_minutes"):
        start(**OPTIONS, issued_link_minutes=minutes)


@pytest.mark.row("6.4.6")
async def test_a_link_that_is_mailed_is_seen_by_its_owner_alone_and_proves_the_address(native: NativeProvider) -> None:
    account = add(native, "ann", email_verified=False)
    assert await native.house.recovery.send_link(account.id, "boss") is True
    [letter] = letters(native)
    assert letter.to == "ann@people.test"
    assert "boss asks you" in letter.text
    token = letter.text.partition("token=")[2].split()[0]
    await native.house.recovery.reset(token, NEW, "192.0.2.1")
    found = native.house.accounts.by_id(account.id)
    assert found is not None
    assert found.email_verified


async def test_no_account_no_link(native: NativeProvider) -> None:
    with pytest.raises(LoginRefused) as refused:
        await native.house.recovery.issue_link("0" * 32, "boss")
    assert refused.value.code == "not_found"
    assert await native.house.recovery.send_link("0" * 32, "boss") is False


@pytest.mark.parametrize("state", [{"status": "inactive"}, {"email": "other@people.test"}, None])
async def test_a_link_dies_with_what_it_stands_on(native: NativeProvider, state: dict[str, Any] | None) -> None:
    account = add(native, "ann")
    await native.house.recovery.send_link(account.id, "boss")
    token = letters(native)[0].text.partition("token=")[2].split()[0]
    house = native.house

    def change(connection: Any) -> None:
        if state is None:
            house.accounts.delete(connection, account.id)
        else:
            house.accounts.change(connection, account.id, **state)

    house.database.write_now(change)
    with pytest.raises(LinkOver):
        house.recovery.look(token)
    with pytest.raises(LinkOver):
        await house.recovery.reset(token, NEW, "192.0.2.1")
