"""What a program sends: one JSON object of known fields, each of its kind and within its limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hubauth_core import LoginRefused

LONGEST: Final = 64 * 1024
"""Bytes of a body."""


class BadBody(LoginRefused):
    """What was sent makes no sense."""

    default_code = "bad_request"


@dataclass(frozen=True)
class Body:
    """The fields of a request; what is read of them is what they may be. Everything raises BadBody."""

    fields: Mapping[str, Any]

    def text(self, name: str, longest: int, usual: str | None = None) -> str:
        """A text; `usual` where it is missing or null, and without a usual one it must be there."""
        value = self.fields.get(name, usual)
        value = usual if value is None else value
        if not isinstance(value, str) or not _is_text(value, longest):
            raise BadBody(f"{name} is a text of at most {longest} characters.")
        return value

    def texts(self, name: str, longest: int, most: int) -> Sequence[str]:
        """Several texts, at least one."""
        values = self.fields.get(name)
        found = values if isinstance(values, list) else []
        if not 1 <= len(found) <= most or not all(_is_text(each, longest) for each in found):
            raise BadBody(f"{name} is a list of 1 to {most} texts of at most {longest} characters.")
        return found

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number, None where it is missing or null."""
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise BadBody(f"{name} is a number from {least:.0f} to {most:.0f}.")
        return float(value)

    def whole(self, name: str, least: int, most: int, usual: int) -> int:
        """A whole number; `usual` where it is missing."""
        value = self.number(name, least, most)
        if value is None:
            return usual
        if not value.is_integer():
            raise BadBody(f"{name} is a whole number.")
        return int(value)

    def flag(self, name: str) -> bool | None:
        """Yes or no; None where it is missing or null."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise BadBody(f"{name} is true or false.")
        return value


def parse_body(body: bytes, known: frozenset[str]) -> Body:
    """The fields of a body; unknown ones are refused, so that a misspelt one does not do something else."""
    if len(body) > LONGEST:
        raise BadBody(f"The body has at most {LONGEST} bytes.")
    try:
        fields = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadBody("The body is not JSON.") from None
    if not isinstance(fields, dict) or not fields.keys() <= known:
        raise BadBody(f"The body is an object with the fields {', '.join(sorted(known)) or 'none'}.")
    return Body(fields)


def _refuse(word: str) -> float:
    raise ValueError(word)


def _is_text(text: object, longest: int) -> bool:
    """Whether a database takes it."""
    return (
        isinstance(text, str)
        and len(text) <= longest
        and "\0" not in text
        and not any("\ud800" <= each <= "\udfff" for each in text)
    )
