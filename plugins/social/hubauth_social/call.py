"""One call of a backend: until when it may take, and what ends it. The thread that makes it cannot be stopped, but the
connections that it waits for can be cut, whatever the other side does (rows F05, S01)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

CURRENT: Final[ContextVar[Call | None]] = ContextVar("hubauth_social_call", default=None)
"""The call that this thread works on."""

NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""What stands for addresses of IPv4 where a network has none. RFC 6052, section 2.1."""


class TookTooLong(TimeoutError):
    """The call's time is over."""


class NotPublic(OSError):
    """An address that somebody has typed leads into the hub's own network (row F13)."""


class Call:
    """A call that may take `seconds`. With `public_only` it reaches addresses of the public internet alone."""

    def __init__(self, seconds: float, *, public_only: bool = False) -> None:
        self._end = time.monotonic() + seconds
        self._public_only = public_only
        self._lock = threading.Lock()
        self._cut = False
        self._handles: list[socket.socket] = []

    def left(self) -> float:
        """Seconds that are left. Raises TookTooLong."""
        seconds = self._end - time.monotonic()
        if self._cut or seconds <= 0:
            raise TookTooLong("the call's time is over")
        return seconds

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection, too, when the time is over. Raises NotPublic, TookTooLong."""
        if self._public_only and not _is_public(connection):
            raise NotPublic("not an address of the public internet")
        handle = socket.socket(fileno=os.dup(connection.fileno()))  # outlives what TLS makes of the connection
        with self._lock:
            self._handles.append(handle)
            if self._cut:
                _shut(handle)
        self.left()

    def cut(self) -> None:
        """The time is over: what waits for a connection goes on at once, with an error."""
        with self._lock:
            self._cut = True
            for handle in self._handles:
                _shut(handle)

    def unwatch(self) -> None:
        """What was watched is answered in full; its connection may go to another call."""
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """While the thread works on it."""
        token = CURRENT.set(self)
        try:
            yield
        finally:
            CURRENT.reset(token)
            self.unwatch()


def _shut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


def _is_public(connection: socket.socket) -> bool:
    """Whether the other end of a connection is: looked at once it stands, so that no name can change its mind."""
    inner = _inner(ipaddress.ip_address(connection.getpeername()[0].partition("%")[0]))
    return inner.is_global and not inner.is_multicast


def _inner(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of IPv4 that one of IPv6 stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
