"""A TCP door before a program: while it is shut nobody gets in, and nothing that was sent arrives later."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Door:
    """`url` leads to the program behind as long as `is_open`. `passed` counts connections."""

    def __init__(self, port: int) -> None:
        self.is_open = True
        self.passed = 0
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take the door away."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                outside, _ = self._listener.accept()
                if not self.is_open:
                    outside.close()
                    continue
                self.passed += 1
                inside = socket.create_connection(("127.0.0.1", self._behind))
                for source, sink in ((outside, inside), (inside, outside)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.is_open:
                    break
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def door(port: int) -> Iterator[Door]:
    """A door before a port of this machine, open at first."""
    made = Door(port)
    try:
        yield made
    finally:
        made.close()
