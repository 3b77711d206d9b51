"""A change of the address that its owner takes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from hubauth_native import NativeProvider
from hubauth_native.links import LinkOver
from hubauth_native.mail.outbox import Letter
from hubauth_native.schema import browsers, factors

from .applying import MAIL, letters, token_in, until_refused
from .conftest import StubCore
from .signing_in import CHEAP, PASSWORD, make

Start = Callable[..., NativeProvider]
DAY = 86400.0


def hold(native: NativeProvider, account_id: str, **rows: tuple[str, float]) -> None:
    """Give an account factors: name -> kind, and when it was added."""
    whose = {"keeper": "local", "provider": "local", "subject": account_id, "label": "", "data": b"", "counter": 0}

    def write(connection: Any) -> None:
        for name, (kind, added) in rows.items():
            row = {"id": name, "digest": name, "kind": kind, "challenged_at": 0.0, "created_at": added}
            connection.execute(insert(factors).values(**whose, **row))
        trusted = {"digest": "b", "created_at": 0.0, "expires_at": time.time() + DAY}
        connection.execute(insert(browsers).values(keeper="local", provider="local", subject=account_id, **trusted))

    native.house.database.write_now(write)


def mailed(native: NativeProvider, page: str) -> Letter:
    return next(letter for letter in letters(native) if f"/{page}?" in letter.text)


def held(native: NativeProvider, table: Any = factors) -> set[str]:
    with native.house.database.read() as connection:
        return set(connection.execute(select(table.c.digest)).scalars())


@pytest.mark.row("V32")
@pytest.mark.parametrize(("own", "left"), [({"own": 30, "code": 30}, {"own", "code"}), ({"code": 30}, set())])
async def test_what_a_thief_has_added_goes_with_the_address(
    start: Start, core: StubCore, own: dict[str, int], left: set[str]
) -> None:
    native = start(**CHEAP, **MAIL)
    ann = make(native, email="ann@example.test", email_verified=True)
    change = native.house.email_change
    await change.ask(ann, "thief@evil.test", PASSWORD, "192.0.2.1")
    await change.confirm(token_in(mailed(native, "email-change")), "192.0.2.1", by=ann, password="")
    now, kinds = time.time(), {"own": "totp", "code": "recovery"}
    older = {name: (kinds[name], now - days * DAY) for name, days in own.items()}
    hold(native, ann.id, app=("totp", now), before=("totp", now - 3600), key=("passkey", now), **older)
    await change.undo(token_in(mailed(native, "email-undo")), "192.0.2.1")
    assert held(native) == left, "else the thief's passkey lets the thief in, and the thief's app keeps the owner out"
    assert not held(native, browsers)
    [(subject, since)] = core.disconnected
    assert (subject, now - 2 * DAY < since < now - DAY / 2) == (ann.id, True), "nor does a connected account let him in"


@pytest.mark.row("V33")
async def test_what_an_administrator_has_set_right_no_thief_takes_back(start: Start) -> None:
    native = start(**CHEAP, **MAIL)
    ann = make(native, email="ann@example.test", email_verified=True)
    house = native.house
    for thief in ("one@evil.test", "two@evil.test"):
        now = house.accounts.by_id(ann.id)
        assert now is not None
        await house.email_change.ask(now, thief, PASSWORD, "192.0.2.1")
        link = next(each for each in letters(native) if each.to == thief)
        await house.email_change.confirm(token_in(link), "192.0.2.1", by=now, password="")
    undo = next(each for each in letters(native) if each.to == "one@evil.test" and "/email-undo?" in each.text)
    assert house.email_change.look_undo(token_in(undo)).email == "one@evil.test"
    await house.administration.describe(ann.id, email="ann@example.test", actor="boss")
    with pytest.raises(LinkOver):
        await house.email_change.undo(token_in(undo), "192.0.2.1")


@pytest.mark.row("S02")
async def test_nobody_floods_a_mailbox_from_several_accounts(start: Start) -> None:
    native = start(**CHEAP, **MAIL)
    people = [make(native, f"ann{number}") for number in range(9)]
    ask = native.house.email_change.ask
    code = await until_refused(lambda number: ask(people[number], "victim@example.test", PASSWORD, ""), len(people))
    assert code == "too_many_attempts"
    assert len(letters(native)) <= 6
