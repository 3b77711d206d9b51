"""How an error is answered: the one table, for pages (status and title) and for the REST API (status and slug).

And what the page of a refusal shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jupyterhub.utils import url_path_join
from tornado.httputil import url_concat

from ..errors import (
    CallRefused,
    ConfigError,
    CredentialError,
    HubAuthError,
    LinkRefused,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    StoreError,
)
from .view import sign_in_url


@dataclass(frozen=True)
class Answer:
    """The status of a page and its title, in plain words.

    `api` is the status of the REST API where it is another, `slug` its word for the error where that is not the code.
    """

    status: int
    title: str
    api: int = 0
    slug: str = ""


_DID_NOT_WORK = "Sign-in did not work"
_NOT_LET_IN = Answer(403, "You may not sign in here")
_START_AGAIN = Answer(400, "This sign-in has to start again")
_NO_NAME_FOR_YOU = Answer(403, "You cannot have this username here")
_NOT_SET_UP = Answer(500, "Sign-in is not set up correctly")
_NOT_ALLOWED = Answer(403, "Nothing was changed")
_NOTHING_THERE = Answer(404, "There is nothing like that")
_EXCHANGE_REFUSED = Answer(400, "The source refused what was asked of it")

BY_CODE: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        "account_inactive": _NOT_LET_IN,
        "admins_only": _NOT_ALLOWED,
        "bad_request": _START_AGAIN,
        "blocked": _NOT_LET_IN,
        "busy": Answer(503, "This hub is busy", slug="provider_unavailable"),
        "callback_repeated": _START_AGAIN,
        "cancelled": Answer(403, "Sign-in was cancelled"),
        "captcha_refused": _NOT_ALLOWED,
        "code_missing": _START_AGAIN,
        "code_refused": _START_AGAIN,
        "consent_needed": _NOT_ALLOWED,
        "email_invalid": Answer(400, "This address cannot be used"),
        "email_same": Answer(409, "Nothing was changed"),
        "email_taken": Answer(409, "This address is taken"),
        "first_login_link": Answer(403, "Nobody here has connected this account"),
        "first_login_refused": _NOT_LET_IN,
        "home_refused": _NOT_LET_IN,
        "home_removed": _NOT_LET_IN,
        "invalid_request": _EXCHANGE_REFUSED,
        "invalid_target": _EXCHANGE_REFUSED,
        "issuer_mismatch": _START_AGAIN,
        "issuer_missing": _START_AGAIN,
        "link_over": Answer(410, "This link does not work any more"),
        "logout_state": Answer(400, "This sign-out was not begun here"),
        "name_ambiguous": _NO_NAME_FOR_YOU,
        "name_invalid": Answer(_NO_NAME_FOR_YOU.status, _NO_NAME_FOR_YOU.title, api=400),
        "name_reserved_prefix": _NO_NAME_FOR_YOU,
        "name_taken": Answer(_NO_NAME_FOR_YOU.status, _NO_NAME_FOR_YOU.title, api=409),
        "not_allowed": _NOT_LET_IN,
        "not_connected": _NOTHING_THERE,
        "not_found": _NOTHING_THERE,
        "nothing_typed": Answer(400, "Something is missing"),
        "own_consent": _NOT_ALLOWED,
        "password_refused": Answer(400, "This password cannot be used"),
        "plugin_failed": Answer(500, _DID_NOT_WORK, api=502),
        "provider_mismatch": _START_AGAIN,
        "provider_refused_client": Answer(_NOT_SET_UP.status, _NOT_SET_UP.title, api=502),
        "rate_limited": Answer(429, "Too many requests"),
        "session_changed": _NOT_ALLOWED,
        "sign_in_again": _NOT_ALLOWED,
        "signup_closed": Answer(403, "You cannot sign up here"),
        "state_expired": _START_AGAIN,
        "state_missing": _START_AGAIN,
        "state_unknown": _START_AGAIN,
        "state_used": _START_AGAIN,
        "storage_disabled": Answer(501, "This hub keeps no credentials"),
        "too_large": _START_AGAIN,
        "too_many_attempts": Answer(429, "Too many attempts"),
        "unknown_host": _NOTHING_THERE,
        "unknown_provider": _NOTHING_THERE,
        "unknown_resource": _NOTHING_THERE,
        "wrong_password": _NOT_ALLOWED,
    }
)
"""Reason codes whose answer differs from that of their branch."""

BY_BRANCH: Final[tuple[tuple[type[HubAuthError], Answer], ...]] = (
    (LoginRefused, Answer(403, _DID_NOT_WORK)),
    (LinkRefused, Answer(409, "Nothing was changed")),
    (CallRefused, Answer(403, "You may not do this")),
    (ProviderUnavailable, Answer(503, "The sign-in source does not answer", slug="provider_unavailable")),
    # A proof that does not hold is refused like any other (4xx); of a 502 a proxy in front may show a page of its own.
    (ProviderError, Answer(403, "The sign-in source gave an answer that cannot be used", api=502)),
    (StoreError, Answer(503, "Sign-in is not possible right now", slug="store_failed")),
    (CredentialError, Answer(409, "A stored credential cannot be used")),
    (ConfigError, _NOT_SET_UP),
    (HubAuthError, Answer(500, _DID_NOT_WORK)),
)
"""The branches of the tree of errors, the narrower ones first."""


def answer_to(error: HubAuthError) -> Answer:
    """The status and title for an error: by its reason code, else by its branch."""
    if answer := BY_CODE.get(error.code):
        return answer
    return next(answer for branch, answer in BY_BRANCH if isinstance(error, branch))


def shown_of(
    error: HubAuthError, base_url: str, *, name: str = "", label: str = "", wanted: str = ""
) -> dict[str, str]:
    """What `hubauth-refused.html` shows of an error, and the ways on: provider `name` again, or the sign-in page."""
    login_url: str = url_concat(url_path_join(base_url, "login"), {"next": wanted} if wanted else {})
    return {
        "title": answer_to(error).title,
        "sentence": error.sentence,
        "code": error.code,
        "label": label,
        "retry_url": sign_in_url(base_url, name, wanted) if name else login_url,
        "login_url": login_url,
    }
