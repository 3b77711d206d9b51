"""Threads for backends, which hold one while they wait for their source: bounded, with a queue that ends.

A call that takes too long is given up, and its connections are cut, so that its thread comes back, too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

from hubauth_core import ProviderUnavailable

from .call import Call, TookTooLong

Answer = TypeVar("Answer")

THREADS: Final = 64
QUEUE: Final = 200
DEADLINE: Final = 20.0
"""Seconds that one call may take, the wait for a thread included, however many answers of its source it needs."""

MOST_OF_ONE: Final = 16
"""Calls of one address at the same time, where a call takes as long as whoever makes it likes."""

RETRY_AFTER: Final = 5.0
"""Seconds after which somebody who was sent away may come again."""

NICE: Final = 10
"""How far these threads step back behind the event loop, of 19."""


class Busy(ProviderUnavailable):
    """More people at once than there are threads; none of them has done anything wrong (503)."""

    default_code = "busy"


class Pool:
    """At most `threads`, made when they are needed, and at most `queue` calls that wait for one."""

    def __init__(self, threads: int = THREADS, queue: int = QUEUE, deadline: float = DEADLINE) -> None:
        self.deadline = deadline
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hubauth-social", initializer=_step_back)
        self._most = threads + queue
        self._under_way: Counter[str] = Counter()
        self._counting = threading.Lock()

    async def run(self, work: Callable[[], Answer], *, public_only: bool = False, whose: str = "") -> Answer:
        """What `work` answers, from a thread with this task's context variables. With `whose`, an address, nobody gets
        more than a share of the threads.

        Raises Busy where too many wait already, TookTooLong when the time is over, and what `work` does.
        """
        network = _network(whose)
        self._enter(network)
        call, context = Call(self.deadline, public_only=public_only), copy_context()

        def do() -> Answer:
            with call.under_way():
                call.left()
                return work()

        future = self._threads.submit(context.run, do)
        future.add_done_callback(lambda _: self._leave(network))
        answered = asyncio.wrap_future(future)
        try:
            await asyncio.wait([answered], timeout=self.deadline)
            if not answered.done():
                raise TookTooLong("the call's time is over")
            return await answered
        finally:
            if not answered.done():
                call.cut()
                future.cancel()
                answered.cancel()

    def close(self) -> None:
        """Take no more calls."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enter(self, network: str) -> None:
        with self._counting:
            if self._under_way.total() >= self._most or (network and self._under_way[network] >= MOST_OF_ONE):
                raise Busy("Too many people sign in right now. Try again in a moment.", retry_after=RETRY_AFTER)
            self._under_way[network] += 1

    def _leave(self, network: str) -> None:
        """A call makes room when its thread has ended, not when somebody has stopped waiting for it."""
        with self._counting:
            self._under_way[network] -= 1
            if not self._under_way[network]:
                del self._under_way[network]


def _step_back() -> None:
    """Leave the processor to the event loop where both want it; Linux alone has priorities of threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        usual = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(19, usual + NICE))


def _network(address: str) -> str:
    """What counts as one address: of IPv6, the half that everybody of a network has."""
    return ":".join(ipaddress.ip_address(address).exploded.split(":")[:4]) if ":" in address else address
