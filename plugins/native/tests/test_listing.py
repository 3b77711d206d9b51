"""Accounts found by what is asked of them."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from hubauth_native import NativeProvider
from hubauth_native.accounts import Account
from hubauth_native.listing import BadQuery, Found, Listing, parse
from hubauth_native.schema import factors


def names(found: Found) -> list[str]:
    return [row.account.username for row in found.rows]


@pytest.fixture
def listing(native: NativeProvider) -> Listing:
    return native.house.administration.listing


def create(native: NativeProvider, name: str, **values: Any) -> Account:
    return native.house.database.write_now(lambda connection: native.house.accounts.create(connection, name, **values))


def with_factor(native: NativeProvider, account: Account, kind: str) -> None:
    def work(connection: Connection) -> None:
        row = {"id": secrets.token_hex(16), "keeper": "local", "provider": "local", "subject": account.id, "kind": kind}
        more = {"label": "", "data": b"", "digest": row["id"], "counter": 0, "challenged_at": 0.0, "created_at": 0.0}
        connection.execute(insert(factors).values(**row, **more))

    native.house.database.write_now(work)


@pytest.fixture
def people(native: NativeProvider) -> dict[str, Account]:
    """Five people, and one of another provider."""
    found = {
        "ann": create(native, "ann", full_name="Ann O'Hara", email="a.ohara@maths.example", created_at=1.0),
        "ben": create(native, "ben_k", full_name="Benedikt", status="pending", created_at=3.0),
        "cat": create(native, "cat", admin=True, last_sign_in_at=50.0, created_at=2.0),
        "dan": create(native, "dan", status="inactive", failures=7, origin="sign-up", created_at=5.0),
        "eve": create(native, "eve%", status="inactive", inactive_until=time.time() - 1, created_at=4.0),
    }
    with_factor(native, found["cat"], "totp")
    with_factor(native, found["dan"], "recovery")
    return found


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["ann", "ben_k", "cat", "dan", "eve%"]),
        ({"q": "AN"}, ["ann", "dan"]),
        ({"q": "o'hara"}, ["ann"]),
        ({"q": "maths.EX"}, ["ann"]),
        ({"q": "%"}, ["eve%"]),
        ({"q": "_"}, ["ben_k"]),
        ({"q": "\\"}, []),
        ({"status": "pending"}, ["ben_k"]),
        ({"status": "inactive"}, ["dan"]),
        ({"status": "active"}, ["ann", "cat", "eve%"]),
        ({"admin": "yes"}, ["cat"]),
        ({"admin": "no"}, ["ann", "ben_k", "dan", "eve%"]),
        ({"factor": "yes"}, ["cat"]),
        ({"factor": "no", "q": "a"}, ["ann", "dan"]),
        ({"origin": "sign-up"}, ["dan"]),
        ({"sort": "-created"}, ["dan", "eve%", "ben_k", "cat", "ann"]),
        ({"sort": "-failures", "size": "1"}, ["dan"]),
        ({"sort": "-last_sign_in", "size": "1"}, ["cat"]),
        ({"size": "2", "page": "2"}, ["cat", "dan"]),
        ({"size": "2", "page": "9"}, []),
    ],
)
@pytest.mark.usefixtures("people")
def test_people_are_found(listing: Listing, asked: dict[str, str], expected: list[str]) -> None:
    assert names(listing.find(parse(asked))) == expected


@pytest.mark.usefixtures("people")
def test_it_says_how_many_there_are_in_all(listing: Listing) -> None:
    assert listing.find(parse({"size": "2"})).total == 5
    assert listing.counts() == {"pending": 1, "active": 2, "inactive": 2}


def test_people_of_another_provider_are_not_listed(native: NativeProvider, start: Any) -> None:
    create(start("guests"), "zoe")
    assert native.house.administration.listing.find(parse({})).total == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "gone"},
        {"status": ""},
        {"sort": "password_hash"},
        {"sort": "--name"},
        {"admin": "maybe"},
        {"page": "0"},
        {"page": "1e3"},
        {"page": "99999999999999"},
        {"size": "201"},
        {"size": "-1"},
        {"q": "x" * 300},
        {"q": "x" * 256},
        {"unknown": "1"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(BadQuery):
        parse(asked)
