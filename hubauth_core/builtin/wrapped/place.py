"""Where a wrapped authenticator's own pages lie: below `/hub/auth/<name>/`, and it believes so itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from jupyterhub.utils import get_browser_protocol, url_path_join

RESERVED: Final = frozenset({"login", "callback"})
"""Pages below a provider's path that are the core's."""

_TAKE_BASE_URL: Final = ("login_url", "callback_url", "config_json_url")
"""Methods of authenticators that make an address out of the hub's base URL (the last two are ltiauthenticator's)."""


class Place:
    """The path of one provider, and the addresses below it; `own_login` if it brings a sign-in page at `/login`."""

    def __init__(self, name: str, *, own_login: bool = False) -> None:
        self.name = name
        self._own_login = own_login

    def below(self, base_url: str) -> str:
        """The provider's path below the hub's base URL, which may have a scheme and a host."""
        return str(url_path_join(base_url, "auth", self.name)) + "/"

    def pattern(self, pattern: str) -> str:
        """Where a handler that wants to be at `pattern` below the hub lies below the provider's path."""
        bare = pattern.removeprefix("^").lstrip("/")
        return f"own/{bare}" if bare.rstrip("/$?") in RESERVED else bare

    def settle(self, inner: Any) -> None:
        """Make the wrapped authenticator's own addresses those below the provider's path."""
        for method in _TAKE_BASE_URL:
            if original := getattr(inner, method, None):
                setattr(inner, method, self._moved(original))
        if hasattr(inner, "get_callback_url") and hasattr(inner, "oauth_callback_url"):
            inner.get_callback_url = self._callback_url_of(inner)

    def _moved(self, original: Callable[[str], str]) -> Callable[[str], str]:
        def moved(base_url: str) -> str:
            if not base_url:  # ltiauthenticator makes its handlers' patterns so
                return original(base_url)
            below = self.below(base_url)
            address = original(below)
            if not address.startswith(below):
                return address
            path = address.removeprefix(below)
            return below + (self.pattern(path) if self._own_login else path)

        return moved

    def _callback_url_of(self, inner: Any) -> Callable[..., str]:
        original = inner.get_callback_url

        def get_callback_url(handler: Any = None) -> str:
            if handler is None or inner.oauth_callback_url:
                return str(original(handler))
            return origin_of(handler) + self.below(handler.hub.base_url) + "oauth_callback"

        return get_callback_url


def origin_of(handler: Any) -> str:
    """Scheme and host of the hub: the configured public URL, else what the browser asked for."""
    public = handler.settings.get("public_url")
    if public:
        parts = urlsplit(public) if isinstance(public, str) else public
        return f"{parts.scheme}://{parts.netloc}"
    return f"{get_browser_protocol(handler.request)}://{handler.request.host}"
