"""A single-user server in one file: answers on the address that the hub gave it, and tells its environment as JSON.

It checks nobody's rights, so it is for tests only; it is up in a fraction of a second, a notebook server in several.
"""

import json
import os
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Stub(BaseHTTPRequestHandler):
    """Every path answers with the user's name and the server's environment."""

    def do_GET(self) -> None:
        body = json.dumps({"user": os.environ.get("JUPYTERHUB_USER"), "environment": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", os.environ.get("STUB_VERSION", "5.0.0"))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: the hub's log is what the tests read."""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    ThreadingHTTPServer((address.hostname or "127.0.0.1", address.port or 0), Stub).serve_forever()
