"""What the hub's refusals mean: an answer's status, slug and sentence as one of our errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin

from .errors import CredentialError, NeedsLogin, NotConnected, Refused, Unavailable

LONGEST_SENTENCE: Final = 500

SLUG: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

UNSAID: Final = {
    403: ("forbidden", "This server's token may not read credentials; the administrator grants the scope."),
    404: ("not_found", "The hub has no credentials here: hubauth is not its authenticator, or the user is gone."),
}
"""What a refusal means that comes from the hub itself, without a slug of hubauth's."""

PATH: Final = re.compile(r"/(?![/\\])[!-~]*")
"""An address on the hub itself, not one that names another host."""


def refusal(status: int, answer: Mapping[str, Any], retry_after: str, connections_url: str) -> CredentialError:
    """The error that stands for an answer which is no credential.

    `connections_url` is where a person goes if the answer does not name a page of the hub's own.
    """
    slug, message = UNSAID.get(status, ("bad_response", "The hub does not answer as it should, try again."))
    if isinstance(answer.get("error"), str) and SLUG.fullmatch(answer["error"]):
        slug, message = answer["error"], _sentence(answer.get("message")) or message
    page = _page(answer.get("login_url"), connections_url)
    if slug == "needs_login":
        return NeedsLogin(message, slug=slug, status=status, login_url=page or connections_url)
    if slug == "not_connected":
        return NotConnected(message, slug=slug, status=status, login_url=page or connections_url)
    if status == 501 or (400 <= status < 500 and status != 429):
        return Refused(message, slug=slug, status=status, login_url=page)
    seconds = float(retry_after) if retry_after.isdecimal() else None
    return Unavailable(
        message, slug=slug, status=max(status, 502) if slug == "bad_response" else status, retry_after=seconds
    )


def unreadable() -> Unavailable:
    """The error for an answer that says it worked and cannot be used."""
    return Unavailable("The hub does not answer as it should, try again.", slug="bad_response", status=502)


def _page(login_url: object, connections_url: str) -> str | None:
    named = isinstance(login_url, str) and PATH.fullmatch(login_url)
    return urljoin(connections_url, str(login_url)) if named else None


def _sentence(message: object) -> str:
    """A sentence of the hub's, fit for a terminal."""
    text = message if isinstance(message, str) else ""
    return "".join(character if character.isprintable() else " " for character in text)[:LONGEST_SENTENCE].strip()
