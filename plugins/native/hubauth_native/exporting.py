"""Accounts as data: for a list, for another program, or to move to another hub. Without secrets, unless asked for."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, Any, Final, Literal

from .accounts import Account
from .importing.table import COLUMNS, FORMULA, TIMES
from .listing import MOST, Listing, Query

HASH: Final = "password_hash"

Format = Literal["json", "csv"]


def everybody(listing: Listing, query: Query) -> Iterator[tuple[Account, bool]]:
    """Every account that a query asks for, and whether it has a second factor; read a page at a time."""
    page = 1
    while rows := listing.find(replace(query, page=page, size=MOST)).rows:
        yield from ((row.account, row.has_factor) for row in rows)
        page += 1


def told(account: Account, *, with_hash: bool = False) -> dict[str, Any]:
    """An account as JSON has it, times in UTC. `with_hash`: with what its password can be verified by."""
    kept = {
        "id": account.id,
        "username": account.username,
        "full_name": account.full_name,
        "email": account.email or "",
        "email_verified": account.email_verified,
        "status": account.status,
        "status_reason": account.status_reason,
        "admin": account.admin,
        "origin": account.origin,
    }
    kept |= {name: _utc(getattr(account, name)) for name in TIMES}
    if with_hash:
        kept[HASH] = account.password_hash.reveal() if account.password_hash else ""
    return kept


def write(accounts: Iterable[Mapping[str, Any]], file: IO[str], form: Format) -> int:
    """Write what `told` says of each account; answers how many."""
    entries = list(accounts)
    if form == "json":
        json.dump({"accounts": entries}, file, indent=2, ensure_ascii=False)
        file.write("\n")
        return len(entries)
    lines = csv.DictWriter(file, list(entries[0]) if entries else COLUMNS)
    lines.writeheader()
    for entry in entries:
        lines.writerow({name: _cell(value) for name, value in entry.items()})
    return len(entries)


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula (row 1.2.10 of the OWASP ASVS)."""
    if value is None or isinstance(value, bool):
        return "" if value is None else "yes" if value else "no"
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _utc(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
