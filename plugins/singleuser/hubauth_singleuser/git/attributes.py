"""How git talks with a credential helper: lines of `name=value`, ended by an empty line.

https://git-scm.com/docs/git-credential#IOFMT and https://git-scm.com/docs/gitcredentials#_custom_helpers
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote

LARGEST_QUESTION: Final = 64 * 1024
"""Bytes that git may send. Long are only the challenges of a server (`wwwauth[]`), which are not looked at."""


class BadQuestion(ValueError):
    """Not what git sends, or something in it that could pass for another line: nobody gets an answer to that."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What git says of the server that it talks to; "" where it said nothing. Whatever else it says is ignored."""

    protocol: str = ""
    host: str = ""
    path: str = ""
    username: str = ""

    @classmethod
    def parse(cls, sent: bytes) -> Self:
        """What git wrote to the helper. Raises BadQuestion."""
        if len(sent) > LARGEST_QUESTION:
            raise BadQuestion("git sent too much")
        try:
            text = sent.decode()
        except UnicodeDecodeError:
            raise BadQuestion("git sent something that is not UTF-8") from None
        found: dict[str, str] = {}
        for line in itertools.takewhile(bool, text.split("\n")):
            name, equals, value = line.partition("=")
            if not equals:
                raise BadQuestion("git sent a line without an equals sign")
            if name == "url":
                found = _parts(value)
            elif name in {"protocol", "host", "path", "username"}:
                found[name] = value
        if any(not value.isprintable() for value in found.values()):
            raise BadQuestion("a control character in what git sent")
        return cls(**found)


def _parts(url: str) -> dict[str, str]:
    """The attribute `url`, which stands for its parts and forgets what came before, as git's own helpers take it."""
    protocol, separator, rest = url.partition("://")
    if not separator or not protocol:
        raise BadQuestion("a url without a protocol")
    ends = [at for at in map(rest.find, "/?#") if at >= 0]
    slash = min(ends, default=len(rest))
    userinfo, _, host = rest[:slash].rpartition("@")
    parts = {
        "protocol": protocol,
        "host": host,
        "username": userinfo.partition(":")[0],
        "path": rest[slash:].strip("/"),
    }
    try:
        return {name: unquote(value, errors="strict") for name, value in parts.items()}
    except UnicodeDecodeError:
        raise BadQuestion("a url that is not UTF-8") from None


def answer(attributes: Mapping[str, str]) -> str:
    """What the helper writes for git. Raises ValueError for a value that git would read as something else."""
    for value in attributes.values():
        if not value or not value.isprintable():
            raise ValueError("a value that does not fit on a line")
    return "".join(f"{name}={value}\n" for name, value in attributes.items())
