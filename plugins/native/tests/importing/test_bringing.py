"""What comes along is taken in whole or not at all, once, and never over a newer password."""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections.abc import Callable, Sequence
from typing import Any

import bcrypt
import pytest

from hubauth_core import Secret
from hubauth_native import NativeProvider
from hubauth_native.accounts import Account
from hubauth_native.factors.totp import Totp
from hubauth_native.importing.bringing import Bringing
from hubauth_native.importing.entry import Entry, Found, Unreadable
from hubauth_native.importing.planning import Result

PASSWORD = "old and long enough"
HASH = Secret(bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
OTHER = Secret(bcrypt.hashpw(b"another password", bcrypt.gensalt(4)).decode())
TOTP = Secret("JBSWY3DPEHPK3PXP")

Bring = Callable[..., Sequence[Result]]


@pytest.fixture
def bring(native: NativeProvider) -> Bring:
    """`bring(*found, dry_run=False, origin="old")`: what became of them."""

    def bring(*found: Found, dry_run: bool = False, origin: str = "old") -> Sequence[Result]:
        bringing = Bringing(native.house, origin=origin, actor="me", dry_run=dry_run)
        return asyncio.run(bringing.bring(found))

    return bring


def code_now(secret: str) -> str:
    """RFC 6238 by hand: pyotp takes no secret as short as NativeAuthenticator's."""
    counter = int(time.time() // 30).to_bytes(8, "big")
    mac = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


def account(native: NativeProvider, name: str) -> Account:
    found = native.house.accounts.by_name(name)
    assert found is not None
    return found


def change(native: NativeProvider, name: str, **values: object) -> None:
    found = account(native, name)
    native.house.database.write_now(lambda connection: native.house.accounts.change(connection, found.id, **values))


def test_an_old_password_goes_on(native: NativeProvider, core: Any, bring: Bring) -> None:
    [result] = bring(Entry(username="Ann", email="ann@b.test", password_hash=HASH))
    assert (result.act, result.username, result.notes) == ("created", "ann", ())
    ann = account(native, "ann")
    assert (ann.status, ann.origin, ann.approved_by, ann.email, ann.email_verified) == (
        *("active", "old", "me"),
        *("ann@b.test", False),
    )
    assert asyncio.run(native.house.hasher.verify(ann.password_hash, PASSWORD)).ok
    assert [(event.kind, event.username, event.actor) for event in core.events] == [("imported", "ann", "me")]
    assert [past.act for past in native.house.administration.history(ann.id)] == ["imported"]


def test_who_waited_for_approval_goes_on_waiting(native: NativeProvider, bring: Bring) -> None:
    bring(Entry(username="ann", password_hash=HASH, status="pending"))
    ann = account(native, "ann")
    assert (ann.status, ann.approved_by) == ("pending", "")


def test_an_import_may_be_run_again(native: NativeProvider, core: Any, bring: Bring) -> None:
    bring(Entry(username="ann", password_hash=HASH))
    assert [each.act for each in bring(Entry(username="ann", password_hash=HASH))] == ["unchanged"]
    assert len(core.events) == 1


def test_a_password_that_was_changed_there_since_comes_along(native: NativeProvider, bring: Bring) -> None:
    bring(Entry(username="ann", password_hash=HASH, status="pending"))
    assert [each.act for each in bring(Entry(username="ann", password_hash=OTHER))] == ["updated"]
    ann = account(native, "ann")
    assert (ann.password_hash, ann.status, ann.approved_by) == (OTHER, "active", "me")


def test_a_password_that_was_used_or_chosen_here_stays(native: NativeProvider, bring: Bring) -> None:
    bring(Entry(username="ann", password_hash=HASH))
    newer = asyncio.run(native.house.hasher.hash("a password of today"))
    change(native, "ann", password_hash=newer)
    assert [each.act for each in bring(Entry(username="ann", password_hash=OTHER))] == ["unchanged"]
    assert account(native, "ann").password_hash == newer


def test_an_account_that_was_shut_here_is_not_opened(native: NativeProvider, bring: Bring) -> None:
    bring(Entry(username="ann", password_hash=HASH))
    change(native, "ann", status="inactive")
    bring(Entry(username="ann", password_hash=HASH))
    assert account(native, "ann").status == "inactive"


@pytest.mark.row("V38")
def test_who_cannot_be_told_apart_is_left_out_with_a_reason(native: NativeProvider, bring: Bring) -> None:
    bring(Entry(username="zoe", password_hash=HASH), origin="elsewhere")
    results = bring(
        Entry(username="ann", where="row 1", password_hash=HASH),
        Entry(username="аnn", where="row 2", password_hash=OTHER),
        Entry(username="zoe", where="row 3", password_hash=OTHER),
        Entry(username="zоe", where="row 4", password_hash=OTHER),
        Entry(username="a/b", where="row 5"),
        Entry(username="", where="row 6"),
        Unreadable(where="row 7", username="?", why="Broken."),
    )
    assert [each.act for each in results] == ["created", *["left_out"] * 6]
    assert all(each.why for each in results[1:])
    assert "'ann' (row 1)" in results[1].why
    assert account(native, "zoe").password_hash == HASH


def test_a_look_alike_of_an_account_from_before_is_left_out(native: NativeProvider, bring: Bring) -> None:
    bring(Entry(username="ann", password_hash=HASH))
    [result] = bring(Entry(username="аnn", password_hash=OTHER))
    assert (result.act, account(native, "ann").password_hash) == ("left_out", HASH)


def test_a_dry_run_says_the_same_and_writes_nothing(native: NativeProvider, core: Any, bring: Bring) -> None:
    entries = [Entry(username="ann", password_hash=HASH), Entry(username="a/b")]
    dry = [(each.act, each.why) for each in bring(*entries, dry_run=True)]
    assert native.house.accounts.by_name("ann") is None
    assert core.events == []
    assert [(each.act, each.why) for each in bring(*entries)] == dry


@pytest.mark.parametrize("bad", [None, Secret("$1$md5$abc"), Secret("clear text"), Secret("$2b$31$" + "a" * 53)])
def test_what_is_no_hash_of_ours_is_no_password(native: NativeProvider, bring: Bring, bad: Secret | None) -> None:
    [result] = bring(Entry(username="ann", password_hash=bad))
    assert account(native, "ann").password_hash is None
    assert "needs a link" in result.notes[0]


def test_an_address_is_proved_once_only(native: NativeProvider, bring: Bring) -> None:
    results = bring(
        Entry(username="ann", email="a@b.test", email_verified=True, password_hash=HASH),
        *(Entry(username=f"other{number}", password_hash=HASH) for number in range(100)),
        Entry(username="ben", email="A@b.test", email_verified=True, password_hash=HASH),
        Entry(username="cid", email="no address", password_hash=HASH),
    )
    assert account(native, "ann").email_verified
    assert not account(native, "ben").email_verified
    assert account(native, "cid").email is None
    assert [bool(each.notes) for each in results[-2:]] == [True, True]


async def test_a_second_factor_comes_along_and_is_asked_for(native: NativeProvider) -> None:
    bringing = Bringing(native.house, origin="old", actor="me")
    await bringing.bring([Entry(username="ann", password_hash=HASH, totp=TOTP)])
    owner = (native.name, account(native, "ann").id)
    totp = Totp(native.house.core, native.house.database, native.house.factors)
    assert not await totp.check([owner], "000000")
    assert await totp.check([owner], code_now(TOTP.reveal()))


def test_without_crypt_keys_a_second_factor_is_left_out_until_there_are_some(
    native: NativeProvider, core: Any, bring: Bring
) -> None:
    core.has_keys = False
    entry = Entry(username="ann", password_hash=HASH, totp=TOTP)
    assert "crypt keys" in bring(entry)[0].notes[0]
    owner = (native.name, account(native, "ann").id)
    assert native.house.factors.of([owner]) == []
    core.has_keys = True
    assert [each.act for each in (*bring(entry), *bring(entry))] == ["updated", "unchanged"]
    assert len(native.house.factors.of([owner])) == 1


def test_a_second_factor_that_an_administrator_took_away_stays_away(native: NativeProvider, bring: Bring) -> None:
    entry = Entry(username="ann", password_hash=HASH, totp=TOTP)
    bring(entry)
    ann = account(native, "ann")
    asyncio.run(native.house.administration.reset_factors([ann.id], actor="me"))
    assert [each.act for each in bring(entry)] == ["unchanged"]
    assert native.house.factors.of([(native.name, ann.id)]) == []


def test_a_secret_that_is_none_is_told(bring: Bring) -> None:
    [result] = bring(Entry(username="ann", password_hash=HASH, totp=Secret("not base32!")))
    assert "cannot be read" in result.notes[0]
