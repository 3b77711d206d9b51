"""Ports for servers that start later: nobody else on this machine takes them meanwhile."""

from __future__ import annotations

import contextlib
import random
import socket
import threading

BELOW_EPHEMERAL = range(12_000, 32_000)
"""Linux gives connections and listeners that ask for any port one from 32768 up: a server that needs seconds to start
would now and then find its port taken."""

_claims: dict[int, socket.socket] = {}
_lock = threading.Lock()


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports that nobody listens on, claimed until this process ends."""
    with _lock:
        ports: list[int] = []
        while len(ports) < count:
            port = random.choice(BELOW_EPHEMERAL)
            if port not in _claims and _nobody_listens(port) and _claim(port):
                ports.append(port)
        return ports


def free_port() -> int:
    """A loopback port that nobody listens on, claimed until this process ends."""
    return free_ports(1)[0]


def _nobody_listens(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _claim(port: int) -> bool:
    """An abstract socket is a lock of the whole machine, which goes with its process."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0hubauth-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True
