"""What the REST API says: connections, credentials and errors as JSON. Never a refresh token, never an ID token."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import HubAuthError
from ..events import reason_code
from ..git import GitCredential, for_repo2docker
from ..mapping import Record
from ..retrieval import Connection
from ..types import Credential
from .answers import answer_to

RETRY_AFTER: Final = 5.0
"""Seconds after which to ask again where nobody knows better."""

SIGN_IN_HELPS: Final = frozenset({"needs_login", "not_connected"})
"""Slugs of errors that a person ends by signing in at the provider."""

COMES_BACK: Final = frozenset({429, 503})
"""Statuses that say when to ask again."""

_OF_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "The request is malformed."),
    403: ("forbidden", "This needs a valid API token."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This method is not answered here; the header Allow names those that are."),
}
"""Slug and sentence for what tornado or the hub refuses; their own words may repeat what was sent."""


@dataclass(frozen=True)
class Reply:
    """Status, body and headers of an answer."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


def connection(found: Connection) -> dict[str, Any]:
    """One identity of a user and how its credential is."""
    record = found.record
    return {
        "provider": record.provider,
        "label": found.label,
        "username": record.username,
        "home": record.home,
        "since": record.created_at,
        "last_used": record.last_used_at,
        "scopes": sorted(found.scopes),
        "expires_at": found.expires_at,
        "renewable": found.renewable,
        "state": found.state,
        "resources": list(found.resources),
        "git_urls": list(found.git_urls),
    }


def credential(record: Record, resource: str, found: Credential) -> dict[str, Any]:
    """A credential, as the caller uses it."""
    return {"provider": record.provider, "resource": resource, "username": record.username, **_token(found)}


def git_credential(found: GitCredential) -> dict[str, Any]:
    """A credential in git's words, in BinderHub's, and in ours. https://git-scm.com/docs/git-credential#IOFMT"""
    expires_at = found.credential.expires_at
    return {
        "protocol": found.repository.protocol,
        "host": found.repository.host,
        "path": found.repository.path,
        "username": found.username,
        "password": found.credential.access_token.reveal(),
        "password_expiry_utc": None if expires_at is None else math.floor(expires_at),
        "provider": found.provider,
        **_token(found.credential),
        "git_credentials": for_repo2docker(found),
    }


def refusal(error: HubAuthError, login_url: str = "") -> Reply:
    """The answer to an error. `login_url` is where people sign in anew; it is told where that helps."""
    answer = answer_to(error)
    status, slug = answer.api or answer.status, answer.slug or reason_code(error.code)
    body = {"status": status, "error": slug, "message": error.sentence}
    if login_url and slug in SIGN_IN_HELPS:
        body["login_url"] = login_url
    return Reply(status, body, _retry_after(status, getattr(error, "retry_after", None)))


def refusal_of_status(status: int) -> Reply:
    """The answer where tornado, or the hub, has refused a request with a status."""
    slug, sentence = _OF_STATUS.get(status, ("internal_error", "This did not work; the log of the hub says why."))
    return Reply(status, {"status": status, "error": slug, "message": sentence})


def _token(found: Credential) -> dict[str, Any]:
    return {
        "access_token": found.access_token.reveal(),
        "token_type": found.token_type,
        "scopes": sorted(found.scopes),
        "expires_at": found.expires_at,
    }


def _retry_after(status: int, seconds: float | None) -> dict[str, str]:
    if status not in COMES_BACK:
        return {}
    return {"Retry-After": str(max(1, math.ceil(RETRY_AFTER if seconds is None else seconds)))}
