"""What tells people from programs: a service that says yes, no, nothing, or something else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from harness.ports import free_port
from hubauth_core import Request
from hubauth_native.captcha import LONGEST, SiteVerify


@dataclass
class Service:
    """A service of the siteverify kind, as its tests want it."""

    url: str = ""
    status: int = 200
    body: bytes = b'{"success": true}'
    asked: list[dict[str, list[str]]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.asked.append(parse_qs(body))
            self.send_response(told.status)
            self.send_header("Location", "https://elsewhere.test/")
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/siteverify"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def captcha(url: str) -> SiteVerify:
    return SiteVerify(service="hcaptcha", site_key="site", secret="secret", verify_url=url)


def answered(*values: str) -> Request:
    form = {"h-captcha-response": values} if values else {}
    return Request(method="POST", form=form, address="192.0.2.77")


async def test_a_person_passes_and_the_service_learns_who_asks(service: Service) -> None:
    assert await captcha(service.url).check(answered("proof"))
    assert service.asked == [{"secret": ["secret"], "response": ["proof"], "remoteip": ["192.0.2.77"]}]


REFUSALS = {
    "no": (200, {"success": False, "error-codes": ["invalid-input-response"]}),
    "not-quite-yes": (200, {"success": "true"}),
    "nothing": (200, {}),
    "a-list": (200, [True]),
    "a-failure": (500, {"success": True}),
    "a-redirect": (302, {"success": True}),
    "a-refusal": (403, {"success": True}),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_whatever_is_not_a_yes_is_a_no(service: Service, case: str) -> None:
    service.status, said = REFUSALS[case]
    service.body = json.dumps(said).encode()
    assert not await captcha(service.url).check(answered("proof"))


async def test_what_is_no_json_is_a_no(service: Service) -> None:
    service.body = b"<html>true"
    assert not await captcha(service.url).check(answered("proof"))


async def test_a_service_that_does_not_stop_talking_lets_nobody_pass(service: Service) -> None:
    service.body = b" " * (2**20) + b'{"success": true}'
    assert not await captcha(service.url).check(answered("proof"))


async def test_a_service_that_is_gone_lets_nobody_pass() -> None:
    assert not await captcha(f"http://127.0.0.1:{free_port()}/").check(answered("proof"))


@pytest.mark.parametrize("values", [(), ("",), ("one", "two"), ("x" * (LONGEST + 1),)], ids=["none", "", "two", "huge"])
async def test_an_answer_that_no_form_sends_is_not_even_asked_about(service: Service, values: tuple[str, ...]) -> None:
    assert not await captcha(service.url).check(answered(*values))
    assert service.asked == []


def test_the_field_names_the_site_and_escapes_it() -> None:
    made = SiteVerify(service="turnstile", site_key='"><b>', secret="secret").field()
    assert 'class="cf-turnstile" data-sitekey="&#34;&gt;&lt;b&gt;"' in made
    assert "secret" not in made


def test_a_service_that_nobody_knows_is_refused_with_the_names_of_those_that_are() -> None:
    with pytest.raises(ValueError, match="turnstile, hcaptcha, recaptcha"):
        SiteVerify(service="turnstil", site_key="", secret="")
