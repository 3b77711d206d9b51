"""The provider itself: an OpenID provider on loopback whose every answer a test can replace.

Left alone it is correct: codes are good once, PKCE is checked, tokens verify. A test then breaks one thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from tornado import httpserver, netutil, web

from . import tokens
from .faults import Answer, json_answer, raw

ADDRESS: Final = "127.0.0.1"
Minter = Callable[[dict[str, Any], dict[str, Any]], str]


@dataclass(frozen=True)
class Seen:
    """One request that came in, and the peer (address, port) whose connection it came over."""

    path: str
    method: str
    headers: dict[str, str]
    form: dict[str, str]
    peer: tuple[str, int]
    body: str = ""
    query: str = ""

    def fields(self, name: str) -> list[str]:
        """All values of a field of the form, in order."""
        return parse_qs(self.body).get(name, [])


@dataclass
class HostileIdP:
    """A provider. `claims` and `header` change the ID token (ABSENT takes a member out), `mint` replaces it wholly,
    `answers` replaces what a path says: one answer, or several, of which the last one stays.
    """

    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    mint: Minter | None = None
    key: tokens.Key = field(default_factory=tokens.rsa)
    keys: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "preferred_username": "ann"})
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "preferred_username": "ann"})
    callback: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    path: str = ""
    client_id: str = "hub"
    seen: list[Seen] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {}
        self._server: httpserver.HTTPServer | None = None
        self.issuer = ""

    async def __aenter__(self) -> Self:
        [socket] = netutil.bind_sockets(0, ADDRESS)
        self.issuer = f"http://{ADDRESS}:{socket.getsockname()[1]}{self.path}"
        application = web.Application([(r".*", _Anything)], idp=self, log_function=lambda handler: None)
        self._server = httpserver.HTTPServer(application)
        self._server.add_sockets([socket])
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()

    # What a test asks.

    def replace(self, path: str, *answers: Answer) -> None:
        """Answer a path with these, one after the other; the last one stays."""
        self.answers[path] = list(answers)

    def count(self, path: str) -> int:
        """How often a path was asked."""
        return sum(seen.path == path for seen in self.seen)

    def last(self, path: str) -> Seen:
        """The last request for a path."""
        return [seen for seen in self.seen if seen.path == path][-1]

    def connections(self) -> int:
        """Over how many connections the requests came."""
        return len({seen.peer for seen in self.seen})

    def sign_in(self, url: str, **changes: Any) -> dict[str, list[str]]:
        """What the browser brings back from an authorization URL, with changes (ABSENT takes one out)."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        answer = tokens.applied(tokens.applied(answer, self.callback), changes)
        return {name: value if isinstance(value, list) else [value] for name, value in answer.items()}

    def id_token(self, asked: dict[str, str], access_token: str) -> str:
        """An ID token for an authorization request, broken as the test wants it."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": asked["client_id"], "iat": now, "exp": now + 300, **self.person}
        claims |= {"nonce": asked.get("nonce"), "at_hash": tokens.half_hash(access_token)}
        header = {"alg": _algorithm(self.key), "kid": self.key.kid}
        header, claims = tokens.applied(header, self.header), tokens.applied(claims, self.claims)
        if self.mint:
            return self.mint(header, claims)
        return tokens.signed(header, json.dumps(claims).encode(), self.key)

    # Its right answers.

    def answer_metadata(self) -> Answer:
        """RFC 8414."""
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "jwks",
        }
        document: dict[str, Any] = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        document |= {"issuer": self.issuer, "authorization_response_iss_parameter_supported": True}
        return json_answer(tokens.applied(document, self.metadata))

    def answer_token(self, form: dict[str, str]) -> Answer:
        """RFC 6749, section 5; RFC 7636, section 4.6."""
        if form.get("grant_type") == "refresh_token":
            return self._answer_tokens({"client_id": self.client_id})
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or create_s256_code_challenge(form.get("code_verifier", "")) != asked["code_challenge"]:
            return json_answer({"error": "invalid_grant"}, 400)
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return json_answer({"error": "invalid_grant"}, 400)
        return self._answer_tokens(asked)

    def _answer_tokens(self, asked: dict[str, str]) -> Answer:
        access_token = f"access-{secrets.token_urlsafe(8)}"
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300, "scope": asked.get("scope")}
        answer["id_token"] = self.id_token(asked, access_token)
        return json_answer(tokens.applied(answer, self.tokens))

    def respond(self, path: str, request: Seen, query: str) -> Answer:
        """The answer for a path: the test's, or the right one."""
        if scripted := self.answers.get(path):
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        match path:
            case "/.well-known/openid-configuration":
                return self.answer_metadata()
            case "/authorize":
                return self._answer_authorize(query)
            case "/token":
                return self.answer_token(request.form)
            case "/userinfo":
                return json_answer(self.userinfo)
            case "/jwks":
                return json_answer({"keys": [tokens.public(self.key)] if self.keys is None else self.keys})
            case _:
                return raw(b"nothing here", "text/plain", 404)

    def _answer_authorize(self, query: str) -> Answer:
        back = self.sign_in(f"?{query}")
        target = dict(parse_qsl(query))["redirect_uri"]
        return raw(b"", "text/html", 302, location=f"{target}?{urlencode(back, doseq=True)}")


class _Anything(web.RequestHandler):
    def check_xsrf_cookie(self) -> None:
        """Nobody here has a session."""

    async def get(self) -> None:
        idp: HostileIdP = self.settings["idp"]
        path = self.request.path.removeprefix(idp.path)
        body = self.request.body.decode("ascii", "replace")
        peer = self.request.connection.context.address[:2]  # type: ignore[union-attr]  # an HTTP/1 connection has one
        headers, form = dict(self.request.headers), dict(parse_qsl(body))
        seen = Seen(path, self.request.method or "", headers, form, peer, body, self.request.query)
        idp.seen.append(seen)
        await idp.respond(path, seen, self.request.query)(self)

    post = delete = get


def _algorithm(key: tokens.Key) -> str:
    return {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}[key.key_type]


@contextlib.contextmanager
def in_thread(**options: Any) -> Iterator[HostileIdP]:
    """A provider that serves from a thread of its own, for tests whose hub is another process."""
    idp, ready, loop = HostileIdP(**options), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with idp:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield idp
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
