"""A source without a network: answers by method and address, refuses what no test states, misses what never came.

It is an httpx transport, so that everything above it is the code that runs in a hub.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

CHUNK: Final = b" " * 65536


class Flood(httpx.AsyncByteStream):
    """A body that goes on for `size` bytes, and knows how many of them were `taken`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken < self.size:
            self.taken += len(CHUNK)
            yield CHUNK


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an address answers. An `error` is raised in place of an answer, as when the line is cut; or it `hangs`."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    flood: Flood | None = None
    error: type[httpx.TransportError] | None = None
    hangs: bool = False

    def response(self, request: httpx.Request) -> httpx.Response:
        if self.error:
            raise self.error("broken on purpose", request=request)
        headers = {"Content-Type": self.content_type} | self.headers
        return httpx.Response(self.status, headers=headers, stream=self.flood or _Body(self.body), request=request)


class _Body(httpx.AsyncByteStream):
    """A body as it comes off the line: not yet decoded."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


Answer = Reply | Callable[[httpx.Request], Reply]


def answer_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer. Header names are written with underscores: `retry_after="7"`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status=status, body=json.dumps(value).encode(), headers=named)


def gzip_bomb(size: int) -> Reply:
    """A small answer that grows to `size` bytes when it is unpacked."""
    return Reply(body=gzip.compress(b" " * size), headers={"Content-Encoding": "gzip"})


@dataclass
class _Route:
    answers: Sequence[Answer]
    optional: bool
    calls: list[httpx.Request] = field(default_factory=list)


class FakeSource(httpx.AsyncBaseTransport):
    """What a provider talks to in a test. `check()` at the end of a test complains about what did not fit."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], _Route] = {}
        self.requests: list[httpx.Request] = []
        self.unknown: list[str] = []

    def on(self, method: str, address: str, *answers: Answer, optional: bool = False) -> None:
        """State what an address answers, the query aside: one answer per call, the last one again and again.

        Unless it is `optional`, it has to be asked. Stating an address again replaces what was stated before.
        """
        self._routes[method, _bare(address)] = _Route(answers, optional)

    def calls(self, method: str, address: str) -> list[httpx.Request]:
        """The requests that an address received."""
        return self._routes[method, _bare(address)].calls

    def excuse(self) -> None:
        """No address has to be asked any more: the sign-in is meant to end early."""
        for route in self._routes.values():
            route.optional = True

    def check(self) -> None:
        """Raises AssertionError if a request had no answer stated, or a stated answer was never asked for."""
        assert not self.unknown, f"requests to addresses that the test does not state: {self.unknown}"
        unused = [" ".join(key) for key, route in self._routes.items() if not route.calls and not route.optional]
        assert not unused, f"the test states answers that nobody asked for: {unused}"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        route = self._routes.get((request.method, _bare(str(request.url))))
        if route is None:
            self.unknown.append(f"{request.method} {_bare(str(request.url))}")
            raise httpx.ConnectError("the test states no answer for this address", request=request)
        answer = route.answers[min(len(route.calls), len(route.answers) - 1)]
        route.calls.append(request)
        reply = answer if isinstance(answer, Reply) else answer(request)
        if reply.hangs:
            await asyncio.Event().wait()
        return reply.response(request)


def _bare(address: str) -> str:
    """An address without its query and fragment."""
    return str(httpx.URL(address).copy_with(query=None, fragment=None))
