"""git-credential-hubauth: lets git use the accounts that you connected on your JupyterHub.

    git config --global credential.helper hubauth       (a hub that offers it has done this for you, at spawn)

git calls `git-credential-hubauth get` and writes the server's address to it. The answer is a fresh token from the hub,
for the addresses in HUBAUTH_GIT_URLS and only over https; for any other server there is no answer, and git goes on to
the next helper or asks you. `store` and `erase` keep and delete nothing: there is nothing on disk.

When you have to sign in again, or the hub does not answer, a line says so, and git stops instead of asking for a
password that nobody has. To use another account, put its name into the address: https://you@github.com/... Beside a
helper that would store the token there is no answer either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from ..errors import CredentialError, NeedsLogin, Unavailable
from ..hub import Hub
from .attributes import LARGEST_QUESTION, BadQuestion, Question, answer
from .others import others
from .places import Place, is_ours, ours

USAGE: Final = "usage: git-credential-hubauth get | store | erase | capability\n"

QUIT: Final = "quit=1\n"
"""Ends git's search for a password: no further helper, no prompt."""


def main() -> int:
    """The command. Always 0 when git calls it: git takes anything else for a fault of the helper's."""
    match sys.argv[1:]:
        case ["-h" | "--help"]:
            sys.stdout.write(f"{USAGE}\n{__doc__}")
        case ["get"]:
            sys.stdout.write(_get(sys.stdin.buffer.read(LARGEST_QUESTION + 1)))
        case ["erase"]:
            _erase(sys.stdin.buffer.read(LARGEST_QUESTION + 1))
        case ["capability"]:
            sys.stdout.write("version 0\n")
        case [_]:
            pass  # "store", and what a later git may ask: "it should silently ignore the request"
        case _:
            sys.stderr.write(USAGE)
            return 2
    return 0


def _get(sent: bytes) -> str:
    """What git should read: a credential, nothing, or that it should stop."""
    question, place = _asked(sent)
    if question is None or place is None:
        return ""
    try:
        hub = Hub.from_environment()
        return _fitting(question, place, hub.ask("git-credential", url=place.url))
    except CredentialError as error:
        if question.username:
            return ""  # perhaps another account, which the person has the password of
        _say(str(error))
        return QUIT if isinstance(error, NeedsLogin | Unavailable) else ""


def _erase(sent: bytes) -> None:
    """git calls this when the server refused what it was given: say so, because git only says that it failed."""
    _, place = _asked(sent)
    if place is not None:
        _say(f"{place.origin} refused the credential. If it was the hub's, renew it on the hub's connections page.")


def _asked(sent: bytes) -> tuple[Question | None, Place | None]:
    """The question, and the place if it is one of ours."""
    try:
        question = Question.parse(sent)
        places = ours(os.environ)
    except BadQuestion as error:
        _say(f"{error}; no credential is given for that.")
        return None, None
    except ValueError:
        _say("HUBAUTH_GIT_URLS cannot be read; restart your server.")
        return None, None
    try:
        place = Place.of(question.protocol, question.host, question.path)
    except ValueError:
        return question, None
    return question, place if is_ours(place, places) else None


def _fitting(question: Question, place: Place, given: Mapping[str, Any]) -> str:
    """The hub's answer for git, if it is for this server and this user."""
    try:
        fits = Place.of(given["protocol"], given["host"]).origin == place.origin
        username, password, expiry = given["username"], given["password"], given.get("password_expiry_utc")
        lines = {"username": username, "password": password} | (
            {"password_expiry_utc": str(int(expiry))} if expiry else {}
        )
        written = answer(lines)
    except (KeyError, TypeError, AttributeError, ValueError):
        fits, written, username = False, "", ""
    if not fits:
        _say("the hub does not answer as it should; no credential is given.")
        return ""
    if question.username not in {"", username}:
        return ""
    if beside := others(place):
        _say(
            f"your credential helper {beside[0]!r} would store the hub's token. Start your server again, or remove it."
        )
        return QUIT
    return written


def _say(sentence: str) -> None:
    sys.stderr.write(f"hubauth: {sentence}\n")
