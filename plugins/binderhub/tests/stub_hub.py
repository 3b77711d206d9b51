"""JupyterHub and hubauth in a thread, as far as BinderHub sees them: whose token this is, and git credentials."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SCOPE = "custom:hubauth:credentials:read"
SERVICE_TOKEN = "token-of-the-service"


@dataclass
class Person:
    """One hub user, with the OAuth token that BinderHub has of them."""

    name: str
    may_ask: bool = True
    """Whether that token may ask for their credentials (`oauth_client_allowed_scopes`)."""
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Origin -> the answer, without what follows from the address."""

    @property
    def token(self) -> str:
        """What BinderHub got from OAuth."""
        return f"oauth-token-of-{self.name}"

    @property
    def scopes(self) -> list[str]:
        """Of that token, as the hub tells them."""
        return ["access:services!service=binder", *([f"{SCOPE}!user={self.name}"] if self.may_ask else [])]

    def connect(self, origin: str, password: str, username: str = "oauth2") -> None:
        """Give them a credential for a git host."""
        self.credentials[origin] = {"username": username, "password": password}


class StubHub(ThreadingHTTPServer):
    """Answers as the contract of hubauth's REST API says, refusals included."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.people: dict[str, Person] = {}
        self.known: set[str] = set()
        """Origins that the hub knows accounts of."""
        self.answers: dict[str, tuple[int, Any]] = {}
        """User name -> status and body that stand in for the answer; of a redirect, the body is where to."""
        self.seen: list[tuple[str, str]] = []
        """Path and Authorization header of each request for a credential."""

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def api_url(self) -> str:
        """hubauth's part of the API."""
        return f"{self.url}/hub/api/hubauth"

    def add(self, name: str) -> Person:
        """A new hub user."""
        self.people[name] = Person(name)
        return self.people[name]


def refusal(status: int, error: str, message: str, login_url: str = "") -> tuple[int, dict[str, Any]]:
    """A refusal in the form of the contract."""
    body = {"status": status, "error": error, "message": message}
    return status, body | ({"login_url": login_url} if login_url else {})


class _Handler(BaseHTTPRequestHandler):
    server: StubHub

    def do_GET(self) -> None:
        token = self.headers.get("Authorization", "").partition(" ")[2]
        owner = next((person for person in self.server.people.values() if person.token == token), None)
        address = urlsplit(self.path)
        if address.path == "/hub/api/user":
            self._answer(*self._whoami(owner))
        else:
            self.server.seen.append((self.path, self.headers.get("Authorization", "")))
            name = unquote(address.path.split("/")[5])
            self._answer(*self._credential(owner, name, parse_qs(address.query)["url"][0]))

    def _whoami(self, owner: Person | None) -> tuple[int, Any]:
        if owner is None:
            return 403, {"status": 403, "message": "Forbidden"}
        return 200, {"kind": "user", "name": owner.name, "admin": False, "groups": [], "scopes": owner.scopes}

    def _credential(self, owner: Person | None, name: str, url: str) -> tuple[int, Any]:
        if name in self.server.answers:
            return self.server.answers[name]
        if owner is None or not owner.may_ask:
            return refusal(403, "forbidden", "This needs a valid API token.")
        if owner.name != name:
            return refusal(404, "not_found", "There is nothing at this address.")
        address = urlsplit(url)
        origin = f"{address.scheme}://{address.netloc}"
        if origin not in self.server.known:
            return refusal(404, "unknown_host", "No provider of this hub has a credential for that address.")
        if origin not in owner.credentials:
            return refusal(404, "not_connected", "You have not connected Forge yet.", "/hub/connections")
        kept = owner.credentials[origin]
        text = f"username={kept['username']}\\npassword={kept['password']}"
        return 200, {
            "protocol": address.scheme,
            "host": address.netloc,
            "path": address.path.lstrip("/"),
            "git_credentials": text,
            "access_token": kept["password"],
            "provider": "forge",
            "token_type": "Bearer",
            "scopes": [],
            "expires_at": None,
            "password_expiry_utc": None,
        } | kept

    def _answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def stub_hub() -> Iterator[StubHub]:
    """A running hub."""
    with StubHub() as hub:
        threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
        yield hub
        hub.shutdown()
