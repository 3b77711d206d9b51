"""TokenAuth with the libraries that people use, against a server that tells which header it got."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import fsspec
import httpx
import pytest
import requests

from hubauth_singleuser import NeedsLogin, TokenAuth


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it got; `/to?<address>` redirects."""

    def do_GET(self) -> None:
        path, _, address = self.path.partition("?")
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(302 if path == "/to" else 200)
        if path == "/to":
            self.send_header("Location", address)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  # http.server's name

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    """The server that the token is for, and another."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as own, ThreadingHTTPServer(("127.0.0.1", 0), Echo) as other:
        for each in (own, other):
            threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{own.server_port}", f"http://127.0.0.1:{other.server_port}"
        own.shutdown()
        other.shutdown()


def by_requests(url: str, auth: TokenAuth) -> Any:
    return requests.get(url, auth=auth, headers={"X-Mine": "kept"}, timeout=10).json()


def by_httpx(url: str, auth: TokenAuth) -> Any:
    with httpx.Client(auth=auth, follow_redirects=True) as client:
        return client.get(url, headers={"X-Mine": "kept"}).json()


async def by_async_httpx(url: str, auth: TokenAuth) -> Any:
    async with httpx.AsyncClient(event_hooks={"request": [auth.sign]}, follow_redirects=True) as client:
        return (await client.get(url, headers={"X-Mine": "kept"})).json()


async def by_aiohttp(url: str, auth: TokenAuth) -> Any:
    async with (
        aiohttp.ClientSession(middlewares=[auth.middleware]) as session,
        session.get(url, headers={"X-Mine": "kept"}) as answer,
    ):
        return json.loads(await answer.read())


def by_fsspec(url: str, auth: TokenAuth) -> Any:
    files = fsspec.filesystem("http", client_kwargs={"middlewares": [auth.middleware]}, headers={"X-Mine": "kept"})
    return json.loads(files.cat(url))


WAYS = [by_requests, by_httpx, by_async_httpx, by_aiohttp, by_fsspec]


async def fetch(way: Any, url: str, auth: TokenAuth) -> dict[str, str]:
    got = way(url, auth)
    headers: dict[str, str] = await got if hasattr(got, "__await__") else got
    return headers


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__.removeprefix("by_"))
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_its_own_server_gets_the_token(in_server: Any, servers: tuple[str, str], way: Any) -> None:
    headers = await fetch(way, f"{servers[0]}/", TokenAuth("github", servers[0]))
    assert headers["authorization"] == "Bearer gho_token"
    assert headers["x-mine"] == "kept"


async def test_another_server_does_not(in_server: Any, servers: tuple[str, str], way: Any) -> None:
    headers = await fetch(way, f"{servers[1]}/", TokenAuth("github", servers[0]))
    assert "authorization" not in headers
    assert headers["x-mine"] == "kept"
    assert in_server.requests == []


async def test_a_redirect_takes_it_nowhere(in_server: Any, servers: tuple[str, str], way: Any) -> None:
    headers = await fetch(way, f"{servers[0]}/to?{servers[1]}/", TokenAuth("github", servers[0]))
    assert "authorization" not in headers


async def test_every_request_has_the_token_of_its_time(in_server: Any, servers: tuple[str, str], way: Any) -> None:
    auth = TokenAuth("github", servers[0])
    in_server.connect("github", token="old", expires_at=1.0)
    assert (await fetch(way, f"{servers[0]}/", auth))["authorization"] == "Bearer old"
    in_server.connect("github", token="new")
    assert (await fetch(way, f"{servers[0]}/", auth))["authorization"] == "Bearer new"


async def test_without_a_token_nothing_is_sent(in_server: Any, servers: tuple[str, str], way: Any) -> None:
    in_server.refuse(409, "needs_login")
    with pytest.raises(NeedsLogin):
        await fetch(way, f"{servers[0]}/", TokenAuth("github", servers[0]))


def test_resources_have_their_own_token(in_server: Any, servers: tuple[str, str]) -> None:
    headers = by_requests(f"{servers[0]}/", TokenAuth("github", servers[0], resource="kafka"))
    assert headers["authorization"] == "Bearer gho_token-for-kafka"


@pytest.mark.parametrize("wrong", [(), ("http://api.github.com",), ("api.github.com",), ("https://",)])
def test_servers_that_a_token_must_not_go_to(wrong: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"server|address"):
        TokenAuth("github", *wrong)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.github.com.evil.test/",
        "https://api.github.com@evil.test/",
        "https://evil.test/?https://api.github.com/",
        "http://api.github.com/",
        "https://api.github.com:8443/",
        "https://api.github.com\\@evil.test/",
        "nothing",
        "None",
    ],
)
def test_look_alikes_are_not_its_server(url: str) -> None:
    assert not TokenAuth("github", "https://api.github.com").covers(url)


def test_it_travels_to_workers_without_a_secret(in_server: Any, servers: tuple[str, str]) -> None:
    auth = TokenAuth("github", servers[0])
    by_requests(f"{servers[0]}/", auth)
    packed = pickle.dumps(auth)
    assert b"gho_token" not in packed
    assert repr(pickle.loads(packed)) == repr(auth) == f"TokenAuth('github', '{servers[0]}', resource='')"
