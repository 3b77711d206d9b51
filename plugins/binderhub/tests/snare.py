"""A host that would like to have a token: it asks for a password whoever comes, and keeps what it gets."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Snare(ThreadingHTTPServer):
    """Nothing is here. `sends_to` is where people are sent, those only who have shown a password if it `asks_first`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        """Paths that were asked for."""
        self.caught: list[str] = []
        """What came as user name and password."""
        self.sends_to = ""
        self.asks_first = True

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Snare

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        self.server.asked.append(self.path)
        if authorization:
            self.server.caught.append(base64.b64decode(authorization.partition(" ")[2]).decode())
        if self.server.sends_to and (authorization or not self.server.asks_first):
            self.send_response(302)
            self.send_header("Location", f"{self.server.sends_to}{self.path}")
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="your token, please"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def snare() -> Iterator[Snare]:
    """A running one."""
    with Snare() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
