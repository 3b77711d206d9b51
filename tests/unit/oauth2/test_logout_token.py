"""Logout tokens: what a source sends when somebody has signed out there, sound and broken, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tornado import httpserver, netutil, web

from hostile_idp import ABSENT, HostileIdP, faults
from hostile_idp import tokens as made
from hubauth_core import Event, HubUser, StoreError
from hubauth_core.builtin.oidc import GenericOIDCProvider
from hubauth_core.oauth2 import logout_token
from hubauth_core.web.rate import RateLimit

row = pytest.mark.row
EVENTS = {logout_token.EVENT: {}}


class Hub:
    """What the core lends, as far as a logout goes: ann is subject 7."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, bool]] = []
        self.events: list[Event] = []
        self.broken = False

    def hub_user(self, subject: str) -> HubUser | None:
        return HubUser(id=1, name="ann", created=0.0) if subject == "7" else None

    async def end_access(self, subject: str, *, servers: bool = True) -> None:
        if self.broken:
            raise StoreError("The database is locked.")
        self.ended.append((subject, servers))

    def record(self, event: Event) -> None:
        self.events.append(event)


class Source:
    """The source, and the address of the hub that it knows."""

    def __init__(self, idp: HostileIdP, url: str) -> None:
        self.idp, self.url, self.count = idp, url, 0

    def token(
        self, header: dict[str, Any] | None = None, mint: Any = made.signed, key: Any = None, **claims: Any
    ) -> str:
        self.count += 1
        now, key = int(time.time()), key or self.idp.key
        sound = {"iss": self.idp.issuer, "aud": "hub", "iat": now, "exp": now + 120, "jti": f"t{self.count}"}
        sound |= {"sub": "7", "sid": "s", "events": EVENTS}
        heads = made.applied({"alg": "RS256", "kid": self.idp.key.kid, "typ": "logout+jwt"}, header or {})
        token: str = mint(heads, json.dumps(made.applied(sound, claims)).encode(), key)
        return token

    async def send(self, token: str | None, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(self.url, **(more or {"data": {"logout_token": token}}))


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def listening(idp: HostileIdP, make: Any, hub: Any) -> AsyncIterator[Callable[..., Source]]:
    """`listening(**options)`: the source of a provider with these options, whose page is served."""
    servers = []

    def serve(**options: Any) -> Source:
        provider: GenericOIDCProvider = make(**options)
        provider.start(hub)
        [page] = provider.pages()
        settings = {"xsrf_cookies": True, "cookie_secret": "s", "log_function": lambda handler: None}
        app = web.Application([(f"/{page.pattern}", page.handler, page.options)], **settings)
        server = httpserver.HTTPServer(app)
        [socket] = netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets([socket])
        servers.append(server)
        return Source(idp, f"http://127.0.0.1:{socket.getsockname()[1]}/backchannel-logout")

    yield serve
    for server in servers:
        server.stop()
        await server.close_all_connections()


@pytest.fixture
def source(listening: Callable[..., Source]) -> Source:
    return listening()


@row("C43", "R22")
async def test_a_sound_token_ends_the_sessions_of_its_person(source, hub):
    answer = await source.send(source.token())
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert hub.ended == [("7", False)]
    [event] = hub.events
    assert (event.kind, event.subject, event.hub_user, event.address) == ("source_logout", "7", "ann", "127.0.0.1")


async def test_servers_end_where_the_administrator_wants_it(listening, hub):
    source = listening(backchannel_logout="servers")
    await source.send(source.token())
    assert hub.ended == [("7", False), ("7", True)]


def test_there_is_no_page_where_the_administrator_wants_none(make):
    assert make(backchannel_logout="off").pages() == ()


@row("R22", "10.5.5")
@pytest.mark.parametrize("kind", ["logout+JWT", "application/logout+jwt"])
async def test_its_type_may_be_written_in_full(source, hub, kind):
    assert (await source.send(source.token({"typ": kind}))).status_code == 200


def case(name: str, code: str, *rows: str, header: Any = None, mint: Any = made.signed, **claims: Any) -> Any:
    marks = [row(*rows)] if rows else []
    return pytest.param(header, mint, claims, code, id=name, marks=marks)


def by_another(header: Any, payload: bytes, key: Any) -> str:
    return made.signed(header, payload, made.rsa(9))


def with_the_secret(header: Any, payload: bytes, key: Any) -> str:
    return made.with_hmac(header, payload, b"s3cret")


def unsigned(header: Any, payload: bytes, key: Any) -> str:
    return made.unsigned(header, payload)


@pytest.mark.parametrize(
    ("header", "mint", "claims", "code"),
    [
        case("alg-none", "algorithm", "C44", mint=unsigned),
        case("secret", "algorithm", "C44", mint=with_the_secret),
        case("algorithm-not-agreed", "algorithm", "C44", header={"alg": "RS384"}),
        case("another-key", "signature", "C44", mint=by_another),
        case("another-issuer", "issuer", "C45", iss="https://other.example"),
        case("another-client", "audience", "C45", aud="other"),
        case("one-client-among-others", "audience", "C45", aud=["hub", "other"]),
        case("no-event", "event", "C46", events=ABSENT),
        case("another-event", "event", "C46", events={"http://schemas.openid.net/event/other": {}}),
        case("event-no-object", "event", "C46", events={logout_token.EVENT: None}),
        case("events-a-list", "event", "C46", events=[logout_token.EVENT]),
        case("nonce", "nonce", "C46", nonce="n"),
        case("null-nonce", "nonce", "C46", nonce=None),
        case("an-id-token", "type", "10.5.5", header={"typ": "JWT"}),
        case("no-type", "type", "10.5.5", header={"typ": ABSENT}),
        case("null-type", "type", "10.5.5", header={"typ": None}),
        case("access-token", "type", "10.5.5", header={"typ": "at+jwt"}),
        case("expired", "expired", "R22", exp=int(time.time()) - 600),
        case("no-exp", "time", "R22", exp=ABSENT),
        case("long-ago", "time", "R22", iat=int(time.time()) - 3600),
        case("not-yet", "time", "R22", iat=int(time.time()) + 3600),
        case("no-jti", "jti", "R22", jti=ABSENT),
        case("jti-a-number", "jti", "R22", jti=7),
        case("sub-a-number", "sub", "R22", sub=7),
        case("sub-empty", "sub", "R22", sub=""),
        case("session-alone", "sid_alone", "R22", sub=ABSENT),
    ],
)
async def test_a_broken_token_ends_nothing(source, hub, header, mint, claims, code):
    answer = await source.send(source.token(header, mint, **claims))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
    assert answer.json()["error"] == "invalid_request"
    assert hub.ended == []
    [event] = hub.events
    assert (event.kind, event.reason) == ("source_logout_refused", f"logout_token_{code}")


@row("10.5.5")
async def test_a_token_that_does_not_say_what_it_is_takes_an_option(listening, hub):
    source = listening(backchannel_untyped=True)
    for kind in (ABSENT, "JWT"):
        assert (await source.send(source.token({"typ": kind}))).status_code == 200
    assert (await source.send(source.token({"typ": "at+jwt"}))).status_code == 400
    assert len(hub.ended) == 2


@row("R22")
async def test_a_token_is_good_once(source, hub):
    token = source.token()
    assert (await source.send(token)).status_code == 200
    assert (await source.send(token)).status_code == 400
    assert hub.ended == [("7", False)]
    assert hub.events[-1].reason == "logout_token_used"


@row("R22")
async def test_a_token_that_could_not_do_its_work_may_come_again(source, hub):
    token, hub.broken = source.token(), True
    assert (await source.send(token)).status_code == 503
    hub.broken = False
    assert (await source.send(token)).status_code == 200


@row("R22")
async def test_somebody_unknown_ends_nobody_else(source, hub):
    assert (await source.send(source.token(sub="8"))).status_code == 200
    assert hub.ended == [("8", False)]
    assert hub.events[-1].hub_user == ""


@row("R22")
async def test_a_hub_that_knows_people_by_another_claim_cannot_tell(listening, hub):
    source = listening(subject_claim="oid")
    assert (await source.send(source.token())).status_code == 400
    assert hub.events[-1].reason == "logout_token_subject"


@row("R22")
@pytest.mark.parametrize(
    "sent",
    [
        {"content": b""},
        {"content": b"logout_token=a&logout_token=b"},
        {"content": b"logout_token=" + b"x" * 65536},
        {"content": b"\xff"},
        {"content": urlencode({f"f{number}": 1 for number in range(50)}).encode()},
        {"json": {"logout_token": "x"}},
    ],
    ids=["empty", "twice", "large", "no-text", "many-fields", "json"],
)
async def test_what_is_no_such_form_is_refused(source, hub, sent):
    answer = await source.send(None, **sent)
    wrong = "too_large" if len(sent.get("content", b"")) > 65536 else "logout_token_missing"
    assert (answer.status_code, answer.json()["error_description"].partition(":")[0]) == (400, wrong)
    assert hub.ended == []


@row("R22")
async def test_a_flood_from_one_address_is_held_back(listening, hub, monkeypatch):
    monkeypatch.setattr("hubauth_core.oauth2.signing_out.RateLimit", partial(RateLimit, clock=lambda: 0.0))
    source = listening()
    answers = [(await source.send("x")).status_code for _ in range(62)]
    assert (answers[0], answers[-1]) == (400, 503)
    assert hub.events[-1].reason == "rate_limited"


@row("R22")
async def test_a_source_may_sign_out_everybody_at_once(listening, hub, monkeypatch):
    monkeypatch.setattr("hubauth_core.oauth2.signing_out.A_MINUTE", 2)
    source = listening()
    answers = [(await source.send(source.token(sub=str(number)))).status_code for number in range(5)]
    assert answers == [200] * 5
    assert len(hub.ended) == 5


async def test_keys_that_cannot_be_had_are_not_the_tokens_fault(source, hub, idp):
    idp.replace("/jwks", faults.raw(b"", status=503))
    assert (await source.send(source.token())).status_code == 503


@row("R22")
def test_tokens_are_forgotten_in_time_and_there_are_never_too_many():
    now = [1000.0]
    seen = logout_token.Seen(lambda: now[0])
    for number in range(logout_token.MOST):
        seen.claim({"jti": str(number)})
    with pytest.raises(Exception, match="Too many"):
        seen.claim({"jti": "more"})
    now[0] += logout_token.REMEMBERED
    seen.claim({"jti": "0"})
