"""The service's own face: addresses, tokens in headers, health, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from harness.waiting import until
from hubauth_core.errors import StoreError
from hubauth_core.service import server as module
from hubauth_core.service.server import Service
from hubauth_core.web.api_answers import Reply
from hubauth_core.web.callers import Caller


class World:
    """Tokens, tables and hand-outs as a test wants them, behind a real server."""

    def __init__(self) -> None:
        self.tokens_asked: list[str] = []
        self.calls: list[Any] = []
        self.silent = self.down = False
        self.settled = False
        self.gate = asyncio.Event()
        self.gate.set()
        parts: Any = self
        self.service = Service(
            tokens=parts, tables=parts, hand_out=parts, refresher=parts, login_url="/jupyter/hub/connections"
        )
        socket, port = bind_unused_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server = HTTPServer(self.service.application("/a%20b/"), max_body_size=module.LARGEST_BODY)
        self.server.add_sockets([socket])

    async def caller(self, token: str) -> Caller:
        self.tokens_asked.append(token)
        if self.silent:
            raise StoreError("The hub does not answer; try again.", code="hub_silent")
        return Caller(user="ann", key=b"", scopes={})

    def find(self, name: str) -> None: ...

    def session(self) -> None: ...

    def check(self) -> None:
        if self.down:
            raise StoreError("Down.")

    async def answer(self, route: Any, call: Any) -> Reply:
        self.calls.append(call)
        await self.gate.wait()
        return Reply(200, {"route": route.pattern})

    async def settle(self) -> None:
        self.settled = True


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.gate.set()
    world.server.stop()
    await world.server.close_all_connections()


async def get(world: World, path: str, authorization: str = "token t", method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": authorization} if authorization else {}
        return await client.request(method, f"{world.url}{path}", headers=headers)


@pytest.mark.parametrize(
    ("below", "name", "target"),
    [
        ("/users/ann/credentials", "ann", ""),
        ("/users/ann/credentials/red", "ann", "red"),
        ("/users/a%20%2F%C3%A4/git-credential?url=https://x.example/", "a /ä", ""),
    ],
)
async def test_what_stands_in_the_address_arrives(world: World, below: str, name: str, target: str) -> None:
    answer = await get(world, f"/a%20b{below}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["Content-Type"] == "application/json"
    assert "Etag" not in answer.headers
    [call] = world.calls
    assert (call.user_name, call.target, call.address) == (name, target, "127.0.0.1")
    assert call.login_url == "/jupyter/hub/connections"


@pytest.mark.parametrize(
    "path", ["/users/ann/credentials", "/a%20b", "/a%20b/users/ann", "/a%20b/healthy", "/a%20bx/health"]
)
async def test_nothing_is_anywhere_else(world: World, path: str) -> None:
    answer = await get(world, path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert world.tokens_asked == []


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_only_get_is_answered(world: World, method: str) -> None:
    answer = await get(world, "/a%20b/users/ann/credentials", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert world.tokens_asked == []


@pytest.mark.row("10.4.10")
@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("token abc", "abc"),
        ("Bearer abc", "abc"),
        ("bEaReR  abc", "abc"),
        ("", None),
        ("abc", None),
        ("token", None),
        ("token a b", None),
        ("Basic YTpi", None),
        ("token " + "a" * 2000, None),
    ],
)
async def test_a_token_comes_in_the_header_as_the_hub_takes_it(world: World, header: str, token: str | None) -> None:
    await get(world, "/a%20b/users/ann/credentials", header)
    assert world.tokens_asked == ([token] if token else [])
    assert [call.caller is None for call in world.calls] == [token is None]


async def test_a_hub_that_is_silent_is_waited_for(world: World) -> None:
    world.silent = True
    answer = await get(world, "/a%20b/users/ann/credentials")
    assert (answer.status_code, answer.json()["error"]) == (503, "store_failed")
    assert answer.headers["Retry-After"] == "5"
    assert world.calls == []


async def test_it_is_well_while_its_database_answers(world: World) -> None:
    assert (await get(world, "/a%20b/health", "")).json() == {"status": "ok"}
    world.down = True
    assert (await get(world, "/a%20b/health", "")).status_code == 503


async def test_an_end_waits_for_what_is_under_way(world: World) -> None:
    world.gate.clear()
    asked = asyncio.ensure_future(get(world, "/a%20b/users/ann/credentials"))
    await until(lambda: bool(world.calls))
    ending = asyncio.ensure_future(world.service.drain(world.server))
    await asyncio.sleep(0)
    with pytest.raises(httpx.ConnectError):
        await get(world, "/a%20b/health")
    assert not ending.done()
    assert not world.settled
    world.gate.set()
    assert (await asked).status_code == 200
    await ending
    assert world.settled


async def test_a_balancer_that_keeps_its_connection_is_told_of_the_end(world: World) -> None:
    world.gate.clear()
    asked = asyncio.ensure_future(get(world, "/a%20b/users/ann/credentials"))
    await until(lambda: bool(world.calls))
    async with httpx.AsyncClient(trust_env=False, base_url=f"{world.url}/a%20b") as balancer:
        assert (await balancer.get("/health")).status_code == 200
        ending = asyncio.ensure_future(world.service.drain(world.server))
        await until(lambda: world.service.ending)
        assert (await balancer.get("/health")).status_code == 503
        last = await balancer.get("/openapi.json")
    assert (last.status_code, last.headers["Connection"]) == (200, "close")
    world.gate.set()
    await asyncio.gather(asked, ending)


async def test_an_end_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "DRAIN", 0.01)
    world.gate.clear()
    asked = asyncio.ensure_future(get(world, "/a%20b/users/ann/credentials"))
    await until(lambda: bool(world.calls))
    await world.service.drain(world.server)
    assert "ended with 1 calls unanswered" in caplog.text
    world.gate.set()
    with pytest.raises(httpx.HTTPError):
        await asked


async def test_calls_that_failed_are_not_waited_for(world: World) -> None:
    for path in ("/a%20b/users/ann/credentials/%FF", "/a%20b/users/ann/credentials", "/nothing"):
        await get(world, path, method="POST" if path.endswith("credentials") else "GET")
    assert world.service.under_way == 0
    await world.service.drain(world.server)


@pytest.mark.row("V41")
async def test_a_line_for_each_call_without_its_query(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await get(world, "/a%20b/users/ann/git-credential?url=https://me:canary@x.example/")
    await get(world, "/a%20b/health")
    lines = [each.getMessage() for each in caplog.records if each.name == "hubauth"]
    assert len(lines) == 1
    assert lines[0].startswith("200 GET /a%20b/users/ann/git-credential (127.0.0.1) ")
    assert "canary" not in lines[0]
