"""Several questions to a source at once, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

AT_ONCE: Final = 8
"""Questions of one sign-in that are under way together; sources call more an abuse."""

Question = TypeVar("Question")
Answer = TypeVar("Answer")


async def together(ask: Callable[[Question], Awaitable[Answer]], questions: Iterable[Question]) -> list[Answer]:
    """The answers in the order of the questions. The first error ends all of it, and is raised as it is."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(question: Question) -> Answer:
        async with free:
            return await ask(question)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(question)) for question in questions]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
