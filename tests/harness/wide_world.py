"""The internet beyond this machine, as tests tell it: a proxy that answers for every https host by itself.

A program that is given `environment` sends its requests through it with `requests`, and takes its certificates.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme


@dataclass(frozen=True)
class Said:
    """One answer."""

    body: str | bytes
    status: int = 200
    content_type: str = "application/json"


@dataclass(frozen=True)
class Asked:
    """One request: the method, the address without its query, and all its parameters, of query and form together."""

    method: str
    url: str
    fields: dict[str, str] = field(repr=False)


Says = Said | Callable[[Asked], Said]


class World:
    """`says` holds the answers: (method, address without query) -> `Said`, or what makes it of the request.

    What nobody says is a 404.
    """

    def __init__(self, folder: Path) -> None:
        self.says: dict[tuple[str, str], Says] = {}
        self.asked: list[Asked] = []
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.certificates = folder / "wide_world.pem"
        self._authority.cert_pem.write_to_path(str(self.certificates))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Proxy", (_Proxy,), {"world": self}))
        self._server.daemon_threads = True

    @property
    def environment(self) -> dict[str, str]:
        """What leads a program here."""
        address = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {
            "HTTPS_PROXY": address,
            "NO_PROXY": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": str(self.certificates),
        }

    def say(self, method: str, url: str, body: str | bytes, **more: Any) -> None:
        """Answer a request from now on."""
        self.says[method, url] = Said(body, **more)

    def context(self, host: str) -> ssl.SSLContext:
        """How the server of that host would greet."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]

    @contextlib.contextmanager
    def turning(self) -> Iterator[World]:
        """While it answers."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Silent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World

    def log_message(self, *_: object) -> None:
        """Silent."""


class _Proxy(_Silent):
    def do_CONNECT(self) -> None:
        host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        with contextlib.suppress(OSError):
            tunnel = self.world.context(host).wrap_socket(self.connection, server_side=True)
            type("Host", (_Host,), {"world": self.world, "host": host})(tunnel, self.client_address, self.server)
        self.close_connection = True


class _Host(_Silent):
    host = ""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length).decode("utf-8", "replace")
        address = urlsplit(self.path)
        url = f"https://{self.host}{address.path}"
        found = parse_qs(address.query, keep_blank_values=True) | parse_qs(sent, keep_blank_values=True)
        fields = {name: values[0] for name, values in found.items()}
        self.world.asked.append(Asked(self.command, url, fields))
        says = self.world.says.get((self.command, url), Said("nobody says this", status=404))
        said = says(self.world.asked[-1]) if callable(says) else says
        body = said.body.encode() if isinstance(said.body, str) else said.body
        self.send_response(said.status)
        self.send_header("Content-Type", said.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()
