"""Tokens in memory: asked for once, renewed in time, by one request however many want them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import hubauth_singleuser
from hubauth_singleuser import NeedsLogin, NotInServer, Refused, Unavailable
from hubauth_singleuser.client import Client
from hubauth_singleuser.hub import Hub

NOW = 1_800_000_000.0


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(hub: Any, clock: Clock) -> Client:
    return Client(Hub.from_environment(hub.environment), clock=clock)


def test_a_token_is_asked_for_once(client: Client, hub: Any) -> None:
    hub.connect("github", expires_at=NOW + 3600)
    assert [client.get_token("github") for _ in range(3)] == ["gho_token"] * 3
    assert len(hub.requests) == 1


def test_the_credential_says_what_the_hub_said(client: Client, hub: Any) -> None:
    hub.connect("github", expires_at=NOW + 3600)
    credential = client.get_credential("github", "kafka")
    assert credential.access_token.reveal() == "gho_token-for-kafka"
    assert (credential.resource, credential.username) == ("kafka", "octocat")
    assert (credential.scopes, credential.expires_at) == (frozenset({"repo"}), NOW + 3600)


def test_resources_are_kept_apart(client: Client) -> None:
    assert client.get_token("github") != client.get_token("github", "kafka")
    assert client.get_token("github") == "gho_token"


@pytest.mark.parametrize(
    ("lives", "passes", "min_ttl", "asks"),
    [
        (100, 39, 60, 1),
        (100, 40, 60, 2),
        (100, 89, 10, 1),
        (100, 90, 10, 2),
        (40, 19, 60, 1),  # lives shorter than what is asked for: good for half of it
        (40, 20, 60, 2),
        (None, 300, 60, 1),
        (None, 301, 60, 2),
        (86_400, 300, 60, 1),
        (86_400, 301, 60, 2),  # the account may be another by now
    ],
)
def test_a_token_is_used_as_long_as_it_is_good(
    client: Client, hub: Any, clock: Clock, lives: float | None, passes: float, min_ttl: float, asks: int
) -> None:
    hub.connect("github", expires_at=NOW + lives if lives else None)
    client.get_token("github", min_ttl=min_ttl)
    clock.now += passes
    client.get_token("github", min_ttl=min_ttl)
    assert len(hub.requests) == asks


def test_who_needs_it_longer_asks_again(client: Client, hub: Any) -> None:
    hub.connect("github", expires_at=NOW + 100)
    client.get_token("github", min_ttl=10)
    client.get_token("github", min_ttl=90)
    assert len(hub.requests) == 1
    client.get_token("github", min_ttl=600)
    assert [parse_qs(urlsplit(url).query)["min_ttl"] for url in hub.requests] == [["10"], ["600"]]


@contextlib.contextmanager
def at_once(client: Client, hub: Any, count: int) -> Iterator[list[Future[str]]]:
    """Threads that all want the token before the hub has given it to the first."""
    hub.gate.clear()
    ready = threading.Barrier(count + 1)

    def ask() -> str:
        ready.wait()
        return client.get_token("github")

    with ThreadPoolExecutor(count) as pool:
        waiting = [pool.submit(ask) for _ in range(count)]
        ready.wait()
        hub.asked.wait(10)
        wait(waiting, timeout=0.2)  # time for a second request, if anybody makes one
        hub.gate.set()
        yield waiting


def test_threads_that_want_the_same_token_cause_one_request(client: Client, hub: Any) -> None:
    with at_once(client, hub, 20) as waiting:
        assert {each.result() for each in waiting} == {"gho_token"}
    assert len(hub.requests) == 1


def test_a_refusal_reaches_all_who_wait_and_is_not_remembered(client: Client, hub: Any) -> None:
    hub.refuse(409, "needs_login")
    with at_once(client, hub, 5) as waiting:
        assert {type(each.exception()) for each in waiting} == {NeedsLogin}
    hub.refusal = None
    assert client.get_token("github") == "gho_token"


def test_a_hub_that_restarts_does_not_take_a_good_token_away(client: Client, hub: Any, clock: Clock) -> None:
    hub.connect("github", expires_at=NOW + 3600)
    client.get_token("github")
    hub.refuse(503, "provider_unavailable")
    clock.now += 1800
    assert client.get_token("github") == "gho_token"
    clock.now += 1800
    with pytest.raises(Unavailable):
        client.get_token("github")


def test_an_account_that_needs_a_login_gives_no_old_token(client: Client, hub: Any, clock: Clock) -> None:
    hub.connect("github", expires_at=NOW + 3600)
    client.get_token("github")
    hub.refuse(409, "needs_login")
    clock.now += 1800
    with pytest.raises(NeedsLogin):
        client.get_token("github")


@pytest.mark.parametrize("name", ["", "GitHub", "../x", "a/b", "a-b", "a\nb", "a%2fb", "github "])
def test_a_name_that_no_provider_has_is_not_asked_for(client: Client, hub: Any, name: str) -> None:
    with pytest.raises(Refused) as refused:
        client.get_token(name)
    assert refused.value.slug == "unknown_provider"
    assert hub.requests == []


def test_an_answer_without_a_token_is_none(client: Client, hub: Any) -> None:
    hub.raw = b'{"provider": "github"}'
    with pytest.raises(Unavailable) as refused:
        client.get_token("github")
    assert refused.value.slug == "bad_response"


def test_the_overview_lists_every_account(client: Client, hub: Any) -> None:
    hub.connect("gitlab", token="canary", state="needs_login", expires_at=NOW)
    github, gitlab = client.credentials()
    assert (github.label, github.home, github.state, github.expires_at) == ("GitHub", True, "ready", None)
    assert (gitlab.provider, gitlab.home, gitlab.state) == ("gitlab", False, "needs_login")
    assert (gitlab.git_urls, gitlab.resources) == (("https://github.com",), ("kafka",))


@pytest.mark.parametrize("body", [b"{}", b'{"credentials": 7}', b'{"credentials": [7]}', b'{"credentials": [{}]}'])
def test_an_overview_of_another_shape_is_none(client: Client, hub: Any, body: bytes) -> None:
    hub.raw = body
    with pytest.raises(Unavailable, match="as it should"):
        client.credentials()


def test_the_package_asks_the_hub_of_the_environment(in_server: Any) -> None:
    assert hubauth_singleuser.get_token("github") == "gho_token"
    assert hubauth_singleuser.get_credential("github").username == "octocat"
    assert [each.provider for each in hubauth_singleuser.credentials()] == ["github"]


def test_outside_of_a_server_the_package_says_so(in_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN")
    with pytest.raises(NotInServer, match="in a server that JupyterHub started"):
        hubauth_singleuser.get_token("github")


def test_a_forked_process_does_not_wait_for_a_thread_that_it_does_not_have(in_server: Any) -> None:
    """Workers of a data loader are forked while a thread may be asking."""
    in_server.gate.clear()
    asking = threading.Thread(target=hubauth_singleuser.get_token, args=("github",))
    asking.start()
    in_server.asked.wait(10)
    in_server.asked.clear()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, hubauth_singleuser.get_token("github").encode())
        os._exit(0)
    asks_itself = in_server.asked.wait(10)
    in_server.gate.set()
    asking.join()
    if not asks_itself:
        os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(reader, 100) == b"gho_token"
