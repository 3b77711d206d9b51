"""One request at a time, kept documents, and what happens when they cannot be fetched again."""

from __future__ import annotations

import asyncio

import pytest

from hubauth_core.errors import ProviderUnavailable
from hubauth_core.oauth2.cached import COOL_DOWN, FRESH, USABLE, Cached


class Source:
    """Counts fetches; fails while `down`; holds them back until `gate` opens."""

    def __init__(self) -> None:
        self.fetches = 0
        self.now = 0.0
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> int:
        self.fetches += 1
        await self.gate.wait()
        if self.down:
            raise ProviderUnavailable("down")
        return self.fetches

    def cached(self) -> Cached[int]:
        return Cached(self.fetch, lambda: self.now)


async def test_is_fetched_once_while_fresh():
    source = Source()
    cached = source.cached()
    assert [await cached.get(), await cached.get()] == [1, 1]
    source.now += FRESH
    assert await cached.get() == 2


@pytest.mark.row("F02")
async def test_all_who_wait_share_one_request_and_its_failure():
    source = Source()
    source.gate.clear()
    source.down = True
    cached = source.cached()
    waiting = [asyncio.ensure_future(cached.get()) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert source.fetches == 1
    assert all(isinstance(outcome, ProviderUnavailable) for outcome in outcomes)


async def test_one_who_gives_up_does_not_end_it_for_the_others():
    source = Source()
    source.gate.clear()
    cached = source.cached()
    first, second = asyncio.ensure_future(cached.get()), asyncio.ensure_future(cached.get())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await second == 1


@pytest.mark.row("F03")
async def test_an_old_document_serves_while_the_provider_is_down_and_it_is_not_asked_at_every_login():
    source = Source()
    cached = source.cached()
    await cached.get()
    source.down = True
    source.now += FRESH
    assert [await cached.get() for _ in range(10)] == [1] * 10
    assert source.fetches == 2
    source.now += COOL_DOWN
    await cached.get()
    assert source.fetches == 3


@pytest.mark.row("F03")
async def test_a_document_that_is_too_old_does_not_serve():
    source = Source()
    cached = source.cached()
    await cached.get()
    source.down = True
    source.now += USABLE - 1
    assert await cached.get() == 1
    source.now += 1
    with pytest.raises(ProviderUnavailable):
        await cached.get()


@pytest.mark.row("X23", "F09")
async def test_hurries_once_per_cool_down():
    source = Source()
    cached = source.cached()
    await cached.get()
    assert [await cached.hurry() for _ in range(10)] == [2] * 10
    source.now += COOL_DOWN
    assert await cached.hurry() == 3


async def test_hurrying_in_vain_leaves_what_there_was():
    source = Source()
    cached = source.cached()
    await cached.get()
    source.down = True
    assert await cached.hurry() == 1


@pytest.mark.row("F01")
async def test_a_failure_is_not_remembered():
    source = Source()
    cached = source.cached()
    source.down = True
    with pytest.raises(ProviderUnavailable):
        await cached.get()
    source.down = False
    assert await cached.get() == 2
