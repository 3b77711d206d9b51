"""A few threads for work that takes a processor, and a queue that ends (row S01)."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from hubauth_core import ProviderUnavailable

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

RETRY_AFTER: Final = 5.0
"""Seconds after which somebody who was sent away may come again."""


NICE: Final = 10
"""How far these threads step back behind the event loop, of 19: far enough for it, and not to stand still on a machine
that is busy with something else."""


class Busy(ProviderUnavailable):
    """More people at once than the hub has time for; none of them has done anything wrong (503)."""

    default_code = "busy"


class Pool:
    """`threads` that work, and at most `queue` calls that wait for them. Threads start when they are needed."""

    def __init__(self, threads: int, queue: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hubauth-native", initializer=_step_back)
        self._room = threads + queue
        self._inside = 0

    async def run(
        self, work: Callable[Arguments, Answer], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """What `work` answers, from a thread. Raises Busy at once where too many wait already."""
        if self._inside >= self._room:
            raise Busy("Too many people sign in right now. Try again in a moment.", retry_after=RETRY_AFTER)
        self._inside += 1
        try:
            future = self._threads.submit(work, *args, **kwargs)
            return await asyncio.wrap_future(future)
        finally:
            self._inside -= 1


def _step_back() -> None:
    """Leave the processor to the event loop where both want it; Linux alone has priorities of threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        usual = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(19, usual + NICE))
