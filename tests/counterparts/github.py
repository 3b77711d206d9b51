"""GitHub for a sign-in: its OAuth endpoints, and in front of prism the REST API below `/` and `/api/v3`.

    python github.py PORT PRISM_URL        prints "ready http://127.0.0.1:<port>"

The API half is GitHub's own OpenAPI document, served by prism, which always answers octocat: this front puts the
account of the token in its place and makes links to api.github.com links to itself. The OAuth half is ours, after
https://docs.github.com/en/apps/oauth-apps: errors of the token endpoint come with status 200, scopes are separated by
commas, the answer is form-encoded unless JSON is asked for, a code is good once and for its redirect_uri and PKCE.

The one application is `hub` with the secret `github-app-secret`; any password does. Controls below `/_test/`:
`PUT users/<id>` merges JSON into an account or makes one, `PUT redirect_uris` adds callbacks, `PUT fault` with
`{"path": "/user", "status": 403, "headers": {...}}` makes a path fail until `{}` is put, `GET events` is a log.
`PUT memberships/<id>` with `{"Org": "active", "Org:team": "pending"}` sets all organizations and teams of an account,
`PUT closed` with `{"org": "sso"}` (or "app") those that show nothing to this application, `PUT granted` what people
grant at most (`[]`: all that is asked for), and `PUT app` with `{"lifetime": 28800}` makes it a GitHub App, whose
tokens run out and know no scopes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import re
import secrets
import sys
import time
from dataclasses import dataclass, field, replace
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
    "bad_refresh_token": "The refresh token passed is incorrect or expired.",
    "redirect_uri_mismatch": "The redirect_uri MUST match the registered callback URL for this application.",
}
MEMBERSHIP = re.compile(
    r"/user/memberships/orgs/(?P<org>[^/]+)"
    r"|/orgs/(?P<team_org>[^/]+)/teams/(?P<slug>[^/]+)/memberships/(?P<login>[^/]+)"
)
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
    until: float = math.inf


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
    memberships: dict[int, dict[str, str]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    granted: list[str] = field(default_factory=list)
    app: dict[str, int] = field(default_factory=dict)
    renewals: dict[str, Grant] = field(default_factory=dict)
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
        code, granted = secrets.token_hex(10), self.github.granted
        asked = self.get_argument("scope", "").replace(",", " ").split()
        self.github.codes[code] = Grant(
            number,
            self.get_argument("redirect_uri"),
            self.get_argument("code_challenge", ""),
            tuple(scope for scope in asked if not granted or scope in granted),
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
    """`/login/oauth/access_token`: a code, or an app's refresh token, for a token. Refusals have status 200."""

    def post(self) -> None:
        client = (self.get_body_argument("client_id", ""), self.get_body_argument("client_secret", ""))
        if client != (CLIENT_ID, CLIENT_SECRET):
            self.answer(error="incorrect_client_credentials")
            return
        if self.get_body_argument("grant_type", "") == "refresh_token":
            renewed = self.github.renewals.pop(self.get_body_argument("refresh_token", ""), None)
            self.issue(renewed) if renewed else self.answer(error="bad_refresh_token")
            return
        grant = self.github.codes.pop(self.get_body_argument("code", ""), None)
        if grant is None or not self.verified(grant):
            self.answer(error="bad_verification_code")
        elif self.get_body_argument("redirect_uri", grant.redirect_uri) != grant.redirect_uri:
            self.answer(error="redirect_uri_mismatch")
        else:
            self.issue(grant)

    def issue(self, grant: Grant) -> None:
        token, lifetime = secrets.token_hex(18), self.github.app.get("lifetime")
        if lifetime is None:
            self.github.tokens[f"gho_{token}"] = grant
            self.answer(access_token=f"gho_{token}", scope=",".join(grant.scopes), token_type="bearer")
            return
        of_app = replace(grant, scopes=(), until=time.time() + lifetime)
        self.github.tokens[f"ghu_{token}"] = self.github.renewals[f"ghr_{token}"] = of_app
        self.answer(
            access_token=f"ghu_{token}",
            expires_in=lifetime,
            refresh_token=f"ghr_{token}",
            refresh_token_expires_in=15897600,
            scope="",
            token_type="bearer",
        )

    def answer(self, **fields: str | int) -> None:
        error = str(fields.get("error", ""))
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
        if grant is None or time.time() > grant.until:
            self.refuse(401, "Bad credentials")
        elif (asked := MEMBERSHIP.fullmatch(path)) and (org := asked["org"] or asked["team_org"]):
            await self.membership(path, grant, org, asked["slug"], asked["login"])
        else:
            await self.relay(path, grant)

    async def membership(self, path: str, grant: Grant, org: str, slug: str | None, login: str | None) -> None:
        """Names know no case. What a token may not see is not there."""
        match self.github.closed.get(org.lower()):
            case "sso":
                self.set_header(
                    "X-GitHub-SSO", f"required; url={self.github.url}/orgs/{org}/sso?authorization_request=A"
                )
                self.refuse(
                    403,
                    "Resource protected by organization SAML enforcement. You must grant your OAuth token "
                    "access to this organization.",
                )
                return
            case "app":
                self.refuse(
                    403,
                    "Although you appear to have the correct authorization credentials, the organization "
                    "has enabled OAuth App access restrictions, meaning that data access to third-parties is limited.",
                )
                return
        known = {name.lower(): (name, state) for name, state in self.github.memberships.get(grant.user, {}).items()}
        name, state = known.get(f"{org}:{slug}".lower() if slug else org.lower(), ("", ""))
        own = login is None or login.lower() == self.github.users[grant.user]["login"].lower()
        if not name or not own or not ("read:org" in grant.scopes or self.github.app):
            self.refuse(404, "Not Found")
            return
        await self.relay(path, grant, name, state)

    def refuse(self, status: int, message: str) -> None:
        self.record(str(status))
        self.set_status(status)
        self.finish({"message": message, "documentation_url": "https://docs.github.com/rest"})

    async def relay(self, path: str, grant: Grant, org: str = "", state: str = "") -> None:
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
        if isinstance(body, dict) and state:
            body |= {"state": state} | (
                {"organization": body["organization"] | {"login": org}} if ":" not in org else {}
            )
        if body is not None:
            self.finish(self.here(json.dumps(self.personal(path, body, grant))))

    def personal(self, path: str, body: Any, grant: Grant) -> Any:
        account = {"id": grant.user} | self.github.users[grant.user]
        address = account.pop("email", f"{account['login']}@github.test")
        if path == "/user":
            return body | {"email": None} | account
        if path == "/user/emails":
            return [entry | {"email": address} for entry in body[:1]]
        if path == "/user/teams":
            return self.teams(body[0], grant)
        return body

    def teams(self, example: dict[str, Any], grant: Grant) -> list[Any]:
        """Two on a page, so that there are several."""
        teams = [
            name.split(":")
            for name, state in self.github.memberships.get(grant.user, {}).items()
            if ":" in name and state == "active"
        ]
        page = int(self.get_argument("page", "1"))
        self.clear_header("Link")
        if len(teams) > 2 * page:
            self.set_header("Link", f'<{self.github.url}{self.request.path}?per_page=100&page={page + 1}>; rel="next"')
        organization = example.get("organization") or {"id": 1}
        return [
            example | {"slug": slug, "name": slug.title(), "organization": organization | {"login": org}}
            for org, slug in teams[2 * page - 2 : 2 * page]
        ]

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


class Memberships(Page):
    """All organizations and teams of an account."""

    def put(self, number: str) -> None:
        self.github.memberships[int(number)] = json.loads(self.request.body)


class Setting(Page):
    """What else changes: organizations that are closed, what people grant, whether it is a GitHub App."""

    def put(self, name: str) -> None:
        setattr(self.github, name, json.loads(self.request.body))


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
            (r"/_test/memberships/(\d+)", Memberships, known),
            (r"/_test/(closed|granted|app)", Setting, known),
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
