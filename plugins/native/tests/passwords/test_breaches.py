"""Passwords that are known from breaches."""

from __future__ import annotations

import hashlib
import logging
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.netutil import bind_sockets

from hubauth_core import ConfigError
from hubauth_native.passwords.breaches import Breaches
from hubauth_native.passwords.policy import Policy, Rules
from hubauth_native.passwords.typed import PasswordRefused

KNOWN = "a snail rode past me"
UNKNOWN = "a snail ran past you"
LOG = logging.getLogger("hubauth.test")


def digest(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


@dataclass
class Service:
    """Answers as api.pwnedpasswords.com does: suffixes with counts, padded with others whose count is 0."""

    url: str = ""
    status: int = 200
    lines: list[str] = field(default_factory=list)
    asked: list[HTTPServerRequest] = field(default_factory=list)

    def __call__(self, request: HTTPServerRequest) -> None:
        self.asked.append(request)
        padding = [f"{secrets.token_hex(18)[:35].upper()}:0" for _ in range(900)]
        body = "\r\n".join([*padding, *self.lines, *padding]).encode() if self.status == 200 else b""
        connection = request.connection
        assert connection is not None
        head = {"Content-Length": str(len(body)), "Content-Type": "text/plain"}
        connection.write_headers(ResponseStartLine("HTTP/1.1", self.status, ""), HTTPHeaders(head), body)
        connection.finish()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service(lines=[f"{digest(KNOWN)[5:]}:42"])
    server = HTTPServer(service)
    (bound,) = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
    server.add_sockets([bound])
    service.url = f"http://127.0.0.1:{bound.getsockname()[1]}/range/"
    yield service
    server.stop()
    await server.close_all_connections()


@pytest.fixture
def policy(service: Service) -> Policy:
    return Policy(Rules(breaches_url=service.url), LOG)


@pytest.mark.row("6.2.12")
async def test_a_breached_password_is_refused(policy: Policy) -> None:
    with pytest.raises(PasswordRefused, match="breach"):
        await policy.check(KNOWN)
    await policy.check(UNKNOWN)


@pytest.mark.row("6.2.12")
async def test_only_five_characters_leave(policy: Policy, service: Service) -> None:
    await policy.check(UNKNOWN)
    (request,) = service.asked
    assert request.uri == f"/range/{digest(UNKNOWN)[:5]}"
    assert request.headers["Add-Padding"] == "true"
    assert not request.body
    assert not request.headers.get("Cookie")
    sent = f"{request.uri}{dict(request.headers)}".upper()
    assert digest(UNKNOWN)[5:10] not in sent


async def test_padding_is_no_breach(policy: Policy, service: Service) -> None:
    service.lines = [f"{digest(KNOWN)[5:]}:0"]
    await policy.check(KNOWN)


@pytest.mark.parametrize("status", [503, 429, 404, 302])
async def test_a_service_that_fails_keeps_nobody_out_and_the_log_says_so(
    policy: Policy, service: Service, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    service.status = status
    await policy.check(KNOWN)
    assert "without a look at known breaches" in caplog.text
    said = "".join(record.getMessage() for record in caplog.records if record.name.startswith("hubauth"))
    assert digest(KNOWN)[:5] not in said
    assert KNOWN not in said


async def test_an_answer_without_end_is_not_read(policy: Policy, service: Service) -> None:
    service.lines = ["X" * 600_000, *service.lines]
    await policy.check(KNOWN)


async def test_nobody_is_asked_while_somebody_types(policy: Policy, service: Service) -> None:
    assert (await policy.strength(KNOWN)).ok
    assert not service.asked


async def test_nobody_is_asked_unless_configured() -> None:
    await Policy(Rules(), LOG).check(KNOWN)


@pytest.mark.parametrize("url", ["http://example.test/range/", "ftp://x", "api.example.test"])
def test_an_address_that_tells_everybody_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="breached_passwords_url"):
        Breaches(url, LOG)
