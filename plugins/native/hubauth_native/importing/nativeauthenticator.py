"""The table `users_info` of NativeAuthenticator, in whatever database its hub has; it is only read.

https://github.com/jupyterhub/nativeauthenticator/blob/main/nativeauthenticator/orm.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from hubauth_core import ConfigError, Secret

from ..accounts import ACTIVE, PENDING
from .entry import Entry, Found, Unreadable

ORIGIN: Final = "nativeauthenticator"
TABLE: Final = "users_info"
NEEDED: Final = ("id", "username", "password", "is_authorized")
LATER: Final = ("email", "has_2fa", "otp_secret")
"""Columns that older versions have not."""


def read(url: str, **engine_options: Any) -> Iterator[Found]:
    """Every row, the oldest first: of two with one name NativeAuthenticator itself only sees that one.

    `engine_options` as for `create_engine`. Raises ConfigError.
    """
    try:
        engine = create_engine(_read_only(url), **engine_options)
    except (ImportError, ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(f"This is no address of a database that can be read: {type(error).__name__}.") from None
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(TABLE):
                raise ConfigError(f"The database has no table {TABLE}: NativeAuthenticator never ran with it.")
            there = {column["name"] for column in inspect(connection).get_columns(TABLE)}
            if missing := set(NEEDED) - there:
                raise ConfigError(f"The table {TABLE} lacks {', '.join(sorted(missing))}: it is not the one meant.")
            columns = ", ".join((*NEEDED, *(each for each in LATER if each in there)))
            query = text(f"SELECT {columns} FROM {TABLE} ORDER BY id")  # noqa: S608  # names of ours
            for row in connection.execute(query).mappings():
                yield _entry(dict(row))
    except SQLAlchemyError as error:
        raise ConfigError(f"The database cannot be read: {type(error).__name__}.") from error
    finally:
        engine.dispose()


def _read_only(url: str) -> URL:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return parsed
    path = Path(parsed.database or "")
    if not path.is_file():
        raise ConfigError(f"There is no file {path}.")
    return URL.create("sqlite", database=path.resolve().as_uri(), query={"mode": "ro", "uri": "true"})


def _entry(row: dict[str, Any]) -> Found:
    where = f"row {row['id']}"
    try:
        name, stored = str(row["username"] or ""), memoryview(row["password"] or b"").tobytes().decode("ascii")
    except (TypeError, ValueError):
        return Unreadable(where=where, username=str(row["username"])[:255], why="Its password hash is none.")
    secret = str(row.get("otp_secret") or "") if row.get("has_2fa") else ""
    return Entry(
        username=name,
        where=where,
        email=str(row.get("email") or ""),
        password_hash=Secret(stored) if stored else None,
        status=ACTIVE if row["is_authorized"] else PENDING,
        totp=Secret(secret) if secret else None,
    )
