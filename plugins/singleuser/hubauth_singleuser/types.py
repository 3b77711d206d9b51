"""The frozen values that the hub hands out. Times are Unix seconds."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


class Secret:
    """A string that never prints itself: `repr`, `str`, formatting and pickling do not show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call it only where it leaves for the party it is meant for."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is not pickled")


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A token that is good now. `resource` is "" for the provider's own API; no `expires_at`: it does not say."""

    provider: str
    resource: str
    username: str
    access_token: Secret
    token_type: str
    scopes: frozenset[str]
    expires_at: float | None

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Self:
        """The hub's answer as a value. Raises ValueError if it is none."""
        return cls(
            provider=_text(answer, "provider"),
            resource=_text(answer, "resource"),
            username=_text(answer, "username"),
            access_token=Secret(_token(answer, "access_token")),
            token_type=_text(answer, "token_type"),
            scopes=frozenset(_texts(answer, "scopes")),
            expires_at=_time(answer, "expires_at"),
        )


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One of the user's accounts elsewhere, without its secrets.

    `state` is `ready`, `needs_login`, `not_stored`, `storage_disabled` or `unavailable`; `git_urls` are the places
    whose private repositories the credential opens.
    """

    provider: str
    label: str
    username: str
    home: bool
    since: float | None
    last_used: float | None
    scopes: frozenset[str]
    expires_at: float | None
    renewable: bool
    state: str
    resources: tuple[str, ...]
    git_urls: tuple[str, ...]

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """One entry of the hub's overview as a value. Raises ValueError if it is none."""
        return cls(
            provider=_text(entry, "provider"),
            label=_text(entry, "label"),
            username=_text(entry, "username"),
            home=entry.get("home") is True,
            since=_time(entry, "since"),
            last_used=_time(entry, "last_used"),
            scopes=frozenset(_texts(entry, "scopes")),
            expires_at=_time(entry, "expires_at"),
            renewable=entry.get("renewable") is True,
            state=_text(entry, "state"),
            resources=_texts(entry, "resources"),
            git_urls=_texts(entry, "git_urls"),
        )


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    return value


def _token(answer: Mapping[str, Any], name: str) -> str:
    """What may stand in a header: RFC 6750, section 2.1, and whatever else is visible ASCII."""
    value = _text(answer, name)
    if not value or not all("!" <= character <= "~" for character in value):
        raise ValueError(f"{name} is no token")
    return value


def _texts(answer: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = answer.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} is not a list of texts")
    return tuple(value)


def _time(answer: Mapping[str, Any], name: str) -> float | None:
    value = answer.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is no time")
    return float(value)
