"""How people leave a wrapped authenticator: its own logout handler and the address it sends them to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from jupyterhub.handlers.login import LogoutHandler
from jupyterhub.utils import url_path_join

from .place import Place

_KNOWN: Final = ("jupyterhub.handlers.login", "oauthenticator.")
"""Modules whose logout pages do nothing for the browser but what `logout_address` answers anyway."""


def logout_handler(routes: Iterable[tuple[str, type[Any], Any]]) -> type[Any] | None:
    """The logout handler among the handlers of a wrapped authenticator, None if it brings none."""
    for pattern, handler, _ in routes:
        if pattern.strip("^/$?") == "logout" and issubclass(handler, LogoutHandler):
            return handler
    return None


def logout_address(inner: Any, handler: type[Any] | None, place: Place, base_url: str) -> str | None:
    """The configured address, else the class's own, else its logout page where that does more than the hub's."""
    if configured := getattr(inner, "logout_redirect_url", ""):
        return str(configured)
    address = str(inner.logout_url(base_url))
    if address != url_path_join(base_url, "logout"):
        return address
    if handler is None or not _does_more(handler):
        return None
    return place.below(base_url) + "logout"


def as_their_logout(handler: Any, logout: type[Any], user: Any) -> Any:
    """The request at hand as an object of their logout class: same state and answer, with the source's user in it."""
    cls = type(logout.__name__, (logout,), {"current_user": property(lambda self: user)})
    theirs: Any = object.__new__(cls)
    theirs.__dict__ = handler.__dict__
    return theirs


def _does_more(logout: type[Any]) -> bool:
    """Whether a method that answers the browser comes from elsewhere; one in a hub's configuration has no module."""
    modules = [getattr(logout, method).__module__ or "" for method in ("get", "render_logout_page")]
    return any(not module.startswith(_KNOWN) for module in modules)
