"""What is to become of an entry: looked at against the accounts that are there, with nothing written.

An account that is there is left as it is, unless its password is still the one that came along with it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sqlalchemy import Connection

from hubauth_core import LoginRefused, Secret
from hubauth_core.plugin import name_key, normalise

from ..accounts import ACTIVE, PENDING, Account, Status
from ..factors.store import Owner
from ..factors.totp import SECRET_BYTES, Totp
from ..house import House
from ..mail.mailbox import BadMailbox, mailbox
from ..passwords.hashing import is_hash
from .entry import Entry, Found, Unreadable

Act = Literal["created", "updated", "unchanged", "left_out"]

BCRYPT: Final = "$2"
"""What a password hash begins with that nobody has signed in with here yet: the first sign-in makes argon2id of it."""

SHORTEST: Final = 10
"""Bytes of a second factor's secret."""

APP: Final = "Authenticator app"
"""What a second factor is called that came along."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became, or would become, of one entry. `why` and `notes` are sentences."""

    act: Act
    username: str
    where: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()
    status: Status = ACTIVE
    account: Account | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do about one entry: `values` are those of `Account`, `besides` is done in the same transaction."""

    result: Result
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    besides: Callable[[Connection], object] | None = field(default=None, repr=False)


class Planner:
    """Looks at the entries of one import, one after the other. `origin` and `actor` as for `Bringing`."""

    def __init__(self, house: House, *, origin: str, actor: str) -> None:
        self._house = house
        self._origin = origin
        self._actor = actor
        self._totp = Totp(house.core, house.database, house.factors)
        self._seen: dict[str, str] = {}

    async def plan(self, found: Found) -> Plan:
        """What to do about it. Raises StoreError."""
        result = Result(act="left_out", username=found.username[:255], where=found.where)
        if isinstance(found, Unreadable):
            return Plan(result=replace(result, why=found.why))
        try:
            name = normalise(found.username)
        except LoginRefused as error:
            return Plan(result=replace(result, why=error.sentence))
        result, key = replace(result, username=name), name_key(name)
        if key in self._seen:
            why = f"Its name is, or looks like, that of {self._seen[key]}, which stands before it."
            return Plan(result=replace(result, why=why))
        self._seen[key] = f"{name!r} ({found.where})" if found.where else repr(name)
        there = self._house.accounts.by_name(name)
        return await (self._new(found, result) if there is None else self._again(found, result, there))

    async def _new(self, entry: Entry, result: Result) -> Plan:
        notes: list[str] = []
        account_id = secrets.token_hex(16)
        email, verified = self._email(entry, notes)
        values: dict[str, Any] = {
            "id": account_id,
            "full_name": entry.full_name[:255],
            "email": email,
            "email_verified": verified,
            "status": entry.status,
            "admin": entry.admin,
            "origin": self._origin,
            "vouched": True,
        }
        if usable := _usable(entry.password_hash, notes):
            values |= {"password_hash": usable, "password_set_at": time.time()}
        if entry.status == ACTIVE:
            values |= self._approved()
        besides = await self._second_factor(entry, account_id, notes)
        done = replace(result, act="created", notes=tuple(notes), status=entry.status)
        return Plan(result=done, values=values, besides=besides)

    async def _again(self, entry: Entry, result: Result, there: Account) -> Plan:
        result = replace(result, account=there)
        if there.username != result.username:
            return Plan(result=replace(result, why=f"It looks like {there.username!r}, which is taken."))
        if there.origin != self._origin:
            why = "There is an account of this name, which did not come from there."
            return Plan(result=replace(result, why=why))
        values: dict[str, Any] = {}
        notes: list[str] = []
        besides = None
        if there.password_hash is not None and there.password_hash.reveal().startswith(BCRYPT):
            new = entry.password_hash
            if new is not None and new != there.password_hash and is_hash(new.reveal()):
                values["password_hash"] = new
            if not self._had_second_factor(there):
                besides = await self._second_factor(entry, there.id, notes)
        if there.status == PENDING and entry.status == ACTIVE:
            values |= {"status": ACTIVE, **self._approved()}
        act: Act = "updated" if values or besides else "unchanged"
        result = replace(result, act=act, notes=tuple(notes), status=values.get("status", there.status))
        return Plan(result=result, values=values, besides=besides)

    def _approved(self) -> dict[str, Any]:
        return {"approved_at": time.time(), "approved_by": self._actor}

    def _email(self, entry: Entry, notes: list[str]) -> tuple[str | None, bool]:
        """Its address, and whether it counts as proved."""
        if not entry.email:
            return None, False
        try:
            address = mailbox(entry.email)
        except BadMailbox:
            notes.append("Its e-mail address is none, and was left out.")
            return None, False
        if entry.email_verified and self._house.accounts.by_email(address) is not None:
            notes.append("Its e-mail address is another account's: here it counts as not proved.")
            return address, False
        return address, entry.email_verified

    async def _second_factor(
        self, entry: Entry, account_id: str, notes: list[str]
    ) -> Callable[[Connection], object] | None:
        """What stores its second factor, if it has one."""
        if entry.totp is None:
            return None
        if not self._totp.possible:
            notes.append("Its second factor was left out: there are no crypt keys. Set one, and import again.")
            return None
        secret = _padded(entry.totp)
        if secret is None:
            notes.append("The secret of its second factor cannot be read, and was left out.")
            return None
        owner: Owner = (self._house.name, account_id)
        return await self._totp.sealed(owner, secret, APP, -1)

    def _had_second_factor(self, account: Account) -> bool:
        """Whether it has one now, or an administrator has taken it away."""
        past = self._house.administration.history(account.id)
        removed = any(each.act == "factor_removed" for each in past)
        return removed or bool(self._house.factors.of([(self._house.name, account.id)]))


def _usable(stored: Secret | None, notes: list[str]) -> Secret | None:
    if stored is None:
        notes.append("It has no password: its owner needs a link to choose one.")
        return None
    if not is_hash(stored.reveal()):
        notes.append("Its password hash is of no known kind: its owner needs a link to choose a password.")
        return None
    return stored


def _padded(secret: Secret) -> Secret | None:
    """The secret as long as ours are, with the same codes: HMAC fills a short key up with zeros (RFC 2104, section 2).

    None for what is no base32, or shorter than NativeAuthenticator's own 80 bits.
    """
    try:
        key = base64.b32decode(secret.reveal(), casefold=True)
    except (binascii.Error, ValueError):
        return None
    return Secret(base64.b32encode(key.ljust(SECRET_BYTES, b"\0")).decode()) if len(key) >= SHORTEST else None
