"""The one table that says with which status and title a page answers an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ..errors import (
    ConfigError,
    CredentialError,
    HubAuthError,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    StoreError,
)


@dataclass(frozen=True)
class Answer:
    """The status of a page and its title, in plain words."""

    status: int
    title: str


_DID_NOT_WORK = "Sign-in did not work"
_START_AGAIN = Answer(400, "This sign-in has to start again")

BY_CODE: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        "bad_credentials": Answer(403, _DID_NOT_WORK),
        "cancelled": Answer(403, "Sign-in was cancelled"),
        "not_allowed": Answer(403, "You may not sign in here"),
        "blocked": Answer(403, "You may not sign in here"),
        "name_taken": Answer(403, "Your username is taken here"),
        "cross_site": Answer(403, _DID_NOT_WORK),
        "too_many_attempts": Answer(429, "Too many attempts"),
        "bad_request": _START_AGAIN,
        "no_transaction": _START_AGAIN,
        "state_missing": _START_AGAIN,
        "state_unknown": _START_AGAIN,
        "state_mismatch": _START_AGAIN,
        "state_expired": _START_AGAIN,
        "state_used": _START_AGAIN,
    }
)
"""Reason codes whose answer differs from that of their branch."""

BY_BRANCH: Final[tuple[tuple[type[HubAuthError], Answer], ...]] = (
    (LoginRefused, Answer(403, _DID_NOT_WORK)),
    (ProviderUnavailable, Answer(503, "The sign-in source does not answer")),
    (ProviderError, Answer(502, "The sign-in source gave an answer that cannot be used")),
    (StoreError, Answer(503, "Sign-in is not possible right now")),
    (CredentialError, Answer(409, "A stored credential cannot be used")),
    (ConfigError, Answer(500, "Sign-in is not set up correctly")),
    (HubAuthError, Answer(500, _DID_NOT_WORK)),
)
"""The branches of the tree of errors, the narrower ones first."""


def answer_to(error: HubAuthError) -> Answer:
    """The status and title for an error: by its reason code, else by its branch."""
    if answer := BY_CODE.get(error.code):
        return answer
    return next(answer for branch, answer in BY_BRANCH if isinstance(error, branch))
