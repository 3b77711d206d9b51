"""Which addresses a provider may be reached at: https, and plain http only to hosts that allow it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

LOOPBACK_NAME = "localhost"


def problem_with(url: str, insecure_hosts: Collection[str] = ()) -> str | None:
    """Why an address is not acceptable, None if it is (row X24).

    Plain http goes to loopback hosts, and to `insecure_hosts`, which the administrator names.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it is not an address"
    if url != url.strip() or any(ord(character) < 33 or character == "\\" for character in url):
        return "it holds a character that no address has"
    if not host or port == 0:
        return "it names no host"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name"
    if parts.fragment:
        return "it holds a fragment"
    if parts.scheme == "https" or (parts.scheme == "http" and (is_loopback(host) or host in insecure_hosts)):
        return None
    return "it does not begin with https://"


def base_of(url: str) -> str:
    """An address below which others are, in one spelling: host in lower case, no usual port, no slash at the end.

    Raises ValueError that says why it is none. Plain http leads to this machine only.
    """
    if problem := problem_with(url):
        raise ValueError(problem)
    parts, steps = urlsplit(url), urlsplit(url).path.strip("/").split("/")
    if "?" in url or "#" in url or "%" in url:
        raise ValueError("it holds more than a host and a path")
    if steps != [""] and not {"", ".", ".."}.isdisjoint(steps):
        raise ValueError("its path leads astray")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _default_port(parts)) else f":{parts.port}"
    return "/".join([f"{parts.scheme}://{host}{port}", *filter(None, steps)])


def strays_from(url: str, issuer: str, allowed_hosts: Collection[str] = ()) -> bool:
    """Whether an address that `issuer` named leads into a network that the issuer itself is not in (row X24)."""
    host = _host(url)
    return host != _host(issuer) and host not in allowed_hosts and _is_internal(host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == LOOPBACK_NAME or host.endswith("." + LOOPBACK_NAME):
        return True
    return (address := _address(host)) is not None and address.is_loopback


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _default_port(parts)


def _default_port(parts: SplitResult) -> int | None:
    return {"https": 443, "http": 80}.get(parts.scheme)


def _host(url: str) -> str:
    """A dot at the end of a name, which changes nothing, is left out."""
    return (urlsplit(url).hostname or "").removesuffix(".")


def _is_internal(host: str) -> bool:
    address = _address(host)
    return is_loopback(host) or (address is not None and not address.is_global)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # as resolvers read "127.1" and "2130706433"
    except (OSError, UnicodeEncodeError):
        return None
