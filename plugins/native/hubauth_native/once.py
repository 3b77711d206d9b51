"""A form that is sent twice, by a double click or a reload, does its work once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from .accounts import Account

REMEMBERED: Final = 1000
"""Forms whose second sending is recognised."""


class Once:
    """Forms that were sent: sending one again, at once or later, brings what it brought the first time."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, asyncio.Future[Account]] = OrderedDict()

    async def do(self, form: str, work: Callable[[], Awaitable[Account]]) -> Account:
        """Do `work` for a form, unless that is done or under way. What has failed may be sent again."""
        if not 16 <= len(form) <= 64:
            return await work()
        if form not in self._sent:
            self._sent[form] = asyncio.ensure_future(work())
            self._sent[form].add_done_callback(partial(self._done, form))
            while len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
        return await asyncio.shield(self._sent[form])

    def _done(self, form: str, future: asyncio.Future[Account]) -> None:
        if (future.cancelled() or future.exception()) and self._sent.get(form) is future:
            del self._sent[form]
