"""Requests to a source: capped, in time, and only to where they were sent."""

from __future__ import annotations

import gzip
import threading

import pytest
import requests
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError, AuthCredentialError, AuthProviderError

from hubauth_social import call, fetching
from hubauth_social.call import Call, TookTooLong
from hubauth_social.fetching import CAP, Fetching, OpenIDFetcher, TooBig, fetch
from hubauth_social.storage import SocialStorage
from hubauth_social.strategy import SocialStrategy
from hubauth_social.visit import Visit

from .conftest import http


def backend(**settings):
    visit = Visit(url="https://hub.test/", redirect_uri="https://hub.test/back", state="s")
    made = type("Acme", (BaseAuth,), {"name": "acme"})
    kind = type("Acme", (made, Fetching), {})
    return kind(SocialStrategy(SocialStorage, visit, settings=settings, steps=[], session={}))


def test_an_answer_of_the_largest_size_comes_through(source):
    body = b"x" * CAP
    assert fetch("GET", source(lambda it: it.sendall(http(body))).url).content == body


@pytest.mark.row("F05")
@pytest.mark.parametrize(
    "answer",
    [
        http(b"x" * (CAP + 1)),
        http(b"x" * (CAP + 1), length=False),
        http(gzip.compress(b"\0" * 50 * CAP), "Content-Encoding: gzip"),
    ],
    ids=["long", "endless", "bomb"],
)
def test_a_larger_one_is_not_read(source, answer):
    with pytest.raises(TooBig):
        fetch("GET", source(lambda it: it.sendall(answer)).url)
    with pytest.raises(AuthProviderError):
        backend().request(source(lambda it: it.sendall(answer)).url)


@pytest.mark.row("F05")
@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX: ", http(b"", "Content-Length: 999", length=False)])
def test_a_source_that_never_ends_is_cut_off(source, begin):
    def drip(connection):
        connection.sendall(begin)
        while not running.over.is_set():
            connection.sendall(b"x" if begin else b"")
            running.over.wait(0.05)

    running = source(drip)
    current = Call(30)
    with current.under_way():
        threading.Thread(target=lambda: (running.asked.acquire(), current.cut())).start()
        with pytest.raises((requests.RequestException, TookTooLong)):
            fetch("GET", running.url)
    with pytest.raises(TookTooLong):
        current.left()


def test_a_call_whose_time_is_over_asks_nobody(source):
    running = source(lambda it: it.sendall(http(b"{}")))
    with Call(0).under_way(), pytest.raises(TookTooLong):
        fetch("GET", running.url)
    assert not running.asked.acquire(blocking=False)


def test_connections_are_used_again_by_other_calls(source):
    def two(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    running, first = source(two), Call(30)
    with first.under_way():
        assert fetch("GET", running.url).json() == {}
        first.cut()  # what the first one is about to wait for is not what the second one uses
        with Call(30).under_way():
            assert fetch("GET", running.url).json() == []


@pytest.mark.row("F13")
def test_what_somebody_types_does_not_lead_into_the_hubs_own_network(source):
    running = source(lambda it: it.sendall(http(b"{}")))
    with Call(30, public_only=True).under_way(), pytest.raises(requests.ConnectionError):
        fetch("GET", running.url)
    with Call(30).under_way():
        assert fetch("GET", running.url).json() == {}


INSIDE = (
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "169.254.169.254",
    "224.0.0.1",
    "100.64.0.1",
    "::1",
    "fe80::1%eth0",
    "fd00::1",
)
DISGUISED = ("::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::")


@pytest.mark.row("F13")
@pytest.mark.parametrize("address", [*INSIDE, *DISGUISED, "8.8.8.8", "2606:4700::1", "64:ff9b::808:808"])
def test_the_other_end_of_a_connection_is_public_in_every_way_of_writing_it(address):
    class Connection:
        def getpeername(self):
            return (address, 443)

    assert call._is_public(Connection()) is (address not in (*INSIDE, *DISGUISED))


@pytest.mark.row("B3")
def test_a_secret_is_not_sent_on(source):
    last = source(lambda it: it.sendall(http(b"{}")))
    first = source(lambda it: it.sendall(http(b"", f"Location: {last.url}/x", status="307 Temporary Redirect")))
    assert fetch("POST", first.url, data={"client_secret": "s3cret"}).status_code == 307
    assert not last.asked.acquire(blocking=False)
    assert fetch("GET", first.url).json() == {}


@pytest.mark.row("B3")
def test_what_stands_in_the_accounts_netrc_goes_nowhere(source, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("default login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    last = source(lambda it: it.sendall(http(b"{}")))
    first = source(lambda it: it.sendall(http(b"", f"Location: {last.url}/x", status="302 Found")))
    answered = fetch("GET", first.url.replace("127.0.0.1", "localhost"), headers={"Authorization": "Bearer t"})
    sent = [each.request.headers.get("Authorization") for each in [*answered.history, answered]]
    assert sent == ["Bearer t", None]


def test_a_redirect_does_not_leave_tls(monkeypatch):
    answer, session = requests.Response(), fetching._Session()
    answer.status_code, answer.url = 302, "https://acme.test/a"
    answer.headers["Location"] = "http://acme.test/b"
    answer.request = requests.Request("GET", answer.url).prepare()
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.get_redirect_target(answer)
    answer.headers["Location"] = "/b"
    assert session.get_redirect_target(answer) == "/b"


def test_failures_are_python_social_auths_own(source):
    def code(url, **settings):
        with pytest.raises(AuthProviderError) as failed:
            backend(**settings).request(url, stage="token_exchange")
        assert failed.value.stage == "token_exchange"
        return failed.value.code

    silent = source(lambda it: silent.over.wait(30))
    assert code(silent.url, REQUESTS_TIMEOUT=0.05) == "timeout"
    closed = source(lambda it: it.close())
    assert code(closed.url) == "connection_failed"
    assert code(closed.url.replace("http:", "https:")) in {"tls_error", "connection_failed"}
    busy = source(lambda it: it.sendall(http(b"{}", status="503 Busy")))
    assert code(busy.url) == "unavailable"
    refused = source(lambda it: it.sendall(http(b'{"error": "invalid_grant"}', status="400 No")))
    with pytest.raises(AuthCredentialError):
        backend().request(refused.url)
    with pytest.raises(AuthConfigurationError):
        backend().request("ftp://acme.test/")


def test_openid_asks_the_same_way(source):
    text = source(lambda it: it.sendall(http("é".encode("latin1"))))
    answer = OpenIDFetcher().fetch(text.url, headers={"Accept": "text/html"})
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, "é", "application/json")
    with pytest.raises(TooBig):
        OpenIDFetcher().fetch(source(lambda it: it.sendall(http(b"x" * (CAP + 1)))).url, body="a=b")
