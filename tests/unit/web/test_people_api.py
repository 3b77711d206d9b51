"""Programs that deal with hub users: who is let in, how often, and what is taken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.scopes import parse_scopes
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from hubauth_core.errors import StoreError
from hubauth_core.linking import Actor
from hubauth_core.types import HubUser
from hubauth_core.web import people_api
from hubauth_core.web.api_answers import Reply
from hubauth_core.web.callers import DISCONNECT, END_SESSIONS, READ_IDENTITIES, Caller
from hubauth_core.web.people_api import EverySession, Identities, Identity, PeopleHandler, Sessions
from hubauth_core.web.rate import RateLimit

KEEPER = Caller(
    holder="service:keeper", key=b"of keeper", scopes=parse_scopes([READ_IDENTITIES, DISCONNECT, END_SESSIONS])
)
OTHER = Caller(holder="service:other", key=b"of another", scopes={})
ANN = SimpleNamespace(id=1, name="ann")


class Hub:
    """A hub whose only user is ann. Writes down what was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, per_minute: int = 0) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.patch = monkeypatch
        host = SimpleNamespace(
            call_limit=RateLimit(per_minute), flow=SimpleNamespace(identities=self), linking=self, parent=None
        )
        self.application = SimpleNamespace(settings={"authenticator": host, "db": self})
        monkeypatch.setattr(people_api, "hub_user", lambda row: HubUser(id=1, name="ann", created=2.0))
        monkeypatch.setattr(people_api, "end_sessions", lambda _, row: self.done.append(("sessions", row.name)))
        monkeypatch.setattr(people_api, "end_access", self.end_access)

    async def ask(
        self, kind: type[PeopleHandler], *named: str, query: str = "", caller: Caller | None = KEEPER
    ) -> Reply:
        self.patch.setattr(people_api, "caller_of", lambda _: caller)
        handler: Any = object.__new__(kind)
        handler.application = self.application
        line = RequestStartLine("DELETE", f"/?{query}", "HTTP/1.1")
        handler.request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "hub.example"}))
        handler.find_user = self.find_user
        handler.get_token = lambda: SimpleNamespace(user=None, service=SimpleNamespace(admin=False))
        replies: list[Reply] = []
        handler.reply = replies.append
        await (handler.get if kind is Identities else handler.delete)(*named)
        return replies[0]

    def find_user(self, name: str) -> Any:
        self.done.append(("looked up", name))
        return SimpleNamespace(name="ann", orm_user=ANN) if name == "ann" else None

    def of_hub_user(self, key: Any) -> list[Any]:
        return []

    async def unlink(self, user: HubUser, provider: str, by: Actor) -> Any:
        raise StoreError("Not now.")

    def sessions_ended(self, user: HubUser | None, by: Actor) -> None:
        self.done.append(("told", by.name))

    async def end_access(self, app: Any, row: Any, *, servers: bool) -> None:
        self.done.append(("servers" if servers else "tokens", row.name))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(monkeypatch)


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body.get("error", "")


EVERYTHING = [(Identities, "ann"), (Identity, "ann", "red"), (Sessions, "ann"), (EverySession,)]


@pytest.mark.row("10.4.10")
@pytest.mark.parametrize("asked", EVERYTHING)
async def test_without_a_token_or_the_scope_nothing_is_looked_up(hub: Hub, asked: tuple[Any, ...]) -> None:
    assert told(await hub.ask(*asked, caller=None)) == (403, "forbidden")
    assert told(await hub.ask(*asked, caller=OTHER)) == (403, "forbidden")
    assert hub.done == []


@pytest.mark.parametrize("asked", EVERYTHING)
async def test_each_token_has_its_limit(monkeypatch: pytest.MonkeyPatch, asked: tuple[Any, ...]) -> None:
    hub = Hub(monkeypatch, per_minute=1)
    assert told(await hub.ask(Identities, "nobody")) == (404, "not_found")
    done = list(hub.done)
    reply = await hub.ask(*asked)
    assert (told(reply), reply.headers) == ((429, "rate_limited"), {"Retry-After": "60"})
    assert hub.done == done
    assert told(await hub.ask(Identities, "ann", caller=OTHER)) == (403, "forbidden")


@pytest.mark.parametrize("asked", EVERYTHING)
@pytest.mark.parametrize("query", ["also=x", "also=", "also=tokens&also=servers", "als=tokens", "also=%FF"])
async def test_a_parameter_that_is_not_known_ends_nothing(hub: Hub, asked: tuple[Any, ...], query: str) -> None:
    assert told(await hub.ask(*asked, query=query)) == (400, "bad_request")
    assert hub.done in ([], [("looked up", "ann")])


@pytest.mark.parametrize("name", ["ann\x00", "a" * 256])
async def test_a_name_that_no_database_takes_is_nobodys(hub: Hub, name: str) -> None:
    for asked in ((Identities, name), (Identity, name, "red"), (Sessions, name)):
        assert told(await hub.ask(*asked)) == (404, "not_found")
    assert hub.done == []
    assert told(await hub.ask(Identity, "ann", name)) == (404, "not_connected")
    assert told(await hub.ask(Identity, "ann", "red")) == (503, "store_failed")


@pytest.mark.parametrize(
    ("query", "done", "ended"),
    [
        ("", "sessions", ["sessions"]),
        ("also=tokens", "tokens", ["sessions", "tokens"]),
        ("also=servers", "servers", ["servers", "sessions", "tokens"]),
    ],
)
async def test_what_is_asked_for_ends(hub: Hub, query: str, done: str, ended: list[str]) -> None:
    reply = await hub.ask(Sessions, "ann", query=query)
    assert reply == Reply(200, {"user": "ann", "ended": ended})
    assert hub.done == [("looked up", "ann"), (done, "ann"), ("told", "service:keeper")]
