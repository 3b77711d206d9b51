"""A token endpoint on loop-back that rotates and counts, for tests with real processes. It knows one grant."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


class TokenEndpoint:
    """`requests` holds every refresh token that came; the second use of one ends the grant.

    With `kills` whoever asks is killed once the token is rotated, before an answer.
    """

    def __init__(self) -> None:
        self.url = ""
        self.good = "refresh-0"
        self.requests: list[str] = []
        self.kills = False
        self._lock = threading.Lock()

    def answer(self, form: dict[str, list[str]]) -> dict[str, Any]:
        token = form["refresh_token"][0]
        with self._lock:
            self.requests.append(token)
            if token != self.good:
                self.good = ""
                return {"error": "invalid_grant"}
            number = len(self.requests)
            self.good = f"refresh-{number}"
        if self.kills:
            os.kill(int(form["pid"][0]), signal.SIGKILL)
        return {"access_token": f"access-{number}", "refresh_token": self.good, "expires_in": 300}


@contextmanager
def token_endpoint() -> Iterator[TokenEndpoint]:
    """A running one."""
    endpoint = TokenEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.dumps(endpoint.answer(parse_qs(self.rfile.read(length).decode()))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
