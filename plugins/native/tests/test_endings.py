"""What has to end: written down once, done by the hub, done again where it failed."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import pytest
from sqlalchemy import select

from hubauth_native import NativeProvider, endings
from hubauth_native.schema import endings as stored


class Stub(Protocol):
    """What these tests use of the core."""

    ended: list[str]
    deleted: list[str]
    in_hub: bool
    end_access: Any


def want(native: NativeProvider, kind: endings.Kind = "access", account: str = "a1") -> None:
    native.house.database.write_now(lambda connection: endings.want(connection, "local", account, kind))


def waiting(native: NativeProvider) -> list[tuple[str, str]]:
    with native.house.database.read() as connection:
        return [(row.account_id, row.kind) for row in connection.execute(select(stored))]


async def test_what_is_wanted_is_done_once(native: NativeProvider, core: Stub) -> None:
    want(native)
    want(native)
    await native.house.endings.act()
    await native.house.endings.act()
    assert core.ended == ["a1"]
    assert waiting(native) == []


async def test_who_has_to_go_still_has_to_go(native: NativeProvider, core: Stub) -> None:
    want(native, "user")
    want(native, "access")
    assert waiting(native) == [("a1", "user")]
    want(native, "access", "a2")
    want(native, "user", "a2")
    await native.house.endings.act()
    assert (sorted(core.deleted), core.ended) == (["a1", "a2"], [])


async def test_outside_the_hub_it_is_left_to_the_hub(native: NativeProvider, core: Stub) -> None:
    core.in_hub = False
    want(native)
    await native.house.endings.act()
    assert (core.ended, waiting(native)) == ([], [("a1", "access")])


@pytest.mark.row("V31")
async def test_what_fails_stays_written_down(
    native: NativeProvider, core: Stub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(subject: str) -> None:
        if subject == "a1":
            raise RuntimeError("the proxy does not answer")
        core.ended.append(subject)

    monkeypatch.setattr(core, "end_access", fail)
    want(native)
    want(native, account="a2")
    await native.house.endings.act()
    assert core.ended == ["a2"], "one does not keep the other"
    assert waiting(native) == [("a1", "access")]
    assert "it is tried again" in caplog.text
    monkeypatch.undo()
    await native.house.endings.act()
    assert core.ended == ["a2", "a1"]
    assert waiting(native) == []


async def test_nobody_waits_for_slow_servers_for_long(
    native: NativeProvider, core: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = asyncio.Event()
    begun: list[str] = []

    async def slow(subject: str) -> None:
        begun.append(subject)
        await stopped.wait()

    monkeypatch.setattr(core, "end_access", slow)
    monkeypatch.setattr(endings, "PATIENCE", 0.01)
    want(native)
    await native.house.endings.act()
    await native.house.endings.act()
    assert begun == ["a1"], "what is under way is not begun once more"
    want(native)
    await native.house.endings.act()
    assert begun == ["a1", "a1"], "what was opened meanwhile has to end too"
    stopped.set()
    monkeypatch.setattr(endings, "PATIENCE", 5.0)
    await native.house.endings.act()
    assert waiting(native) == []
