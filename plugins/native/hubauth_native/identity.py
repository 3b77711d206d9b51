"""Whose account is meant by what somebody types, and what the hub is told of an account."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubauth_core import Core, Decision, Identity, Refused, Request, Unchanged, Updated
from hubauth_core.plugin import hub_user, name_key

from .accounts import Account, Accounts

LONGEST_NAME: Final = 255
"""Characters of what is looked up: no name and no address is longer."""


@dataclass(frozen=True)
class Meant:
    """The account that was meant, None for nobody's; `key` is what its attempts are counted by (row V40)."""

    account: Account | None
    key: str


class People:
    """Finds accounts by what their owners call them."""

    def __init__(self, core: Core, accounts: Accounts) -> None:
        self._core = core
        self._accounts = accounts

    def find(self, typed: str, request: Request) -> Meant:
        """The account of a proved address, else of a name, else of a hub user whom an administrator has renamed.

        What is nobody's has a key too, the same for every spelling. Raises StoreError.
        """
        asked = typed.strip()[:LONGEST_NAME]
        account = self._accounts.by_email(asked) if "@" in asked and asked.isprintable() else None
        account = account or self._accounts.by_name(asked) or self._by_hub_name(asked, request)
        return Meant(account, account.id if account else f"name {_folded(asked)}")

    def _by_hub_name(self, asked: str, request: Request) -> Account | None:
        if request.handler is None or not asked.isprintable():
            return None
        row = request.handler.find_user(request.handler.authenticator.normalize_username(asked))
        subject = self._core.subject_of(hub_user(row)) if row is not None else None
        return self._accounts.by_id(subject) if subject else None


def look(accounts: Accounts, identity: Identity) -> Unchanged | Updated | Refused:
    """Whether somebody who is signed in still may be, and what has changed (row V17). Raises StoreError."""
    account = accounts.by_id(identity.subject)
    if account is None:
        return Refused("account_gone")
    if not account.may_sign_in(time.time()):
        return Refused("account_inactive")
    return Updated(identity=identity_of(account, identity.claims.get("amr", ())), decision=decision_of(account))


def identity_of(account: Account, amr: Sequence[str] = ()) -> Identity:
    """An account as the hub knows people. `amr`: how they have signed in (RFC 8176)."""
    return Identity(
        subject=account.id,
        username=account.username,
        name=account.full_name or None,
        email=account.email,
        email_verified=account.email_verified,
        claims={"amr": list(amr)} if amr else {},
    )


def decision_of(account: Account) -> Decision:
    """What an account's own record says: they may enter, and whether they are an administrator, where it says so."""
    return Decision(allowed=True, admin=account.admin)


def _folded(asked: str) -> str:
    """Names that would be one name, whatever they hold."""
    return name_key(unicodedata.normalize("NFKC", asked).casefold())
