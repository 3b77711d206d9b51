"""Which session of which hub user a browser is in, whether it signed in lately, and small notes from page to page.

The hub renews its own cookie whenever somebody looks at the sign-in page, so that says nothing about when they proved
who they are; ours is set by a sign-in alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final
from urllib.parse import urlsplit

from jupyterhub.handlers.base import SESSION_COOKIE_NAME
from jupyterhub.orm import APIToken
from jupyterhub.utils import get_browser_protocol

from ..hub import hub_key_of

RECENT: Final = "hubauth_recent"
NOTE: Final = "hubauth_note"
MADE_WITH: Final = "hubauth_made_with"
LEAVING: Final = "hubauth_leaving"
TOLD: Final = "hubauth_told"
OFFER: Final = "hubauth_offer"

NOTE_LASTS: Final = 60.0
"""Seconds for which the next page tells what was done."""

DAY: Final = 24 * 3600.0

HOST_ONLY: Final = "__Host-"
"""Browsers let no other host set a cookie of such a name (RFC 6265bis, section 4.1.3.2): for `/`, over https alone."""


def fingerprint(handler: Any, user: Any) -> str:
    """What names a hub user in one session: different for anybody else, and in any other browser (row R09)."""
    new = getattr(handler, "_session_id", None)  # set by this very answer; JupyterHub 5.2 does not look there
    told = [*hub_key_of(user), new or handler.get_session_cookie() or ""]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two fingerprints are one, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def begin(handler: Any, user: Any, provider: str, public_url: str) -> None:
    """The browser has just signed in as a hub user, through that provider."""
    _renew(handler, user)
    remember(handler, user, public_url)
    keep(handler, MADE_WITH, _made_with(user, provider), public_url, days=handler.cookie_max_age_days)


def _renew(handler: Any, user: Any) -> None:
    """A sign-in makes a session of its own (row 7.2.4). Open servers of the same person go over into it, so that their
    tabs go on; of somebody else, who was signed in here before, nothing stays.
    """
    before = handler.get_cookie(SESSION_COOKIE_NAME)
    if not before or hasattr(handler, "_session_id"):
        return  # it was made by this very answer
    earlier = handler.get_current_user_cookie()
    handler.set_session_cookie()
    for token in handler.db.query(APIToken).filter_by(session_id=before):
        if token.user_id == user.id:
            token.session_id = handler.get_session_cookie()
        elif earlier is not None and token.user_id == earlier.id:  # a session's id is not secret, nor proved
            handler.db.delete(token)
    handler.db.commit()
    handler.set_hub_cookie(user)
    handler.set_login_cookie(user)


def made_with(handler: Any, user: Any) -> str:
    """The provider whose sign-in made the session of this browser, "" where that is not known."""
    kept = recall(handler, MADE_WITH, DAY * handler.cookie_max_age_days)
    provider = kept.partition(" ")[0]
    return provider if provider and same(kept, _made_with(user, provider)) else ""


def _made_with(user: Any, provider: str) -> str:
    return " ".join([provider, *map(str, hub_key_of(user))])


def remember(handler: Any, user: Any, public_url: str) -> None:
    """The browser has just signed in."""
    keep(handler, RECENT, fingerprint(handler, user), public_url)


def signed_in_within(handler: Any, user: Any, seconds: float) -> bool:
    """Whether this browser signed in as this hub user, in this session, within so many seconds."""
    return same(recall(handler, RECENT, seconds), fingerprint(handler, user))


def named(handler: Any, name: str) -> str:
    """The name of a cookie of ours: host-only where the administrator has made the hub's own so."""
    return f"{HOST_ONLY}{name}" if handler.settings.get("cookie_host_prefix_enabled") else name


def placed(handler: Any, path: str, *, secure: bool) -> dict[str, Any]:
    """Where a cookie of ours is sent: below `path`, and not to scripts."""
    host_only = bool(named(handler, ""))
    where = {"path": "/" if host_only else path, "secure": secure or host_only}
    return {**where, "httponly": True, "samesite": "Lax"}


def keep(handler: Any, name: str, value: str, public_url: str, days: float | None = None) -> None:
    """Keep a text in a signed cookie, for so many days or until the browser is closed."""
    protocol = urlsplit(public_url).scheme or get_browser_protocol(handler.request)
    place = placed(handler, handler.hub.base_url, secure=protocol == "https")
    handler.set_signed_cookie(named(handler, name), value, expires_days=days, **place)


def recall(handler: Any, name: str, seconds: float) -> str:
    """The text that was kept under a name, "" if it is older than so many seconds, or not ours."""
    value = handler.get_signed_cookie(named(handler, name), max_age_days=seconds / DAY)
    return value.decode() if value else ""


def recall_note(handler: Any) -> str:
    """What the act before has done, in words, once; "" where there is nothing to tell."""
    told = recall(handler, TOLD, NOTE_LASTS)
    if told:
        drop(handler, TOLD)
    return told


def drop(handler: Any, name: str) -> None:
    """Keep it no longer."""
    handler.clear_cookie(named(handler, name), path=handler.hub.base_url)
