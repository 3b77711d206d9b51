"""What a call of the REST API may ask: each parameter once, in a known form, and nothing besides."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from ..errors import CredentialError
from ..git import LONGEST_URL
from ..refresh import DEFAULT_TTL
from ..retrieval import LONGEST_TTL

RESOURCE: Final = r"^[ -~]{0,255}$"
"""The name of a resource: printable ASCII. Also the schema's pattern."""

ALSO: Final = ("tokens", "servers")
"""What may end with somebody's sessions: API tokens, or those and servers."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,340})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The parameters of a call. `min_ttl` in seconds; `resource` "" for the provider's own API."""

    min_ttl: float = DEFAULT_TTL
    resource: str = ""
    url: str = ""


def parse(query: Mapping[str, Sequence[bytes]], allowed: Set[str]) -> Asked:
    """The parameters of a query string, as tornado took it apart. Raises CredentialError `bad_request`.

    One that is misspelt is refused, so that nobody gets another credential than the one they meant.
    """
    found = single(query, allowed)
    return Asked(
        min_ttl=_min_ttl(found["min_ttl"]) if "min_ttl" in found else DEFAULT_TTL,
        resource=_resource(found.get("resource", "")),
        url=_url(found.get("url")) if "url" in allowed else "",
    )


def single(query: Mapping[str, Sequence[bytes]], allowed: Set[str]) -> dict[str, str]:
    """Parameters as text, each once and none but those that are allowed. Raises CredentialError `bad_request`."""
    if not query.keys() <= allowed:
        raise _bad(f"Known parameters: {', '.join(sorted(allowed)) or 'none'}.")
    return {name: _once(name, values) for name, values in query.items()}


def also(text: str | None) -> str:
    """What ends with sessions: "tokens", "servers", or "" for nothing. Raises CredentialError `bad_request`."""
    if text is not None and text not in ALSO:
        raise _bad(f"also must be one of: {', '.join(ALSO)}.")
    return text or ""


def _once(name: str, values: Sequence[bytes]) -> str:
    if len(values) != 1:
        raise _bad(f"{name} is given more than once.")
    try:
        return values[0].decode()
    except UnicodeDecodeError:
        raise _bad(f"{name} is not UTF-8.") from None


def _min_ttl(text: str) -> float:
    seconds = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not 0 <= seconds <= LONGEST_TTL:
        raise _bad(f"min_ttl must be a number of seconds from 0 to {LONGEST_TTL:.0f}.")
    return seconds


def _resource(text: str) -> str:
    if not re.fullmatch(RESOURCE.strip("^$"), text):
        raise _bad("resource must be at most 255 printable ASCII characters.")
    return text


def _url(text: str | None) -> str:
    if not text or len(text) > LONGEST_URL:
        raise _bad(f"url must be the address of a repository, of at most {LONGEST_URL} characters.")
    return text


def _bad(sentence: str) -> CredentialError:
    return CredentialError(sentence, code="bad_request")
