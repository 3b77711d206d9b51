"""Accounts as the pages of administrators show them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from ..accounts import INACTIVE, PENDING, Account


@dataclass(frozen=True)
class Moment:
    """A time for programs and for people, in UTC."""

    iso: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One account. `state`: in words; `waits`: for approval."""

    account: Account
    state: str
    waits: bool
    inactive: bool
    has_factor: bool
    created: Moment
    last_sign_in: Moment | None
    last_failure: Moment | None

    @classmethod
    def of(cls, account: Account, has_factor: bool = False) -> Shown:
        """What is shown of an account."""
        inactive = account.status == INACTIVE and not account.may_sign_in(time.time())
        return cls(
            account=account,
            state=_state(account, inactive),
            waits=account.status == PENDING,
            inactive=inactive,
            has_factor=has_factor,
            created=moment(account.created_at),
            last_sign_in=moment(account.last_sign_in_at) if account.last_sign_in_at else None,
            last_failure=moment(account.last_failure_at) if account.last_failure_at else None,
        )


def moment(seconds: float) -> Moment:
    """A time of the database."""
    when = datetime.fromtimestamp(seconds, UTC)
    return Moment(when.isoformat(timespec="seconds"), when.strftime("%Y-%m-%d %H:%M UTC"))


def _state(account: Account, inactive: bool) -> str:
    if account.status == PENDING:
        return "Waits for approval"
    if not inactive:
        return "Active"
    return f"Inactive until {moment(account.inactive_until).text}" if account.inactive_until else "Inactive"
