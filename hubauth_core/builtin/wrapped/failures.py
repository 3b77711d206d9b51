"""What a wrapped authenticator raises, as one of our errors."""

from __future__ import annotations

from typing import Any, Final

from tornado import web
from tornado.httpclient import HTTPClientError

from ...errors import HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from ...types import ReauthRequired, RefreshedIdentity, Refused, Unavailable

LONGEST_SENTENCE: Final = 300

_OUTAGES: Final = frozenset({"LDAPCommunicationError", "TransportError"})
"""Errors of ldap3 and httpx that mean "not reachable"; neither is an OSError, and neither need be installed."""


def status_of(error: BaseException) -> int | None:
    """The HTTP status an error stands for, None for errors that know no status."""
    if isinstance(error, web.HTTPError):
        return int(error.status_code)
    return int(error.code) if isinstance(error, HTTPClientError) else None


def is_outage(error: BaseException) -> bool:
    """Whether the source did not answer, so that the same may work later."""
    status = status_of(error)
    if status is not None:
        return status >= 500 or status == 429
    return isinstance(error, OSError) or any(cls.__name__ in _OUTAGES for cls in type(error).__mro__)


def as_ours(error: Exception, label: str) -> HubAuthError:
    """The error that says who must act. Its sentence is the wrapped one's only where that speaks to the user (4xx)."""
    if isinstance(error, HubAuthError):
        return error
    if is_outage(error):
        return ProviderUnavailable(f"{label} does not answer, try again.")
    if isinstance(error, web.HTTPError):
        return LoginRefused(_sentence(error) or f"{label} does not let you in.", code="not_allowed")
    return ProviderError(f"{label} has a fault; the administrators see it.", code="plugin_failed")


def refresh_after(error: Exception) -> RefreshedIdentity:
    """What an exception of `refresh_user` means. One that says nothing about the person ends no session."""
    if is_outage(error):
        return Unavailable()
    outcomes: dict[int | None, RefreshedIdentity] = {401: ReauthRequired("expired"), 403: Refused("not_allowed")}
    return outcomes.get(status_of(error), Unavailable())


def _sentence(error: web.HTTPError) -> str:
    message: Any = error.log_message or ""
    try:
        text = message % error.args if error.args else message
    except (TypeError, ValueError):
        text = message
    return str(text)[:LONGEST_SENTENCE]
