"""Accounts found by what is asked of them: searched, filtered, sorted, a page at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, not_, or_, select

from hubauth_core import LoginRefused
from hubauth_core.plugin import Database

from .accounts import ACTIVE, INACTIVE, PENDING, Account, account_of
from .schema import accounts, factors

Order = Literal["name", "created", "last_sign_in", "failures"]

LONGEST: Final = 255
"""Characters of a search."""
MOST: Final = 200
"""Accounts on one page."""
LAST_PAGE: Final = 100_000

_COLUMNS: Final[Mapping[Order, Any]] = {
    "name": accounts.c.name_key,
    "created": accounts.c.created_at,
    "last_sign_in": func.coalesce(accounts.c.last_sign_in_at, 0.0),
    "failures": accounts.c.failures,
}
_SECOND_STEPS: Final = ("totp", "passkey")
_FLAGS: Final = {"yes": True, "no": False}


class BadQuery(LoginRefused):
    """What is asked of the list makes no sense."""

    default_code = "bad_request"


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked. `text` stands anywhere in name, full name or address; None and "" ask for nothing."""

    text: str = ""
    status: str = ""
    admin: bool | None = None
    factor: bool | None = None
    origin: str = ""
    order: Order = "name"
    descending: bool = False
    page: int = 1
    size: int = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """One account of a page, and whether it has a second factor."""

    account: Account
    has_factor: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of what was found, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


def parse(given: Mapping[str, str]) -> Query:
    """A query as pages and programs write it: `q`, `status`, `admin`, `factor`, `origin`, `sort`, `page`, `size`.

    `sort` begins with `-` for the reverse. Raises BadQuery.
    """
    known = {"q", "status", "admin", "factor", "origin", "sort", "page", "size"}
    if not given.keys() <= known:
        raise BadQuery(f"Known parameters: {', '.join(sorted(known))}.")
    text, origin, sort = _plain(given.get("q", "")), _plain(given.get("origin", "")), given.get("sort", "name")
    if len(given.get("q", "")) > LONGEST or len(given.get("origin", "")) > LONGEST:
        raise BadQuery(f"A search has at most {LONGEST} characters.")
    order: Any = sort.removeprefix("-")
    if order not in get_args(Order):
        raise BadQuery(f"sort is one of {', '.join(get_args(Order))}, or one of them after a minus sign.")
    if (status := given.get("status")) not in (None, PENDING, ACTIVE, INACTIVE):
        raise BadQuery(f"status is one of {PENDING}, {ACTIVE}, {INACTIVE}.")
    return Query(
        text=text,
        status=status or "",
        admin=_flag("admin", given),
        factor=_flag("factor", given),
        origin=origin,
        order=order,
        descending=sort.startswith("-"),
        page=_number("page", given, 1, LAST_PAGE),
        size=_number("size", given, 50, MOST),
    )


class Listing:
    """Reads the accounts of one provider."""

    def __init__(self, database: Database, provider: str) -> None:
        self._database = database
        self._provider = provider

    def find(self, query: Query) -> Found:
        """The accounts that a query asks for. Raises StoreError."""
        conditions = [accounts.c.provider == self._provider, *_conditions(query, time.time())]
        column = _COLUMNS[query.order]
        ordered = (column.desc() if query.descending else column.asc(), accounts.c.id)
        page = select(accounts, _has_factor().label("has_factor")).where(*conditions).order_by(*ordered)
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(accounts).where(*conditions)).scalar_one()
            limited = page.limit(query.size).offset((query.page - 1) * query.size)
            rows = [dict(row) for row in connection.execute(limited).mappings()]
        found = (Row(account=account_of(row), has_factor=bool(row["has_factor"])) for row in rows)
        return Found(rows=tuple(found), total=total)

    def counts(self) -> Mapping[str, int]:
        """How many accounts there are of each status."""
        query = select(accounts.c.status, func.count()).where(accounts.c.provider == self._provider)
        with self._database.read() as connection:
            counted = {row[0]: row[1] for row in connection.execute(query.group_by(accounts.c.status))}
        return {PENDING: 0, ACTIVE: 0, INACTIVE: 0} | counted

    def origins(self) -> tuple[str, ...]:
        """Where accounts come from."""
        query = select(accounts.c.origin).where(accounts.c.provider == self._provider).distinct()
        with self._database.read() as connection:
            return tuple(sorted(filter(None, connection.execute(query).scalars())))


def _conditions(query: Query, now: float) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.text:
        found.append(_holds(query.text))
    if query.status:
        over = and_(accounts.c.status == INACTIVE, accounts.c.inactive_until <= now)
        inactive = and_(accounts.c.status == INACTIVE, func.coalesce(accounts.c.inactive_until, now + 1) > now)
        wanted = {ACTIVE: or_(accounts.c.status == ACTIVE, over), INACTIVE: inactive}
        found.append(wanted.get(query.status, accounts.c.status == query.status))
    if query.admin is not None:
        is_admin = func.coalesce(accounts.c.admin, False).is_(True)
        found.append(is_admin if query.admin else not_(is_admin))
    if query.factor is not None:
        found.append(_has_factor() if query.factor else not_(_has_factor()))
    if query.origin:
        found.append(accounts.c.origin == query.origin)
    return found


def _holds(text: str) -> ColumnElement[bool]:
    """The text in any of the three, in any case; `%` and `_` stand for themselves."""
    columns = (accounts.c.username, accounts.c.full_name, accounts.c.email)
    return or_(*(func.lower(cast(each, String(LONGEST))).contains(text.lower(), autoescape=True) for each in columns))


def _has_factor() -> ColumnElement[bool]:
    here = accounts.c.provider
    own = (factors.c.keeper == here, factors.c.provider == here, factors.c.subject == accounts.c.id)
    return exists().where(*own, factors.c.kind.in_(_SECOND_STEPS))


def _plain(text: str) -> str:
    """A text that every database takes."""
    return text.replace("\0", " ").strip()


def _flag(name: str, given: Mapping[str, str]) -> bool | None:
    if (text := given.get(name)) not in (None, *_FLAGS):
        raise BadQuery(f"{name} is yes or no.")
    return None if text is None else _FLAGS[text]


def _number(name: str, given: Mapping[str, str], usual: int, most: int) -> int:
    text = given.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise BadQuery(f"{name} is a number from 1 to {most}.")
    return int(text)
