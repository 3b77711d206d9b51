"""Where a request comes from, for limits and for the audit trail.

The hub's web server takes `X-Real-Ip` for that from whoever sends it, so that a browser which reaches the hub's own
proxy directly could be from anywhere it likes (row S04). A proxy in front of that one sets the header itself.
"""

from __future__ import annotations

import ipaddress
from typing import Any


def believed(request: Any) -> str:
    """The address of a request (tornado's `HTTPServerRequest`).

    The hub's own proxy puts the address that reached it last into `X-Forwarded-For`. If that is a public one, and not
    of a proxy that the administrator trusts (`trusted_downstream_ips`), it is the browser itself.
    """
    said: str = request.remote_ip or ""
    if "X-Real-Ip" not in request.headers:
        return said
    nearest = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    trusted = getattr(getattr(request.connection, "context", None), "trusted_downstream", ())
    try:
        public = ipaddress.ip_address(nearest).is_global
    except ValueError:
        return said
    return nearest if public and nearest not in trusted else said
