"""Several questions at once: their order, their limit, and how an error ends them."""

from __future__ import annotations

import asyncio

import pytest

from hubauth_core import ProviderUnavailable
from hubauth_core.oauth2.at_once import AT_ONCE, together


async def test_answers_come_in_the_order_of_the_questions() -> None:
    async def later_first(number: int) -> int:
        for _ in range(10 - number):
            await asyncio.sleep(0)
        return number

    assert await together(later_first, range(10)) == list(range(10))
    assert await together(later_first, []) == []


async def test_only_a_few_are_under_way() -> None:
    under_way: set[int] = set()
    most = 0

    async def ask(number: int) -> None:
        nonlocal most
        under_way.add(number)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.discard(number)

    await together(ask, range(5 * AT_ONCE))
    assert most == AT_ONCE


async def test_an_error_is_raised_as_it_is_and_ends_the_others() -> None:
    ended: list[int] = []

    async def ask(number: int) -> None:
        if number == 1:
            raise ProviderUnavailable("does not answer", retry_after=7)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ProviderUnavailable) as caught:
        await together(ask, range(3))
    assert caught.value.retry_after == 7
    assert sorted(ended) == [0, 2]
