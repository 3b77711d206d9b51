"""git's own smart HTTP server (`git http-backend`) behind access tokens, with the controls that a test needs.

    python git_server.py PORT ROOT [USERINFO]       prints "ready http://127.0.0.1:<port>"; port 0 takes a free one

ROOT, an absolute path, holds bare repositories; one accepts pushes after `git config http.receivepack true`. A token
comes as Basic password (or user name) or as Bearer. Who is behind it is what the controls say, or an identity
provider's userinfo address, so that a token is good for exactly as long as it is good there. What the user "" may,
everybody may; else, without a good token: 401 asking for Basic. A repository without rights: 404, as if it were not
there. Pushing with "r": 403.

Controls: `PUT /_test/tokens` with {token: user} says which tokens are good from now on, `PUT /_test/rights` with
{user: {repository: "r" or "rw"}} who may do what; `GET /_test/events` tells requests as [user or null, status, path].
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

LARGEST_PUSH = 100 * 1024 * 1024


@dataclass
class State:
    """All that changes while it runs."""

    root: Path
    userinfo: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    rights: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[tuple[str | None, int, str]] = field(default_factory=list)

    async def user(self, authorization: str) -> str | None:
        """Who stands behind an Authorization header, None if nobody does."""
        for token in _offered(authorization):
            if user := self.tokens.get(token) or await self._asked(token):
                return user
        return None

    def right(self, user: str | None, repository: str) -> str:
        """What a user may do with a repository, at least what everybody may."""
        either = (self.rights.get(name, {}).get(repository, "") for name in (user or "", ""))
        return next(filter(None, either), "")

    async def _asked(self, token: str) -> str | None:
        if not self.userinfo:
            return None
        headers = {"Authorization": f"Bearer {token}"}
        answer = await AsyncHTTPClient().fetch(self.userinfo, headers=headers, raise_error=False)
        return str(json.loads(answer.body)["sub"]) if answer.code == 200 else None


def _offered(authorization: str) -> list[str]:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return [value]
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [each for each in (password, name) if each and each.isascii()] if scheme.lower() == "basic" else []


class Git(RequestHandler):
    """Every path of a repository."""

    def initialize(self, state: State) -> None:
        self.state = state

    async def serve(self, path: str) -> None:
        user = await self.state.user(self.request.headers.get("Authorization", ""))
        repository = path.partition("/")[0]
        right = self.state.right(user, repository)
        if user is None and not right:
            self.set_header("WWW-Authenticate", 'Basic realm="git"')
            self.set_status(401)
        elif not right or not (self.state.root / repository).is_dir():
            self.set_status(404)
        elif "git-receive-pack" in self.request.uri and "w" not in right:
            self.set_status(403)
        else:
            self.relay(await self.backend(user or ""))
        self.state.events.append((user, self.get_status(), self.request.path))

    get = post = serve

    async def backend(self, user: str) -> bytes:
        """What git's program answers, as CGI has it."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", stdin=pipe, stdout=pipe, env=self.cgi_environment(user)
        )
        answer, _ = await process.communicate(self.request.body)
        return answer

    def cgi_environment(self, user: str) -> dict[str, str]:
        headers = self.request.headers
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.state.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.state.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.request.method or "",
            "PATH_INFO": self.request.path,
            "QUERY_STRING": self.request.query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(self.request.body)),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": user,
        }

    def relay(self, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "status":
                self.set_status(int(value.split()[0]))
            else:
                self.set_header(name, value)
        self.write(body)


class Control(RequestHandler):
    """What a test changes, and sees."""

    def initialize(self, state: State) -> None:
        self.state = state

    def put(self, what: str) -> None:
        setattr(self.state, what, json.loads(self.request.body))

    def get(self, what: str) -> None:
        self.write(json.dumps(getattr(self.state, what)))


async def main(port: str, root: str, userinfo: str = "") -> None:
    known = {"state": State(Path(root), userinfo)}
    routes = [(r"/_test/(tokens|rights|events)", Control, known), (r"/(.+)", Git, known)]
    server = HTTPServer(Application(routes), max_buffer_size=LARGEST_PUSH)
    sockets = bind_sockets(int(port), "127.0.0.1")
    server.add_sockets(sockets)
    print(f"ready http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
