"""What an endpoint can do in place of its right answer. Each makes an `Answer` for `HostileIdP.answers`."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

Answer = Callable[[RequestHandler], Awaitable[None]]
CHUNK = b" " * 65536


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    return raw(json.dumps(value).encode(), "application/json", status, **headers)


def raw(body: bytes, content_type: str = "application/json", status: int = 200, **headers: str) -> Answer:
    """Any body under any content type; `retry_after="7"` sends `Retry-After: 7`."""

    async def answer(handler: RequestHandler) -> None:
        handler.set_status(status)
        handler.set_header("Content-Type", content_type)
        for name, value in headers.items():
            handler.set_header(name.replace("_", "-").title(), value)
        await handler.finish(body)

    return answer


def late(seconds: float, answer: Answer) -> Answer:
    """An answer after a while."""

    async def answer_late(handler: RequestHandler) -> None:
        await asyncio.sleep(seconds)
        await answer(handler)

    return answer_late


def redirect(url: str, status: int = 302) -> Answer:
    """A redirect."""
    return raw(b"", "text/html", status, location=url)


def gzip_bomb(size: int) -> Answer:
    """A body that is small until it is decompressed."""
    return raw(gzip.compress(b" " * size), content_encoding="gzip")


async def hang(handler: RequestHandler) -> None:
    """Say nothing until the client gives up."""
    await _closed(handler)


def aged(seconds: float, answer: Answer) -> Answer:
    """An answer that comes at once, with the clock of this event loop put forward: as if it had taken so long."""

    async def after_all(handler: RequestHandler) -> None:
        loop = asyncio.get_running_loop()
        clock = loop.time
        vars(loop)["time"] = lambda: clock() + seconds
        await answer(handler)

    return after_all


async def hang_up(handler: RequestHandler) -> None:
    """Close the connection without a word."""
    handler.detach().close()


async def truncated(handler: RequestHandler) -> None:
    """Announce more than is sent."""
    stream = handler.detach()
    await stream.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"a": ')
    stream.close()


async def endless(handler: RequestHandler) -> None:
    """Send chunks until the client hangs up; `sent` of the handler's application counts the bytes."""
    stream = handler.detach()
    try:
        await stream.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await stream.write(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
            handler.application.settings["idp"].sent += len(CHUNK)
    except StreamClosedError:
        pass


async def drip(handler: RequestHandler) -> None:
    """Send a byte at a time, never so slowly that one of them seems late."""
    stream = handler.detach()
    try:
        await stream.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await stream.write(b" ")
            await asyncio.sleep(0.02)
    except StreamClosedError:
        pass


async def many_headers(handler: RequestHandler) -> None:
    """Ten thousand headers."""
    stream = handler.detach()
    lines = b"".join(b"X-Header-%d: %s\r\n" % (number, b"x" * 50) for number in range(10_000))
    try:
        await stream.write(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 2\r\n\r\n{}")
    except StreamClosedError:
        pass
    finally:
        stream.close()


async def _closed(handler: RequestHandler) -> None:
    gone = asyncio.get_running_loop().create_future()
    stream = handler.request.connection.stream  # type: ignore[union-attr]  # an HTTP/1 connection has one
    stream.set_close_callback(lambda: gone.done() or gone.set_result(None))
    await gone
