"""What passes between the event loop and a thread that runs a backend: plain values, never a handler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hubauth_core import Form, Redirect


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of a browser, within one transaction of hubauth.

    `url` is the address that was asked for, without its query, as people see it. `redirect_uri` is where the source
    sends the browser back to. `state` is the transaction's. `person` tells who connects an identity ("" for a sign-in):
    backends that can only be connected bind what they begin to it. `address` is the browser's. `anew` wants the source
    to ask the person again.
    """

    url: str
    redirect_uri: str
    state: str = field(repr=False)
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    person: str = ""
    address: str = ""
    anew: bool = False


@dataclass(frozen=True, kw_only=True)
class Html:
    """A page that the backend brings whole, with headers that it needs. `memo` goes into the transaction."""

    content: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    memo: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Done:
    """Who has signed in, as the backend tells it after every check of its own.

    `subject` identifies the person for ever, also after `uid` has moved to another key of the source's answer.
    `details` is python-social-auth's: `username`, `email`, `fullname`, `first_name`, `last_name`. `groups` is None
    where the source says nothing of them. `tokens` is what the backend wants kept (`extra_data`): it holds credentials.
    `response` is the source's answer; it holds them, too.
    """

    subject: str
    uid: str
    id_key: str
    details: Mapping[str, Any] = field(repr=False)
    groups: frozenset[str] | None
    tokens: Mapping[str, Any] = field(repr=False)
    response: Mapping[str, Any] = field(repr=False)


Answer = Redirect | Form | Html
"""What the browser gets next; each carries the `memo` that the next visit of the same transaction needs."""
