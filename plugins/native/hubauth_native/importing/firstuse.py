"""The file `passwords.dbm` of FirstUseAuthenticator: username -> bcrypt hash. It is only read.

https://github.com/jupyterhub/firstuseauthenticator/blob/main/firstuseauthenticator/firstuseauthenticator.py
"""

from __future__ import annotations

import dbm
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hubauth_core import ConfigError, Secret

from .entry import Entry, Found, Unreadable

ORIGIN: Final = "firstuse"
DEFAULT: Final = Path("passwords.dbm")
"""Where FirstUseAuthenticator puts it, in the directory in which its hub runs."""


def read(path: Path) -> Iterator[Found]:
    """Every account. `path` is what `dbm_path` says; the file may have an ending that its library has added.

    Names that are spelled as the hub spells them come first: FirstUseAuthenticator never uses another spelling of them.
    Raises ConfigError.
    """
    try:
        with dbm.open(str(path), "r") as file:
            stored = {_bytes(key): _bytes(file[key]) for key in file.keys()}  # noqa: SIM118  # not all have an iterator
    except (
        *dbm.error,
        ValueError,
        TypeError,
        SyntaxError,
    ) as error:  # the last three: a damaged file of Python's own kind
        raise ConfigError(f"{path} cannot be read as a dbm file: {error}") from error
    for key in sorted(stored, key=lambda key: (key != key.lower(), key)):
        yield _entry(key, stored[key])


def _bytes(stored: str | bytes) -> bytes:
    return stored.encode() if isinstance(stored, str) else stored


def _entry(key: bytes, stored: bytes) -> Found:
    try:
        return Entry(username=key.decode("utf-8"), password_hash=Secret(stored.decode("ascii")))
    except UnicodeDecodeError:
        return Unreadable(where="", username=repr(key)[:255], why="Its name or its password hash cannot be read.")
