"""Scheme, host and port of an address, and which of them a token may travel to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

DEFAULT_PORTS: Final = {"https": 443, "http": 80}

HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""Names and addresses; what is not ASCII goes over the wire as punycode."""


@dataclass(frozen=True)
class Origin:
    """Compares as browsers compare: the host without case, the port spelt out."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Of an http or https address. Raises ValueError for any other, and for one with a user part."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in DEFAULT_PORTS or "@" in parts.netloc or not HOST.fullmatch(host):
            raise ValueError("no address of a web server")
        return cls(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port)

    @classmethod
    def for_tokens(cls, url: str) -> Self:
        """The same, if a token may travel there: over https, or on this machine. Raises ValueError."""
        origin = cls.parse(url)
        if origin.scheme == "https" or origin.is_loopback:
            return origin
        raise ValueError(f"{origin} is reached without encryption: an address for tokens begins with https://")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}")
