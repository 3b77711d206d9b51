"""Whose a token is: what the hub says, for how long it holds, and what happens when it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from harness.waiting import until
from hubauth_core.configure import SCOPE
from hubauth_core.errors import StoreError
from hubauth_core.service import tokens
from hubauth_core.service.tokens import LASTS, Tokens
from hubauth_core.types import HubUser
from hubauth_core.web.callers import Caller

ANN = HubUser(id=1, name="ann", created=2.0)
MODELS: dict[str, dict[str, Any]] = {
    "of-ann": {"kind": "user", "name": "ann", "scopes": [f"{SCOPE}!user=ann"], "token_id": "a1", "groups": []},
    "at-binder": {"kind": "user", "name": "ann", "scopes": [f"{SCOPE}!user=ann"], "token_id": "a2"},
    "of-binder": {"kind": "service", "name": "binder", "scopes": [SCOPE], "token_id": "a3"},
}


class Tables:
    """A hub's tables, with ann in them."""

    def find(self, name: str) -> HubUser | None:
        return ANN if name == "ann" else None

    def client_of(self, token_id: str) -> str | None:
        return {"a1": "jupyterhub", "a2": "service-binder"}.get(token_id)


class Hub:
    """Answers `GET /user`, and counts. `respond` replaces the right answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.respond: Callable[[str], httpx.Response] = self.right
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = 1000.0
        tables: Any = Tables()
        asking = tokens.client(httpx.MockTransport(self._handle))
        self.tokens = Tokens(asking, "http://hub.example/hub/api/", tables, lambda: self.now)

    def right(self, token: str) -> httpx.Response:
        return httpx.Response(200, json=MODELS[token]) if token in MODELS else httpx.Response(403)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://hub.example/hub/api/user"
        assert "Cookie" not in request.headers
        token = request.headers["Authorization"].removeprefix("token ")
        self.asked.append(token)
        await self.gate.wait()
        return self.respond(token)

    async def caller(self, token: str = "of-ann") -> Caller | None:
        return await self.tokens.caller(token)


@pytest.fixture
async def hub() -> Hub:
    return Hub()


async def test_users_and_services_are_told_apart(hub: Hub) -> None:
    ann, binder = await hub.caller("of-ann"), await hub.caller("of-binder")
    assert ann is not None
    assert (ann.user, ann.user_key, ann.holder) == ("ann", (1, 2.0), "")
    assert ann.scopes == {SCOPE: {"user": {"ann"}}}
    assert binder is not None
    assert (binder.user, binder.user_key, binder.holder) == ("", None, "service:binder")
    assert binder.acting_for("ann") == "service:binder"


async def test_a_users_token_that_a_service_holds_is_the_services_doing(hub: Hub) -> None:
    caller = await hub.caller("at-binder")
    assert caller is not None
    assert (caller.user, caller.acting_for("ann")) == ("ann", "service:binder")


async def test_the_hubs_word_holds_for_ten_seconds_and_no_longer(hub: Hub) -> None:
    first = await hub.caller()
    hub.now += LASTS - 0.1
    assert await hub.caller() is first
    hub.respond = lambda _: httpx.Response(403)
    hub.now += 0.1
    assert await hub.caller() is None
    assert await hub.caller() is None
    assert len(hub.asked) == 3
    assert not hub.tokens._known
    assert LASTS == 10


async def test_time_that_the_hub_takes_counts(hub: Hub) -> None:
    """A token may have been taken back while the answer was under way."""
    hub.gate.clear()
    asking = asyncio.ensure_future(hub.caller())
    await until(lambda: bool(hub.asked))
    hub.now += 4
    hub.gate.set()
    await asking
    hub.now += 6
    await hub.caller()
    assert len(hub.asked) == 2


async def test_many_at_once_are_one_question(hub: Hub) -> None:
    hub.gate.clear()
    asking = [asyncio.ensure_future(hub.caller(token)) for token in ("of-ann", "of-binder") for _ in range(50)]
    await until(lambda: len(hub.asked) == 2)
    hub.gate.set()
    assert None not in await asyncio.gather(*asking)
    assert sorted(hub.asked) == ["of-ann", "of-binder"]


async def test_whoever_asked_first_may_go_without_harm_to_the_others(hub: Hub) -> None:
    hub.gate.clear()
    first, second = (asyncio.ensure_future(hub.caller()) for _ in range(2))
    await until(lambda: bool(hub.asked))
    first.cancel()
    hub.gate.set()
    assert await second is not None


async def test_an_unknown_token_is_asked_about_each_time(hub: Hub) -> None:
    assert [await hub.caller("unknown") for _ in range(2)] == [None, None]
    assert len(hub.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json=MODELS["of-ann"]),
        httpx.Response(502, text="<html>"),
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "http://elsewhere.example/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"name": "ann"}),
        httpx.Response(200, json={"kind": "user", "name": "nobody", "scopes": [SCOPE], "token_id": "a1"}),
        httpx.Response(200, json={"kind": "user", "name": "ann", "scopes": None, "token_id": "a1"}),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.text[:30]}",
)
async def test_what_is_no_answer_lets_nobody_in_and_is_not_remembered(hub: Hub, answer: httpx.Response) -> None:
    hub.respond = lambda _: answer
    with pytest.raises(StoreError) as silent:
        await hub.caller()
    assert silent.value.code == "hub_silent"
    hub.respond = hub.right
    assert await hub.caller() is not None


@pytest.mark.row("10.3.3")
async def test_a_cookie_that_somebody_got_speaks_for_nobody_else(hub: Hub) -> None:
    cookie = {"Set-Cookie": "jupyterhub-hub-login=ann; Path=/"}
    hub.respond = lambda token: httpx.Response(200, json=MODELS["of-ann"], headers=cookie)
    await hub.caller()
    hub.respond = hub.right
    assert await hub.caller("unknown") is None


async def test_a_hub_that_is_gone_is_silent(hub: Hub) -> None:
    def gone(token: str) -> httpx.Response:
        raise httpx.ConnectError("refused")

    hub.respond = gone
    with pytest.raises(StoreError):
        await hub.caller()


@pytest.mark.row("V41")
async def test_tokens_are_remembered_as_digests_and_not_too_many(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 5)
    hub.respond = lambda _: httpx.Response(200, json=MODELS["of-binder"])
    for number in range(20):
        await hub.caller(f"canary-{number}")
    assert len(hub.tokens._known) == 5
    assert "canary" not in repr(vars(hub.tokens))
    await hub.caller("canary-19")
    assert len(hub.asked) == 20
