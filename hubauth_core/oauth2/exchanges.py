"""The option `exchange`: which tokens a person's own one may be exchanged for; everything is checked at the start.

exchange = {
    "kafka": {"audience": "kafka", "scope": "read"},
    "google": {"requested_issuer": "google"},
}
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from ..discovery import nearest
from ..errors import ConfigError
from ..urls import problem_with
from . import rfc6749, rfc8693, rfc8707
from .rfc8693 import Exchange

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What an exchange may be called: it stands in addresses."""

KEYS: Final = tuple(each.name for each in fields(Exchange))
BROKER: Final = "broker"

_LISTS: Final = frozenset({"audience", "resource", "scope"})
_TYPES: Final = ("requested_token_type", "subject_token_type", "actor_token_type")
_TARGETS: Final = ("audience", "resource", "requested_issuer", "subject_issuer")


def parse_exchanges(option: Mapping[Any, Any], insecure_hosts: Collection[str]) -> dict[str, Exchange]:
    """The exchanges of the option, by name. Raises ConfigError that names the entry and what is wrong with it."""
    found = {}
    for name, entry in option.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(f"exchange: the name {name!r} must consist of a-z, 0-9 and '._-', at most 64 of them")
        try:
            found[name] = _exchange(entry, insecure_hosts)
        except ValueError as error:
            raise ConfigError(f"exchange[{name!r}]: {error}") from None
    return found


def fingerprint(exchange: Exchange, client_id: str, server: str) -> str:
    """All that a name stands for, in one string: a token that was got for something else is not served (row R14)."""
    return json.dumps([server, client_id, asdict(exchange)], sort_keys=True)


def _exchange(entry: Any, insecure_hosts: Collection[str]) -> Exchange:
    if not isinstance(entry, Mapping):
        raise ValueError(f"must be a dictionary, not {type(entry).__name__}")
    for key in entry:
        if key not in KEYS:
            raise ValueError(f"unknown key {key!r}. {nearest(str(key), KEYS)}")
    values: dict[str, Any] = {
        key: _texts(key, value) if key in _LISTS else _text(key, value) for key, value in entry.items()
    }
    values |= {key: _type(key, values[key]) for key in _TYPES if key in values}
    if "scope" in values:
        values["scope"] = tuple(dict.fromkeys(" ".join(values["scope"]).split()))
    exchange = Exchange(**values)
    for problem in _problems(exchange, frozenset(entry), insecure_hosts):
        raise ValueError(problem)
    return exchange


def _texts(key: str, value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not values:
        raise ValueError(f"{key!r} must be a text or a list of texts")
    return tuple(_text(key, each) for each in values)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{key!r} must be a text")
    return value


def _type(key: str, value: str) -> str:
    """A token type by its URN, or by the end of one of RFC 8693's own (section 3)."""
    known = ("access_token", "refresh_token", "id_token", "jwt", "saml1", "saml2")
    if value in known:
        return rfc8693.TYPES + value
    if rfc8707.problem_with([value]):
        raise ValueError(f"unknown {key!r} {value!r}. {nearest(value, known)}")
    return value


def _problems(exchange: Exchange, given: frozenset[str], insecure_hosts: Collection[str]) -> Iterable[str]:
    if not given.intersection(_TARGETS):
        yield f"it has no target; one of {', '.join(_TARGETS)} is needed"
    if problem := rfc8707.problem_with(exchange.resource):
        yield f"resource: {problem}"
    if wrong := [scope for scope in exchange.scope if not rfc6749.SCOPE.fullmatch(scope)]:
        yield f"scope: {wrong[0]!r} holds a character that no scope has"
    if exchange.subject_token_type == rfc8693.REFRESH_TOKEN:
        yield "subject_token_type: a refresh token is not exchanged"
    if bool(exchange.actor_token_file) != bool(exchange.actor_token_type):
        yield "actor_token_file and actor_token_type go together"
    yield from _server_problems(exchange, insecure_hosts)
    if "via" in given:
        yield from _broker_problems(exchange, given)


def _server_problems(exchange: Exchange, insecure_hosts: Collection[str]) -> Iterable[str]:
    """Another server gets a client of its own there: the secret of this one is not for it."""
    for key in ("token_url", "revocation_url"):
        url = getattr(exchange, key)
        if url and (problem := problem_with(url, insecure_hosts)):
            yield f"{key} = {url!r} cannot be used: {problem}"
    if exchange.token_url and not exchange.client_id:
        yield "token_url is another server, which needs its own client_id"
    for key in ("client_id", "client_secret_file", "revocation_url", "subject_issuer"):
        if getattr(exchange, key) and not exchange.token_url:
            yield f"{key} goes with a token_url, the address of another server"


def _broker_problems(exchange: Exchange, given: frozenset[str]) -> Iterable[str]:
    if exchange.via != BROKER:
        yield f"via = {exchange.via!r} does not exist. Valid: {BROKER!r}"
    if not exchange.requested_issuer or given - {"via", "requested_issuer"}:
        yield "via = 'broker' goes with requested_issuer, the broker's name for the other issuer, and nothing else"
