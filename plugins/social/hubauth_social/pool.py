"""Threads for backends, which hold one while they wait for their source: bounded, with a queue that ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class Pool:
    """`threads` that work, and at most `queue` calls that wait for one; `deadline` in seconds, for a whole call."""

    def __init__(self, threads: int = 64, queue: int = 200, deadline: float = 20.0) -> None:
        raise NotImplementedError

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """What `work` answers, from a thread with this task's context variables."""
        raise NotImplementedError
