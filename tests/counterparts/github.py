"""GitHub for a sign-in: its OAuth endpoints, and in front of prism the REST API below `/` and `/api/v3`.

    python github.py PORT PRISM_URL        prints "ready http://127.0.0.1:<port>"

The API half is GitHub's own OpenAPI document, served by prism, which always answers octocat: this front puts the
account of the token in its place and makes links to api.github.com links to itself. The OAuth half is ours, after
https://docs.github.com/en/apps/oauth-apps: errors of the token endpoint come with status 200, scopes are separated by
commas, the answer is form-encoded unless JSON is asked for, a code is good once and for its redirect_uri and PKCE.

The one application is `hub` with the secret `github-app-secret`; any password does. Controls below `/_test/`:
`PUT users/<id>` merges JSON into an account or makes one, `PUT redirect_uris` adds callbacks, `PUT fault` with
`{"path": "/user", "status": 403, "headers": {...}}` makes a path fail until `{}` is put, `GET events` is a log.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import sys
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

import httpx
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

CLIENT_ID, CLIENT_SECRET = "hub", "github-app-secret"
DOCS = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors"
ERRORS = {
    "bad_verification_code": "The code passed is incorrect or expired.",
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "redirect_uri_mismatch": "The redirect_uri MUST match the registered callback URL for this application.",
}
ACCOUNTS = {
    1: {"login": "octocat", "name": "monalisa octocat"},
    1001: {"login": "alice", "name": "Alice A"},
    1002: {"login": "bob", "name": "Bob B"},
    1003: {"login": "mallory", "name": None},
}


@dataclass
class Grant:
    """What a code, and then a token, stands for."""

    user: int
    redirect_uri: str
    challenge: str
    scopes: tuple[str, ...]


@dataclass
class GitHub:
    """All that changes while it runs."""

    prism: str
    url: str
    redirect_uris: set[str] = field(default_factory=set)
    users: dict[int, dict[str, Any]] = field(default_factory=lambda: {key: dict(a) for key, a in ACCOUNTS.items()})
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Grant] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, timeout=30))


class Page(RequestHandler):
    """Every page knows the GitHub that it belongs to."""

    def initialize(self, github: GitHub) -> None:
        self.github = github

    def record(self, what: str) -> None:
        self.github.events.append(f"{self.request.method} {self.request.path} {what}")


class Authorize(Page):
    """`/login/oauth/authorize`: asks who one is, then sends the browser back with a code."""

    def get(self) -> None:
        if not self.application_known():
            return
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(self.get_argument(name))}">'
            for name in self.request.arguments
        )
        self.finish(
            f'<!doctype html><title>GitHub</title><form method="post" action="/login/oauth/authorize">{hidden}'
            '<input name="login"><input name="password" type="password"><button>Authorize</button></form>'
        )

    def post(self) -> None:
        if not self.application_known():
            return
        login = self.get_argument("login")
        number = next((key for key, each in self.github.users.items() if each["login"] == login), None)
        if number is None:
            self.leave(error="access_denied", error_description="The user has denied your application access.")
            return
        code = secrets.token_hex(10)
        self.github.codes[code] = Grant(
            number,
            self.get_argument("redirect_uri"),
            self.get_argument("code_challenge", ""),
            tuple(self.get_argument("scope", "").replace(",", " ").split()),
        )
        self.leave(code=code)

    def application_known(self) -> bool:
        known = self.get_argument("client_id", "") == CLIENT_ID
        if known and self.get_argument("redirect_uri", "") in self.github.redirect_uris:
            return True
        self.record("refused")
        self.set_status(404)
        self.finish("Not Found")
        return False

    def leave(self, **answer: str) -> None:
        self.record(answer.get("error", "code"))
        if state := self.get_argument("state", ""):
            answer["state"] = state
        self.redirect(f"{self.get_argument('redirect_uri')}?{urlencode(answer)}")


class Token(Page):
    """`/login/oauth/access_token`: a code for a token. Refusals have status 200, as GitHub's have."""

    def post(self) -> None:
        client = (self.get_body_argument("client_id", ""), self.get_body_argument("client_secret", ""))
        if client != (CLIENT_ID, CLIENT_SECRET):
            self.answer(error="incorrect_client_credentials")
            return
        grant = self.github.codes.pop(self.get_body_argument("code", ""), None)
        if grant is None or not self.verified(grant):
            self.answer(error="bad_verification_code")
        elif self.get_body_argument("redirect_uri", grant.redirect_uri) != grant.redirect_uri:
            self.answer(error="redirect_uri_mismatch")
        else:
            token = f"gho_{secrets.token_hex(18)}"
            self.github.tokens[token] = grant
            self.answer(access_token=token, scope=",".join(grant.scopes), token_type="bearer")

    def answer(self, **fields: str) -> None:
        error = fields.get("error", "")
        self.record(error or "token")
        if error:
            fields |= {"error_description": ERRORS[error], "error_uri": f"{DOCS}#{error}"}
        if "json" in self.request.headers.get("Accept", ""):
            self.finish(fields)
            return
        self.set_header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        self.finish(urlencode(fields))

    def verified(self, grant: Grant) -> bool:
        if not grant.challenge:
            return True
        digest = hashlib.sha256(self.get_body_argument("code_verifier", "").encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == grant.challenge


class Deletion(Page):
    """`/applications/<client id>/token`: the application has a token deleted."""

    def delete(self) -> None:
        said = base64.b64decode(self.request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if said != f"{CLIENT_ID}:{CLIENT_SECRET}":
            self.record("401")
            self.set_status(401)
            return
        known = self.github.tokens.pop(json.loads(self.request.body)["access_token"], None)
        self.record("204" if known else "404")
        self.set_status(204 if known else 404)


class Api(Page):
    """The REST API: what prism answers, with the token's account in octocat's place."""

    async def get(self, path: str) -> None:
        fault = self.github.fault
        if fault.get("path") == path:
            self.record(f"fault {fault['status']}")
            self.set_status(fault["status"])
            for name, value in fault.get("headers", {}).items():
                self.set_header(name, value)
            self.finish({"message": "injected"})
            return
        grant = self.github.tokens.get(self.request.headers.get("Authorization", "").partition(" ")[2])
        if grant is None:
            self.record("401")
            self.set_status(401)
            self.finish({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
            return
        await self.relay(path, grant)

    async def relay(self, path: str, grant: Grant) -> None:
        accept = self.request.headers.get("Accept", "application/json")
        answer = await self.github.client.get(
            f"{self.github.prism}{path}?{self.request.query}",
            headers={"Authorization": "Bearer any", "Accept": accept},
        )
        self.record(str(answer.status_code))
        self.set_status(answer.status_code)
        self.set_header("Content-Type", answer.headers.get("content-type", "application/json"))
        self.set_header("X-OAuth-Scopes", ", ".join(grant.scopes))
        if link := answer.headers.get("link"):
            self.set_header("Link", self.here(link))
        body = answer.json() if answer.content else None
        if body is not None:
            self.finish(self.here(json.dumps(self.personal(path, body, grant))))

    def personal(self, path: str, body: Any, grant: Grant) -> Any:
        account = {"id": grant.user} | self.github.users[grant.user]
        address = account.pop("email", f"{account['login']}@github.test")
        if path == "/user":
            return body | {"email": None} | account
        if path == "/user/emails":
            return [entry | {"email": address} for entry in body[:1]]
        return body

    def here(self, text: str) -> str:
        return text.replace("https://api.github.com", self.github.url)


class Users(Page):
    """Changes an account: a rename, a new person under an old name."""

    def put(self, number: str) -> None:
        account = self.github.users.setdefault(int(number), {})
        account |= json.loads(self.request.body)
        self.finish(account)


class RedirectUris(Page):
    """Hubs choose their ports when they start, so callbacks are added while GitHub runs."""

    def put(self) -> None:
        self.github.redirect_uris |= set(json.loads(self.request.body))


class Fault(Page):
    """One path fails until another fault, or none, is put."""

    def put(self) -> None:
        self.github.fault = json.loads(self.request.body)


class Events(Page):
    """What was asked, and what came of it."""

    def get(self) -> None:
        self.finish(json.dumps(self.github.events))


def application(github: GitHub) -> Application:
    known = {"github": github}
    return Application(
        [
            (r"/login/oauth/authorize", Authorize, known),
            (r"/login/oauth/access_token", Token, known),
            (r"/_test/users/(\d+)", Users, known),
            (r"/_test/redirect_uris", RedirectUris, known),
            (r"/_test/fault", Fault, known),
            (r"/_test/events", Events, known),
            (rf"(?:/api/v3)?/applications/{CLIENT_ID}/token", Deletion, known),
            (r"(?:/api/v3)?(/.*)", Api, known),
        ]
    )


async def main(port: str, prism: str) -> None:
    sockets = bind_sockets(int(port), "127.0.0.1")
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    HTTPServer(application(GitHub(prism, url))).add_sockets(sockets)
    print(f"ready {url}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
