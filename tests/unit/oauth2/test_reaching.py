"""How a source is reached, over real sockets: own authorities, proxies, parameters that an administrator adds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from hostile_idp.flow import begin, finish, transaction
from hubauth_core import ConfigError, ProviderUnavailable
from hubauth_core.builtin.oauth2 import GenericOAuth2Provider

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


@pytest.fixture
async def source(authority: trustme.CA) -> AsyncIterator[str]:
    """The address of a server with TLS, whose authority nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(answers, "127.0.0.1", 0, ssl=context)
    yield f"https://localhost:{server.sockets[0].getsockname()[1]}/userinfo"
    server.close()


class Proxy:
    """A proxy that opens tunnels, and knows whereto."""

    def __init__(self) -> None:
        self.tunnels: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        self.tunnels.append(target)
        out_reader, out_writer = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(carry(reader, out_writer), carry(out_reader, writer))


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    running = Proxy()
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield running
    server.close()


@pytest.fixture
async def forge() -> AsyncIterator[Callable[..., GenericOAuth2Provider]]:
    made = []

    def build(**options: Any) -> GenericOAuth2Provider:
        settings = {"client_id": "hub", "client_secret": "s3cret", "authorize_url": "https://forge.example/a"}
        settings |= {"token_url": "https://forge.example/t", "userinfo_url": "https://forge.example/u"}
        made.append(GenericOAuth2Provider("forge", **(settings | options)))
        return made[-1]

    yield build
    for provider in made:
        await provider.api.close()


async def test_a_source_with_an_authority_of_its_own(forge: Any, source: str, ca_file: str, proxy: Proxy) -> None:
    with pytest.raises(ProviderUnavailable):
        await forge().api.get_json(source)
    assert (await forge(ca_file=ca_file).api.get_json(source)).ok


async def test_a_proxy_of_the_providers_own(forge: Any, source: str, ca_file: str, proxy: Proxy) -> None:
    assert (await forge(ca_file=ca_file, proxy=proxy.url).api.get_json(source)).ok
    assert proxy.tunnels == [source.split("/")[2]]


@pytest.mark.parametrize(("option", "tunnels"), [("environment", 1), ("none", 0)])
async def test_the_environments_proxy(
    forge: Any, source: str, ca_file: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, option: str, tunnels: int
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert (await forge(ca_file=ca_file, proxy=option).api.get_json(source)).ok
    assert len(proxy.tunnels) == tunnels


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"proxy": "proxy.example:3128"}, "proxy must be an address"),
        ({"proxy": "socks5://proxy.example"}, "proxy must be an address"),
        ({"proxy": "http://proxy.example/path"}, "proxy must be an address"),
        ({"proxy": "http://me:secret@proxy.example"}, "proxy cannot hold a password"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({"ca_file": __file__}, "ca_file"),
        ({"token_params": {"code_verifier": "x"}}, "token_params cannot set code_verifier"),
        ({"userinfo_params": {"access_token": "x"}}, "no token stands in an address"),
        ({"redirect_url": ["https://hub.example/cb", "http://hub.example/cb"]}, "redirect_url"),
        ({"logout_redirect_url": "http://portal.example/bye"}, "logout_redirect_url"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(forge: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        forge(**options)


async def test_parameters_that_an_administrator_adds(idp: Any, make: Any) -> None:
    provider = make(userinfo="always", userinfo_params={"schema": "openid"}, token_params={"tenant": "7"})
    url, under_way = await begin(provider, transaction())
    await finish(provider, idp.sign_in(url), under_way)
    assert idp.last("/token").form["tenant"] == "7"
    assert idp.last("/token").form["code_verifier"]
    assert idp.last("/userinfo").query == "schema=openid"
