"""Waiting for what happens in another process or thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    """Come back once `ready()` is true; raises TimeoutError if it does not become so."""
    async with asyncio.timeout(seconds):
        while not ready():  # noqa: ASYNC110  # no event crosses from there
            await asyncio.sleep(0.02)
