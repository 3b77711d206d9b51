"""What `hubauth check` says of a native provider that starts, but probably not as its administrator thinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .provider import NativeProvider

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def advice(provider: NativeProvider) -> Iterator[str]:
    """A sentence for each; the provider was started."""
    core = provider.house.core
    public = urlsplit(core.public_url)
    if public.scheme == "http" and public.hostname not in LOOPBACK:
        yield f"Passwords go through the network in clear: {core.public_url} is http. Serve the hub over https."
    if provider.mode == "open" and provider.captcha is None:
        yield (
            "Anybody who reaches the hub gets an account and a server, programs too (signup = 'open', no captcha): "
            "signup = 'approval' lets an administrator decide"
        )
    if provider.mode != "closed" and core.system_users and not provider.system_users:
        yield (
            "Servers run as the system users of the same names, and strangers choose names here: set "
            "system_users = True, so that nobody signs up under the name of somebody of the system"
        )
    if provider.mode == "approval" and not provider.notify_admins:
        yield (
            "Nobody is told when somebody waits for approval: set notify_admins, or look at the page of accounts now "
            "and then"
        )
    if not core.has_keys:
        yield "There are no crypt keys: nobody can add an authenticator app. Set JUPYTERHUB_CRYPT_KEY"
