"""What happened to somebody's factors: in the audit trail, in the account's history, and by mail to its owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from hubauth_core import Event

from ..accounts import Account
from ..house import House
from .store import Owner

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing that happened: `kind` of event, `reason` for the administrators, `said` to the owner.

    `letter` is the mail, "" for none.
    """

    kind: str
    reason: str = ""
    said: str = ""
    letter: str = "factor_changed"
    address: str = ""


def account_of(house: House, owners: Sequence[Owner]) -> Account | None:
    """The account that a person has here."""
    subject = next((subject for provider, subject in owners if provider == house.name), None)
    return house.accounts.by_id(subject) if subject else None


async def done(
    house: House, owners: Sequence[Owner], act: Act, work: Callable[[Connection], Answer], **values: Any
) -> Answer:
    """Do the work, with what is told of it in the same transaction. Raises what the work raises, StoreError."""
    account = account_of(house, owners)

    def all_of_it(connection: Connection) -> Answer:
        answer = work(connection)
        if account is not None:
            house.accounts.note(connection, account.id, act.kind, reason=act.reason, address=act.address)
            if act.letter and account.email and account.email_verified:
                told = {"username": account.username, "said": act.said, **values}
                house.post.put(connection, act.letter, account.email, **told)
        return answer

    answer = await house.database.write(all_of_it)
    record(house, owners, account, act)
    return answer


def record(house: House, owners: Sequence[Owner], account: Account | None, act: Act) -> None:
    """One line of the audit trail. Raises StoreError."""
    provider, subject = owners[0]
    who = (account.id, account.username) if account else (f"{provider}:{subject}", "")
    event = Event(kind=act.kind, subject=who[0], username=who[1], reason=act.reason, address=act.address)
    house.core.record(event)
