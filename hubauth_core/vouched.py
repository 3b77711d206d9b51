"""A sign-in as a plugin gave it: taken only if it can be one (rows X13, V14, F16)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Final

from .binding import check_subject
from .errors import ProviderError
from .types import Credential, Decision, Identity, SignIn

LONGEST_SUBJECT: Final = 255
"""Characters of a subject (row X13)."""

LONGEST_NAME: Final = 255
"""Characters of a provider's username (row V14)."""


def checked(sign_in: SignIn, provider: str) -> SignIn:
    """A sign-in as a plugin gave it, under the provider's name, if it can be one (rows X13, V14, F16).

    Raises ProviderError.
    """
    identity = sign_in.identity
    if not (isinstance(identity, Identity) and _is_text(identity.subject, LONGEST_SUBJECT)):
        raise ProviderError("The answer about who you are could not be used.", code="subject_invalid")
    check_subject(identity.subject)
    if not _is_text(identity.username, LONGEST_NAME):
        raise ProviderError("The answer about your username could not be used.", code="username_invalid")
    if not (isinstance(identity.email, str | None) and isinstance(identity.email_verified, bool)):
        raise ProviderError("The answer about your e-mail could not be used.", code="email_invalid")
    if not (
        _are_groups(identity.groups)
        and _are_groups(identity.roles)
        and isinstance(identity.claims, Mapping)
        and _is_whole(sign_in)
    ):
        raise ProviderError("The answer about you could not be used.", code="answer_invalid")
    return replace(sign_in, identity=replace(identity, provider=provider))


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


def _is_whole(sign_in: SignIn) -> bool:
    decision, credentials = sign_in.decision, sign_in.credentials
    decided = decision is None or (isinstance(decision, Decision) and _is_decided(decision))
    kept = isinstance(credentials, tuple) and all(isinstance(each, Credential) for each in credentials)
    return decided and kept and isinstance(sign_in.state, Mapping | None)


def _is_decided(decision: Decision) -> bool:
    rights = isinstance(decision.allowed, bool) and isinstance(decision.admin, bool | None)
    return rights and _are_groups(decision.groups) and _are_groups(decision.roles)


def _are_groups(groups: object) -> bool:
    return groups is None or (isinstance(groups, Set) and all(isinstance(group, str) for group in groups))
