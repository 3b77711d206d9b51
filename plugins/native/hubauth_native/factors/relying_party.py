"""For which host passkeys are: the configured public address, and only on this machine itself the one that was asked.

https://www.w3.org/TR/webauthn-3/#relying-party-identifier
"""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jupyterhub.utils import get_browser_protocol

from hubauth_core.plugin import is_loopback


class RelyingParty(NamedTuple):
    """What a passkey is bound to, and where its answers come from."""

    id: str
    origin: str


def relying_party(public_url: str, handler: Any = None) -> RelyingParty | None:
    """The hub as browsers know it; None where passkeys are not possible: an IP address has none, nor has a Host header
    that anybody may write."""
    if public_url:
        return _of(public_url)
    if handler is None:
        return None
    asked = _of(f"{get_browser_protocol(handler.request)}://{handler.request.host}")
    return asked if asked is not None and is_loopback(asked.id) else None


def _of(url: str) -> RelyingParty | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host or _is_address(host):
        return None
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return RelyingParty(host, f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
