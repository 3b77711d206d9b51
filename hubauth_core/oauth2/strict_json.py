"""JSON with nothing in it that two readers could read differently.

https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

DEEPEST: Final = 32
"""Levels of nesting that an answer may have; real ones have five or six (row X12)."""

_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A string without its end counts too: skipped in one step, or the time to look at it would grow with its square."""


def loads(text: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ValueError.

    Refused beyond what the standard library refuses: a byte order mark, other encodings, NaN and infinities, a member
    that comes twice, and deep nesting (rows F04, X12).
    """
    decoded = text.decode("utf-8")
    if _depth(decoded) > DEEPEST:
        raise ValueError("nested too deep")
    return json.loads(decoded, object_pairs_hook=_unique, parse_constant=_no_constant)


def _depth(text: str) -> int:
    """The deepest nesting, counted before anything recursive runs over the text."""
    deepest = depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
