"""What `hubauth check` says of the way out: the addresses that a source has to know for it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from jupyterhub.utils import url_path_join

from ..oauth2 import OIDCProvider
from ..urls import is_loopback
from .inspected import Finding, Inspected


def way_out(hub: Inspected) -> Iterator[Finding]:
    """What to register with each source for signing out at both ends."""
    listens = hub.hub.bind_url if is_loopback(urlsplit(hub.hub.bind_url).hostname or "") else ""
    base = hub.hub.public_url or listens or "https://<your hub>" + hub.hub.base_url
    for name, provider in hub.providers:
        if not isinstance(provider, OIDCProvider):
            continue
        below = url_path_join(base, "hub/auth", name)
        if provider.end_session:
            text = f"Where {provider.label} sends people back to from a sign-out, to be registered: {below}/logged-out"
            yield Finding("ok", name, text)
        if provider.backchannel_logout != "off":
            text = f"Where {provider.label} can tell of sign-outs (back-channel logout): {below}/backchannel-logout"
            yield Finding("ok", name, text)
