"""Accounts as they are stored: found by id, name or proved address; written only inside a transaction of the caller."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hubauth_core import LoginRefused, Secret
from hubauth_core.plugin import Database, name_key, normalise

from .schema import accounts, history

Status = Literal["pending", "active", "inactive"]
PENDING: Final = "pending"
ACTIVE: Final = "active"
INACTIVE: Final = "inactive"


UNIQUE: Final = frozenset({"name_key", "verified_email_key"})
"""Columns in which two accounts can meet; a transaction goes on where they do, so they have a savepoint."""


class NameTaken(LoginRefused):
    """The name, or one that looks like it, is an account's already; the database has the last word (rows V21, V38)."""

    default_code = "name_taken"


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account. `status`: `pending` waits for approval, `inactive` may not sign in (`inactive_until`: for how long).

    `admin` of None leaves it to the hub whether this is an administrator. See `schema.accounts`.
    """

    id: str
    username: str
    full_name: str = ""
    email: str | None = None
    email_verified: bool = False
    password_hash: Secret | None = field(default=None, repr=False)
    password_set_at: float | None = None
    must_change: bool = False
    must_verify: bool = False
    status: Status = ACTIVE
    inactive_until: float | None = None
    status_reason: str = ""
    admin: bool | None = None
    vouched: bool = False
    origin: str = ""
    created_at: float = 0.0
    announced_at: float | None = None
    approved_at: float | None = None
    approved_by: str = ""
    terms_version: str = ""
    terms_at: float | None = None
    last_sign_in_at: float | None = None
    failures: int = 0
    last_failure_at: float | None = None

    def may_sign_in(self, now: float) -> bool:
        """Whether it is approved, its address proved if it has to be, and it is not (or no longer) inactive."""
        over = self.inactive_until is not None and self.inactive_until <= now
        return not self.must_verify and (self.status == ACTIVE or (self.status == INACTIVE and over))


def email_key(address: str) -> str:
    """What addresses have in common that reach the same box as far as anybody can tell: case is ignored."""
    return address.casefold()


class Accounts:
    """The accounts of one provider. Reads are short, for the event loop; writes take the caller's connection."""

    def __init__(self, database: Database, provider: str) -> None:
        self.database = database
        self.provider = provider

    def by_id(self, account_id: str) -> Account | None:
        return self._one(accounts.c.id == account_id)

    def by_name(self, username: str) -> Account | None:
        """The account of that name in any spelling. What cannot be a name is nobody's."""
        try:
            key = name_key(normalise(username))
        except LoginRefused:
            return None
        return self._one(accounts.c.name_key == key)

    def by_email(self, address: str) -> Account | None:
        """The account that has proved to own that address."""
        return self._one(accounts.c.verified_email_key == email_key(address))

    def held(self, connection: Connection, account_id: str) -> Account | None:
        """The account as it is now; nobody else changes it until this transaction is over."""
        query = select(accounts).where(self._is(account_id)).with_for_update()
        row = connection.execute(query).mappings().first()
        return None if row is None else account_of(dict(row))

    def create(self, connection: Connection, username: str, **values: Any) -> Account:
        """A new account; `values` as in `Account`. Raises LoginRefused for a name that cannot be, NameTaken."""
        name = normalise(username)
        made = {"id": secrets.token_hex(16), "created_at": time.time()}
        account = Account(**{**made, **values, "username": name})
        try:
            with connection.begin_nested():
                connection.execute(insert(accounts).values(**self._row(account), name_key=name_key(name)))
        except IntegrityError as error:
            raise NameTaken("This name is taken. Choose another one.") from error
        return account

    def change(self, connection: Connection, account_id: str, **values: Any) -> bool:
        """Set fields of `Account`; False if there is no such account.

        Raises NameTaken also for an address that another account has proved to own.
        """
        columns = dict(values)
        if "username" in columns:
            columns["username"] = normalise(columns["username"])
            columns["name_key"] = name_key(columns["username"])
        if "email" in columns or "email_verified" in columns:
            address, verified = columns["email"], columns.pop("email_verified", False)
            columns["verified_email_key"] = email_key(address) if address and verified else None
        if isinstance(columns.get("password_hash"), Secret):
            columns["password_hash"] = columns["password_hash"].reveal()
        changed = update(accounts).where(self._is(account_id)).values(**columns)
        if not columns.keys() & UNIQUE:
            return bool(connection.execute(changed).rowcount)
        try:
            with connection.begin_nested():
                return bool(connection.execute(changed).rowcount)
        except IntegrityError as error:
            raise NameTaken("This name or address is taken.") from error

    def delete(self, connection: Connection, account_id: str) -> bool:
        """Delete an account with its history and links; False if there is none."""
        return bool(connection.execute(delete(accounts).where(self._is(account_id))).rowcount)

    def note(
        self, connection: Connection, account_id: str, act: str, *, actor: str = "", reason: str = "", address: str = ""
    ) -> None:
        """Write down what happened to an account."""
        row = {"account_id": account_id, "at": time.time(), "act": act, "actor": actor}
        connection.execute(insert(history).values(**row, reason=reason[:1000], address=address[:64]))

    def _one(self, condition: Any) -> Account | None:
        with self.database.read() as connection:
            query = select(accounts).where(accounts.c.provider == self.provider, condition)
            row = connection.execute(query).mappings().first()
        return None if row is None else account_of(dict(row))

    def _is(self, account_id: str) -> Any:
        return (accounts.c.id == account_id) & (accounts.c.provider == self.provider)

    def _row(self, account: Account) -> dict[str, Any]:
        row = {name: getattr(account, name) for name in Account.__dataclass_fields__}
        verified, stored = row.pop("email_verified"), row["password_hash"]
        row["verified_email_key"] = email_key(row["email"]) if row["email"] and verified else None
        return {**row, "provider": self.provider, "password_hash": stored.reveal() if stored else None}


def account_of(row: Mapping[str, Any]) -> Account:
    """A row of the table as a value."""
    values = {name: row[name] for name in Account.__dataclass_fields__ if name in row}
    stored = row["password_hash"]
    return Account(
        **{
            **values,
            "password_hash": Secret(stored) if stored else None,
            "email_verified": row["verified_email_key"] is not None,
        }
    )
