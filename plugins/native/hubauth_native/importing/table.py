"""A table of accounts that people or programs have written: CSV with a head line, or JSON.

Passwords in clear are not taken: whoever wrote the file would know them.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hubauth_core import ConfigError, Secret

from ..accounts import ACTIVE, Status
from .entry import MOST, Entry, Found, Unreadable

ORIGIN: Final = "table"
LARGEST: Final = 64 * 2**20
"""Bytes of a file."""

COLUMNS: Final = ("username", "full_name", "email", "email_verified", "status", "admin", "password_hash")
"""What is taken from a table."""
TIMES: Final = ("created_at", "approved_at", "last_sign_in_at", "inactive_until")
PASSED_OVER: Final = ("id", "origin", "status_reason", *TIMES)
"""What `hubauth native export` writes beside that; it is nothing that a table can say."""
CLEAR: Final = ("password", "passwd", "passphrase", "pin")

YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": None}
FORMULA: Final = tuple("=+-@\t\r")
"""What a spreadsheet takes for the beginning of a formula; `export` puts an apostrophe before it."""


def read(path: Path) -> Iterator[Found]:
    """Every entry, with the line or the number under which it stands. Raises ConfigError for no table at all."""
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    if len(body) > LARGEST:
        raise ConfigError(f"{path} has more than {LARGEST // 2**20} MiB. Import it in parts.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path} is not UTF-8: line {line}. Save it as UTF-8.") from None
    rows = _json(path, text) if path.suffix.lower() == ".json" else _csv(path, text)
    for number, found in enumerate(rows):
        if number >= MOST:
            raise ConfigError(f"{path} has more than {MOST} entries. Import it in parts.")
        yield found


def _csv(path: Path, text: str) -> Iterator[Found]:
    if "\0" in text:
        raise ConfigError(f"{path} is no CSV: line {text[: text.index(chr(0))].count(chr(10)) + 1} has a NUL.")
    head = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        _check_columns(path, columns)
        while True:
            line = lines.line_num + 1
            row = next(lines, None)
            if row is None:
                return
            if not any(map(str.strip, row)):
                continue
            where = f"line {line}"
            if len(row) != len(columns):
                why = f"It has {len(row)} cells; the head line has {len(columns)}."
                yield Unreadable(where=where, why=why)
            else:
                yield _entry(where, {name: _cell(cell) for name, cell in zip(columns, row, strict=True)})
    except csv.Error as error:
        raise ConfigError(f"{path}: line {lines.line_num} is no CSV: {error}.") from None


def _json(path: Path, text: str) -> Iterator[Found]:
    try:
        told = json.loads(text)
    except ValueError as error:
        line = f": line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"{path}{line} is no JSON.") from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply.") from None
    entries = told.get("accounts") if isinstance(told, dict) else told
    if not isinstance(entries, list):
        raise ConfigError(f'{path} has to be a list of accounts, or {{"accounts": [...]}}.')
    for number, each in enumerate(entries, 1):
        where = f"entry {number}"
        if not isinstance(each, dict):
            yield Unreadable(where=where, why="It is no object.")
            continue
        _check_columns(path, list(each), f" ({where})")
        yield _entry(where, each)


def _check_columns(path: Path, names: list[str], where: str = "") -> None:
    """Whether these are columns of a table of accounts. Raises ConfigError."""
    if clear := [name for name in names if name.lower() in CLEAR]:
        raise ConfigError(
            f"{path}{where}: {clear[0]!r} would be passwords in clear, which are not taken. Leave the column out: each "
            "account gets a one-time link with which its owner chooses a password."
        )
    for name in names:
        if name not in (*COLUMNS, *PASSED_OVER):
            near = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(COLUMNS)}."
            raise ConfigError(f"{path}{where}: unknown column {name[:64]!r}. {hint}")
    if len(set(names)) < len(names):
        raise ConfigError(f"{path}{where}: a column stands there twice.")
    if "username" not in names:
        raise ConfigError(f"{path}{where}: there is no column 'username'.")


def _cell(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def _entry(where: str, row: Mapping[str, Any]) -> Found:
    try:
        values = {name: _text(name, row.get(name)) for name in COLUMNS}
        return Entry(
            username=values["username"],
            where=where,
            full_name=values["full_name"],
            email=values["email"],
            email_verified=bool(_flag("email_verified", values)),
            password_hash=Secret(values["password_hash"]) if values["password_hash"] else None,
            status=_status(values["status"]),
            admin=_flag("admin", values),
        )
    except ValueError as error:
        return Unreadable(where=where, username=str(row.get("username"))[:255], why=str(error))


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name!r} is not text.")
    return value or ""


def _flag(name: str, values: Mapping[str, str]) -> bool | None:
    said = values[name].lower()
    if said not in YES:
        raise ValueError(f"{name!r} is yes, no or empty.")
    return YES[said]


def _status(said: str) -> Status:
    match said.lower() or ACTIVE:
        case "active" | "pending" | "inactive" as status:
            return status
    raise ValueError("'status' is active, pending, inactive or empty.")
