"""A small stand-in for GitLab: its OAuth endpoints, `/api/v4/user`, members and groups, after GitLab's documentation.

    python gitlab.py PORT REDIRECT_URI        prints "ready http://127.0.0.1:<port>"; port 0 takes a free one

https://docs.gitlab.com/api/oauth2/, and below docs.gitlab.com/api: users, members, groups. Written by us, so it proves
what the documentation says and no more. It differs from GitLab where that is stricter: PKCE with S256 is demanded.
The one application is `hub` with the secret `gitlab-app-secret`; the accounts are in `ACCOUNTS`, any password does.

Controls: `PUT /_test/users/<id>` merges JSON into an account, or makes a new one; `PUT /_test/redirect_uris` adds
callbacks; `PUT /_test/lifetime` sets the seconds of tokens issued from then on; `GET /_test/events` is a log.
`PUT /_test/members/<id>` sets all memberships of an account, `{"top/sub": {"access_level": 30}}`, in groups of `GROUPS`
and projects of `PROJECTS`; `PUT /_test/forbidden` lists paths that answer 403, `PUT /_test/version` says how old it is.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import sys
import time
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any
from urllib.parse import urlencode

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

CLIENT_ID, CLIENT_SECRET = "hub", "gitlab-app-secret"
SCOPES = frozenset(
    {"api", "read_api", "read_user", "openid", "profile", "email", "read_repository", "write_repository"}
)
SIGNED_IN_SCOPES = frozenset({"api", "read_api", "read_user"})  # any one of them opens /api/v4/user


def account(number: int, username: str, **more: Any) -> dict[str, Any]:
    """An account with the fields that GitLab documents for `GET /user`."""
    return {
        "id": number,
        "username": username,
        "name": username.title(),
        "state": "active",
        "locked": False,
        "avatar_url": f"https://gitlab.test/uploads/{number}/avatar.png",
        "web_url": f"https://gitlab.test/{username}",
        "created_at": "2024-05-23T08:00:58Z",
        "email": f"{username}@gitlab.test",
        "confirmed_at": "2024-05-23T09:05:22Z",
        "two_factor_enabled": False,
        "external": False,
        "public_email": "",
    } | more


ACCOUNTS = (
    account(41, "ann"),
    account(42, "ben"),
    account(43, "unconfirmed", confirmed_at=None),
    account(44, "blocked", state="blocked"),
)

GROUPS = {1: "top", 2: "top/sub", 3: "top-sub", 4: "top/sub/below", 5: "TOPS"}
PROJECTS = {71: "top/sub/project", 72: "top/other"}


@dataclass
class Grant:
    """What a code stands for."""

    user: int
    redirect_uri: str
    challenge: str
    scopes: frozenset[str]
    until: float = 0


@dataclass
class GitLab:
    """All that changes while it runs."""

    redirect_uris: frozenset[str]
    users: dict[int, dict[str, Any]] = field(default_factory=lambda: {a["id"]: dict(a) for a in ACCOUNTS})
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Grant] = field(default_factory=dict)
    renewals: dict[str, Grant] = field(default_factory=dict)
    lifetime: float = 7200
    members: dict[int, dict[str, dict[str, Any]]] = field(default_factory=dict)
    forbidden: list[str] = field(default_factory=list)
    version: str = "19.1.0-ee"
    events: list[str] = field(default_factory=list)


class Page(RequestHandler):
    """Every page knows the GitLab that it belongs to."""

    def initialize(self, gitlab: GitLab) -> None:
        self.gitlab = gitlab

    def refuse(self, status: int, **body: str) -> None:
        self.gitlab.events.append(f"{self.request.path} {status} {body.get('error', '')}".rstrip())
        self.set_status(status)
        self.finish(body)


class Authorize(Page):
    """`/oauth/authorize`: a page that asks who one is; the answer goes back to the application."""

    def get(self) -> None:
        if not self.redirectable():
            return
        if error := self.fault():
            self.leave(error=error)
            return
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(self.get_argument(name))}">'
            for name in self.request.arguments
        )
        self.finish(
            f'<!doctype html><title>GitLab</title><form method="post" action="/oauth/authorize">{hidden}'
            '<input name="login"><input name="password" type="password"><button>Authorize</button></form>'
        )

    def post(self) -> None:
        if not self.redirectable():
            return
        login = self.get_argument("login")
        user = next((a for a in self.gitlab.users.values() if a["username"] == login), None)
        if error := self.fault() or ("access_denied" if user is None else ""):
            self.leave(error=error)
            return
        assert user is not None
        code = secrets.token_hex(32)
        self.gitlab.codes[code] = Grant(
            user["id"],
            self.get_argument("redirect_uri"),
            self.get_argument("code_challenge"),
            frozenset(self.get_argument("scope").split()),
        )
        self.leave(code=code)

    def redirectable(self) -> bool:
        known = self.get_argument("client_id", "") == CLIENT_ID
        if known and self.get_argument("redirect_uri", "") in self.gitlab.redirect_uris:
            return True
        self.refuse(400, error="invalid_redirect_uri" if known else "invalid_client")
        return False

    def fault(self) -> str:
        if self.get_argument("response_type", "") != "code":
            return "unsupported_response_type"
        if self.get_argument("code_challenge_method", "") != "S256" or not self.get_argument("code_challenge", ""):
            return "invalid_request"
        asked = set(self.get_argument("scope", "").split())
        return "" if asked and asked <= SCOPES else "invalid_scope"

    def leave(self, **answer: str) -> None:
        if state := self.get_argument("state", ""):
            answer["state"] = state
        self.redirect(f"{self.get_argument('redirect_uri')}?{urlencode(answer)}")


class OfTheClient(Page):
    """What only the application may ask."""

    def prepare(self) -> None:
        if self.client() != (CLIENT_ID, CLIENT_SECRET):
            self.refuse(401, error="invalid_client", error_description="Client authentication failed")

    def client(self) -> tuple[str, str]:
        scheme, _, encoded = self.request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
            return name, secret
        return self.get_body_argument("client_id", ""), self.get_body_argument("client_secret", "")


class Token(OfTheClient):
    """`/oauth/token`: a code and its verifier, or a refresh token, for tokens; each once."""

    def post(self) -> None:
        match self.get_body_argument("grant_type", ""):
            case "authorization_code":
                grant = self.gitlab.codes.pop(self.get_body_argument("code", ""), None)
                self.answer(grant if grant and self.fits(grant) else None)
            case "refresh_token":
                self.answer(self.gitlab.renewals.pop(self.get_body_argument("refresh_token", ""), None))
            case _:
                self.refuse(400, error="unsupported_grant_type")

    def answer(self, grant: Grant | None) -> None:
        if grant is None:
            self.refuse(400, error="invalid_grant", error_description="The provided authorization grant is invalid")
            return
        token, renewal = secrets.token_hex(32), secrets.token_hex(32)
        self.gitlab.tokens[token] = replace(grant, until=time.time() + self.gitlab.lifetime)
        self.gitlab.renewals[renewal] = grant
        self.gitlab.events.append("/oauth/token 200")
        self.finish(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(self.gitlab.lifetime),
                "refresh_token": renewal,
                "scope": " ".join(sorted(grant.scopes)),
                "created_at": int(time.time()),
            }
        )

    def fits(self, grant: Grant) -> bool:
        digest = hashlib.sha256(self.get_body_argument("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return challenge == grant.challenge and self.get_body_argument("redirect_uri", "") == grant.redirect_uri


class Revoke(OfTheClient):
    """`/oauth/revoke`: a token is taken back; one that is not known is no error."""

    def post(self) -> None:
        token = self.get_body_argument("token", "")
        known = self.gitlab.tokens.pop(token, None) or self.gitlab.renewals.pop(token, None)
        self.gitlab.events.append(f"/oauth/revoke {'200' if known else 'unknown'}")
        self.finish({})


class Api(Page):
    """What a token opens, and for how long."""

    scopes = frozenset({"api", "read_api"})

    def prepare(self) -> None:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        grant = self.gitlab.tokens.get(token) if scheme == "Bearer" else None
        if grant is None or time.time() > grant.until:
            self.refuse(401, message="401 Unauthorized")
        elif not grant.scopes & self.scopes:
            self.refuse(403, error="insufficient_scope", scope=" ".join(sorted(self.scopes)))
        elif self.gitlab.users[grant.user]["state"] == "blocked":
            self.refuse(403, message="403 Forbidden - Your account has been blocked.")
        else:
            self.user = grant.user
            self.gitlab.events.append(f"{self.request.path} asked")

    @property
    def memberships(self) -> dict[str, dict[str, Any]]:
        return self.gitlab.members.get(self.user, {})


class User(Api):
    """`/api/v4/user`: the account behind a token."""

    scopes = SIGNED_IN_SCOPES

    def get(self) -> None:
        self.finish(self.gitlab.users[self.user])


class Member(Api):
    """`/api/v4/groups/<id or path>/members/all/<user id>`, and of projects: what is not there or not shown is a 404."""

    def get(self, what: str, name: str, inherited: str, number: str) -> None:
        path = self.path_of(GROUPS if what == "groups" else PROJECTS, name)
        if path in self.gitlab.forbidden:
            self.refuse(403, message="403 Forbidden")
            return
        if inherited and tuple(map(int, self.gitlab.version.split(".")[:2])) < (12, 4):
            self.refuse(404, error="404 Not Found")
            return
        found = self.found(path, bool(inherited)) if path and int(number) == self.user else None
        if found is None:
            self.refuse(404, message="404 Group Not Found" if not path else "404 Not found")
            return
        told = {key: self.gitlab.users[self.user][key] for key in ("id", "username", "name", "state", "locked")}
        self.finish(told | {"access_level": 30, "expires_at": None, "membership_state": "active"} | found)

    def path_of(self, known: dict[int, str], name: str) -> str:
        """Paths know no case, and are encoded once."""
        if name.isdecimal():
            return known.get(int(name), "")
        return next((path for path in known.values() if path.lower() == name.lower()), "")

    def found(self, path: str, inherited: bool) -> dict[str, Any] | None:
        parts = path.split("/")
        above = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
        return next(
            (self.memberships[each] for each in above[: None if inherited else 1] if each in self.memberships), None
        )


class Groups(Api):
    """`/api/v4/groups?min_access_level=`: the account's groups, with those below them, two on a page."""

    def get(self) -> None:
        least, page = int(self.get_argument("min_access_level")), int(self.get_argument("page", "1"))
        above = [path for path, member in self.memberships.items() if member.get("access_level", 30) >= least]
        mine = [
            {"id": number, "full_path": path, "name": path.rpartition("/")[2]}
            for number, path in GROUPS.items()
            if any(path == each or path.startswith(f"{each}/") for each in above)
        ]
        if len(mine) > 2 * page:
            address = f"{self.request.protocol}://{self.request.host}{self.request.path}"
            self.set_header("Link", f'<{address}?min_access_level={least}&page={page + 1}>; rel="next"')
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(mine[2 * page - 2 : 2 * page]))


class Version(Api):
    """`/api/v4/version`."""

    scopes = SIGNED_IN_SCOPES

    def get(self) -> None:
        self.finish({"version": self.gitlab.version, "revision": "0123456789a"})


class Control(Page):
    """Changes an account, as its owner or an administrator would."""

    def put(self, number: str) -> None:
        change = json.loads(self.request.body)
        known = self.gitlab.users.get(int(number)) or account(int(number), change["username"])
        self.gitlab.users[int(number)] = known | change
        self.finish(self.gitlab.users[int(number)])


class RedirectUris(Page):
    """Hubs choose their ports when they start, so callbacks are added while GitLab runs."""

    def put(self) -> None:
        self.gitlab.redirect_uris |= frozenset(json.loads(self.request.body))


class Members(Page):
    """All memberships of an account."""

    def put(self, number: str) -> None:
        self.gitlab.members[int(number)] = json.loads(self.request.body)


class Setting(Page):
    """What is shown to nobody, and how old this GitLab is."""

    def put(self, name: str) -> None:
        setattr(self.gitlab, name, json.loads(self.request.body))


class Lifetime(Page):
    """For how many seconds access tokens are good that are issued from now on."""

    def put(self) -> None:
        self.gitlab.lifetime = json.loads(self.request.body)


class Events(Page):
    """What the applications did, one word each."""

    def get(self) -> None:
        self.finish({"events": self.gitlab.events})


def application(*redirect_uris: str) -> Application:
    """A GitLab of its own, that knows one application with these callback addresses."""
    known = {"gitlab": GitLab(frozenset(redirect_uris))}
    return Application(
        [
            (r"/oauth/authorize", Authorize, known),
            (r"/oauth/token", Token, known),
            (r"/oauth/revoke", Revoke, known),
            (r"/api/v4/user", User, known),
            (r"/api/v4/(groups|projects)/([^/]+)/members/(all/)?(\d+)", Member, known),
            (r"/api/v4/groups", Groups, known),
            (r"/api/v4/version", Version, known),
            (r"/_test/members/(\d+)", Members, known),
            (r"/_test/(forbidden|version)", Setting, known),
            (r"/_test/users/(\d+)", Control, known),
            (r"/_test/redirect_uris", RedirectUris, known),
            (r"/_test/lifetime", Lifetime, known),
            (r"/_test/events", Events, known),
        ]
    )


async def main(port: str, *redirect_uris: str) -> None:
    sockets = bind_sockets(int(port), "127.0.0.1")
    HTTPServer(application(*redirect_uris)).add_sockets(sockets)
    print(f"ready http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
