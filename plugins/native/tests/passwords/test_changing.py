"""Setting a password."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import insert, select

from hubauth_core import Secret
from hubauth_native import NativeProvider, links
from hubauth_native.accounts import Account
from hubauth_native.passwords.changing import renew_hash, set_password
from hubauth_native.schema import browsers, history

OLD, NEW = Secret("nfc$old"), Secret("nfc$new")


@pytest.fixture
def ann(native: NativeProvider) -> Account:
    def make(connection: object) -> Account:
        return native.house.accounts.create(connection, "ann", password_hash=OLD, must_change=True, failures=7)  # type: ignore[arg-type]

    return native.house.database.write_now(make)


def now(native: NativeProvider, ann: Account) -> Account:
    account = native.house.accounts.by_id(ann.id)
    assert account is not None
    return account


def change(native: NativeProvider, ann: Account) -> bool:
    return native.house.database.write_now(
        lambda connection: set_password(native.house, connection, ann.id, NEW, actor="boss", address="::1", why="reset")
    )


def test_the_new_password_counts_from_now_on(native: NativeProvider, ann: Account) -> None:
    assert change(native, ann)
    account = now(native, ann)
    assert account.password_hash == NEW
    assert account.password_set_at
    assert account.must_change is False
    assert account.failures == 0
    with native.house.database.read() as connection:
        (row,) = connection.execute(select(history).where(history.c.account_id == ann.id)).mappings()
    assert (row["act"], row["actor"], row["reason"], row["address"]) == ("password_changed", "boss", "reset", "::1")


@pytest.mark.row("V10")
async def test_sessions_and_tokens_end(native: NativeProvider, ann: Account, core) -> None:  # type: ignore[no-untyped-def]
    change(native, ann)
    await native.house.endings.act()
    assert core.ended == [ann.id]


@pytest.mark.row("S02", "V33")
@pytest.mark.parametrize("purpose", ["reset", "first_password", "email_change"])
def test_links_from_before_die(native: NativeProvider, ann: Account, purpose: links.Purpose) -> None:
    token = native.house.database.write_now(
        lambda connection: links.make(connection, "local", purpose, lifetime=60, account_id=ann.id)
    )
    change(native, ann)
    with native.house.database.read() as connection, pytest.raises(links.LinkOver):
        links.look(connection, "local", purpose, token.reveal())


def test_trusted_browsers_are_asked_again(native: NativeProvider, ann: Account) -> None:
    def trust(connection) -> None:  # type: ignore[no-untyped-def]
        for provider, subject in (("local", ann.id), ("other", ann.id), ("local", "zoe")):
            row = {"digest": provider + subject, "keeper": "local", "provider": provider, "subject": subject}
            connection.execute(insert(browsers).values(**row, created_at=time.time(), expires_at=time.time() + 60))

    native.house.database.write_now(trust)
    change(native, ann)
    with native.house.database.read() as connection:
        assert set(connection.execute(select(browsers.c.digest)).scalars()) == {f"other{ann.id}", "localzoe"}


def test_nobody_is_changed_where_nobody_is(native: NativeProvider, ann: Account) -> None:
    native.house.database.write_now(lambda connection: native.house.accounts.delete(connection, ann.id))
    assert not change(native, ann)


@pytest.mark.row("P09")
def test_a_password_that_changed_meanwhile_stays(native: NativeProvider, ann: Account) -> None:
    renewed = Secret("nfc$renewed")
    native.house.database.write_now(lambda connection: renew_hash(connection, ann.id, OLD, renewed))
    assert now(native, ann).password_hash == renewed
    change(native, ann)
    native.house.database.write_now(lambda connection: renew_hash(connection, ann.id, renewed, Secret("nfc$late")))
    assert now(native, ann).password_hash == NEW
