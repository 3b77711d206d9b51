"""From what a backend tells of a person to an identity: the subject is the backend's, never a name or an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hubauth_core import Identity, LoginRefused, ProviderError
from hubauth_core.oauth2 import claim, text

from .visit import Done

VERIFIED: Final = {"discord": "verified"}
"""The member that says whether an address is proved, by a backend's name, where it is not `email_verified`."""

PICTURES: Final = ("picture", "avatar_url", "avatar")
"""Members that may hold the address of a picture."""

TOKENS: Final = frozenset({"access_token", "refresh_token", "id_token", "token", "code", "oauth_token"})
"""Members that are credentials: they go to the vault, and nowhere else."""

DEEPEST: Final = 32
"""Levels of what is kept of an answer; what nests deeper says nothing about a person."""


@dataclass(frozen=True)
class Reading:
    """How a provider reads what its source says: dotted paths into the answer, "" for the backend's own word."""

    backend: str
    label: str
    username: str = ""
    groups: str = ""


def identity_of(done: Done, reading: Reading) -> Identity:
    """The identity. Raises LoginRefused for an unproven address in place of a name, ProviderError for rubbish."""
    try:
        email = _maybe_text(done.details.get("email"))
        verified = bool(email) and is_verified({**done.details, **done.response}, reading.backend)
        username = _username(done, reading)
        if not verified and email and username.casefold() == email.casefold():
            raise LoginRefused(f"Your e-mail address at {reading.label} is not verified.", code="email_not_verified")
        return Identity(
            subject=text(done.subject),
            username=text(username),
            name=full_name(done.details),
            email=email,
            email_verified=verified,
            groups=_groups(done, reading),
            avatar=next(filter(None, (_address(done.response.get(name)) for name in PICTURES)), None),
            claims=without_tokens(done.response),
        )
    except ValueError:
        raise ProviderError(f"The answer of {reading.label} could not be used. Try again later.") from None


def is_verified(response: Mapping[str, Any], backend: str) -> bool:
    """Whether the source says that the address is proved: the truth value, which Apple writes as text (row V06)."""
    said = response.get(VERIFIED.get(backend, "email_verified"))
    return said is True or (backend == "apple-id" and said == "true")


def full_name(details: Mapping[str, Any]) -> str | None:
    """The name to call somebody by."""
    parts = [_maybe_text(details.get(each)) for each in ("first_name", "last_name")]
    return _maybe_text(details.get("fullname")) or " ".join(filter(None, parts)) or None


def without_tokens(response: Mapping[str, Any]) -> dict[str, Any]:
    """What the source said, as far as it is JSON and no credential."""
    return {name: value for name, value in response.items() if name not in TOKENS and _is_plain(value)}


def _username(done: Done, reading: Reading) -> str:
    """The source's name for the person; where it has none, the subject: nothing is made up."""
    if reading.username:
        named = claim(done.response, reading.username)
        named = claim(done.details, reading.username) if named is None else named
    else:
        named = done.details.get("username") or done.details.get("nickname")
    if isinstance(named, int) and not isinstance(named, bool):
        named = str(named)
    if isinstance(named, str) and named:
        return named
    if reading.username:
        raise ProviderError(f"{reading.label} told no username.", code="username_invalid")
    return done.subject


def _groups(done: Done, reading: Reading) -> frozenset[str] | None:
    if not reading.groups:
        return done.groups
    found = claim(done.response, reading.groups)
    names = [] if found is None else [found] if isinstance(found, str) else found
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("groups are no list of names")
    return frozenset(name for name in names if name)


def _maybe_text(value: Any) -> str | None:
    try:
        return text(value)
    except ValueError:
        return None


def _address(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith("https://") else None


def _is_plain(value: Any, levels: int = DEEPEST) -> bool:
    if isinstance(value, Mapping):
        told = levels > 0 and TOKENS.isdisjoint(value) and all(isinstance(name, str) for name in value)
        return told and all(_is_plain(each, levels - 1) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return levels > 0 and all(_is_plain(each, levels - 1) for each in value)
    return value is None or isinstance(value, str | int | float | bool)
