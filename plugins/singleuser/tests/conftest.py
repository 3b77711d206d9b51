"""A hub that speaks the credentials API over HTTP, and the environment of a server that it has started."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

HUB_TOKEN = "hub-token-of-this-server"

Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Account:
    """What the hub knows of one connected account."""

    token: str = "gho_token"
    username: str = "octocat"
    expires_at: float | None = None
    git_urls: list[str] = field(default_factory=lambda: ["https://github.com"])
    state: str = "ready"
    git_username: str = "oauth2"


class FakeHub:
    """The contract's answers, for the user ann. `requests` are paths asked for, `refusal` is what all get instead.

    Nobody gets an answer about credentials while the `gate` is shut; `asked` is set once somebody waits for one.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {"github": Account()}
        self.visitors: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.refusal: Answer | None = None
        self.raw: bytes | None = None
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.visit(HUB_TOKEN, "ann")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.environment = {
            "JUPYTERHUB_API_URL": f"{self.url}/hub/api",
            "JUPYTERHUB_API_TOKEN": HUB_TOKEN,
            "JUPYTERHUB_USER": "ann",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_HOST": "",
        }

    def connect(self, provider: str, **details: Any) -> None:
        """Ann connects another account, or this one again."""
        self.accounts[provider] = Account(**details)

    def visit(self, token: str, name: str, kind: str = "user") -> None:
        """Somebody with access to ann's server, and a token of their own."""
        scopes = ["access:servers!server=ann/"]
        self.visitors[token] = {"kind": kind, "name": name, "admin": False, "groups": [], "scopes": scopes}

    def refuse(self, status: int, slug: str, message: str = "No.", **headers: str) -> None:
        """Answer every question so; `login_url` comes with the two slugs that have one."""
        page = {"login_url": "/hub/connections"} if slug in {"needs_login", "not_connected"} else {}
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.refusal = (status, {"status": status, "error": slug, "message": message, **page}, told)

    def answer(self, url: str, authorization: str) -> Answer:
        """What the hub says to a GET."""
        address = urlsplit(url)
        path = [unquote(part) for part in address.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        token = authorization.partition(" ")[2]
        match path:
            case ["hub", "api"]:
                return 200, {"version": "6.1.1"}, {}
            case ["hub", "api", "user"]:
                visitor = self.visitors.get(token)
                return (200, visitor, {}) if visitor else (403, {"status": 403, "message": "Who?"}, {})
            case ["hub", "api", "hubauth", "users", "ann", *rest] if token == HUB_TOKEN:
                self.asked.set()
                self.gate.wait(10)
                return self.refusal or self.hubauth(rest, query)
            case ["hub", "api", "hubauth", *_] if token != HUB_TOKEN:
                return 403, {"status": 403, "message": "Missing or invalid credentials."}, {}
            case _:
                return 404, {"status": 404, "message": "Not Found"}, {}

    def hubauth(self, path: list[str], query: dict[str, str]) -> Answer:
        """Below `/hub/api/hubauth/users/ann`."""
        match path:
            case ["credentials"]:
                return 200, {"credentials": [_overview(*each) for each in self.accounts.items()]}, {}
            case ["credentials", provider] if provider in self.accounts:
                return 200, _credential(provider, query.get("resource", ""), self.accounts[provider]), {}
            case ["git-credential"]:
                return self.git(query["url"])
            case _:
                return _refused(404, "unknown_provider", "There is no such provider.")

    def git(self, url: str) -> Answer:
        """The account whose git URL it is."""
        for provider, account in self.accounts.items():
            if any(url == each or url.startswith(f"{each}/") for each in account.git_urls):
                address = urlsplit(url)
                expiry = int(account.expires_at) if account.expires_at else None
                return (
                    200,
                    {
                        **_credential(provider, "", account),
                        "protocol": address.scheme,
                        "host": address.netloc,
                        "path": address.path.strip("/"),
                        "username": account.git_username,
                        "password": account.token,
                        "password_expiry_utc": expiry,
                        "git_credentials": None,
                    },
                    {},
                )
        return _refused(404, "unknown_host", "No provider has this address.")


def _refused(status: int, slug: str, message: str) -> Answer:
    return status, {"status": status, "error": slug, "message": message}, {}


def _credential(provider: str, resource: str, account: Account) -> dict[str, Any]:
    return {
        "provider": provider,
        "resource": resource,
        "username": account.username,
        "access_token": account.token + (f"-for-{resource}" if resource else ""),
        "token_type": "Bearer",
        "scopes": ["repo"],
        "expires_at": account.expires_at,
    }


def _overview(provider: str, account: Account) -> dict[str, Any]:
    return {
        "provider": provider,
        "label": "GitHub" if provider == "github" else provider.title(),
        "username": account.username,
        "home": provider == "github",
        "since": 1_700_000_000.0,
        "last_used": None,
        "scopes": ["repo"],
        "expires_at": account.expires_at,
        "renewable": True,
        "state": account.state,
        "resources": ["kafka"],
        "git_urls": account.git_urls,
    }


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.requests.append(self.path)
            status, body, headers = hub.answer(self.path, self.headers.get("Authorization", ""))
            written = hub.raw if hub.raw is not None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Cache-Control": "no-store", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def do_POST(self) -> None:
            """A server that makes a session: the code is the browser's token. And one that tells of its activity."""
            sent = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            body = json.dumps({"access_token": sent.get("code", [""])[0]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler


@contextlib.contextmanager
def running() -> Iterator[FakeHub]:
    """A hub where ann has connected GitHub."""
    made = FakeHub()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.gate.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """The test's own hub."""
    with running() as made:
        yield made


@pytest.fixture(scope="module")
def lasting_hub() -> Iterator[FakeHub]:
    """One for the tests of a module, which leave it as they found it."""
    with running() as made:
        yield made


@pytest.fixture
def in_server(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """This process is ann's server; what it remembers of another test's hub is gone."""
    from hubauth_singleuser import client

    for name, value in hub.environment.items():
        monkeypatch.setenv(name, value)
    client._client.forget()
    return hub


@pytest.fixture
def commands() -> Path:
    """Where this environment's commands are."""
    return Path(sys.executable).parent


@pytest.fixture
def soon() -> float:
    """A moment in an hour, as the hub says it."""
    return time.time() + 3600


@dataclass(frozen=True)
class Certificates:
    """Files of an authority, and of a certificate for localhost that it has signed."""

    ca: str
    cert: str
    key: str


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """What JupyterHub's `internal_ssl` makes; by the library that JupyterHub makes it with."""
    certipy = pytest.importorskip("certipy")
    folder = tmp_path_factory.mktemp("certificates")
    maker = certipy.Certipy(store_dir=str(folder))
    authority = maker.create_ca("hub-ca")
    signed = maker.create_signed_pair("server", "hub-ca", alt_names=["DNS:localhost", "IP:127.0.0.1"])
    return Certificates(ca=authority["files"]["cert"], cert=signed["files"]["cert"], key=signed["files"]["key"])
