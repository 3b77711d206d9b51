"""What can be done to accounts, for page and programs alike: which acts there are, who may, and how they are done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hubauth_core import LoginRefused

from ..accounts import Account
from .rights import Rights

DAY: Final = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act. `label`: its button; `done`: what is said afterwards, of a number of accounts.

    `asks`: what the page asks before it is done, of `sure`, `reason`, `days`. `own`: good for one's own account too;
    `of_admins`: administrators of the hub alone may.
    """

    label: str
    done: str
    asks: frozenset[str] = frozenset()
    own: bool = True
    of_admins: bool = False


_SURE: Final = frozenset({"sure"})

ACTS: Final[Mapping[str, Act]] = {
    "approve": Act(label="Approve", done="approved"),
    "refuse": Act(label="Refuse", done="refused", asks=frozenset({"sure", "reason"}), own=False),
    "reset": Act(label="New password link", done="given a new link to a password"),
    "send_link": Act(label="Mail a password link", done="sent a new link to a password"),
    "end_sessions": Act(label="End sessions", done="signed out everywhere"),
    "reset_factors": Act(label="Remove second factors", done="left without a second factor", asks=_SURE, own=False),
    "deactivate": Act(label="Deactivate", done="deactivated", asks=frozenset({"sure", "reason", "days"}), own=False),
    "reactivate": Act(label="Reactivate", done="active again"),
    "make_admin": Act(label="Make administrator", done="made administrator", asks=_SURE, of_admins=True),
    "unmake_admin": Act(
        label="No longer administrator", done="no administrator any more", asks=_SURE, own=False, of_admins=True
    ),
    "delete": Act(label="Delete", done="deleted", asks=_SURE, own=False),
}


class NoAccount(LoginRefused):
    """None of the accounts is there, or none is the caller's business."""

    default_code = "not_found"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants done. `until` in Unix seconds, None for good."""

    act: str
    ids: Sequence[str]
    until: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """How many accounts were changed, and the one-time links that came of it, by account."""

    changed: int
    links: Sequence[tuple[Account, str]] = field(default=(), repr=False)


def until_of(days: str, now: float | None = None) -> float | None:
    """The time that a number of days from now means; "" is for good. Raises LoginRefused."""
    if not days:
        return None
    if not (days.isascii() and days.isdigit() and len(days) < 5 and int(days)):
        raise LoginRefused("Say for how many days: a number, or nothing for good.", code="bad_request")
    return (time.time() if now is None else now) + int(days) * DAY


def meant(rights: Rights, wish: Wish) -> list[Account]:
    """The accounts of a wish, if it may be fulfilled: of all, or of none.

    Raises NoAccount, NotAllowed, and LoginRefused for an act that there is not.
    """
    act = ACTS.get(wish.act)
    if act is None:
        raise LoginRefused(f"Known acts: {', '.join(ACTS)}.", code="bad_request")
    if act.of_admins:
        rights.check_admin()
    found = [each for each in map(rights.house.accounts.by_id, dict.fromkeys(wish.ids)) if each and rights.sees(each)]
    if not found:
        raise NoAccount("There is no such account." if wish.ids else "Select at least one account.")
    for account in found:
        rights.check_manages(account)
        if not act.own:
            rights.check_other(account)
    return found


async def perform(rights: Rights, wish: Wish, *, actor: str, address: str) -> Outcome:
    """Do it. Raises what `meant` raises, and StoreError."""
    found = meant(rights, wish)
    ids, do, who = [each.id for each in found], rights.house.administration, {"actor": actor, "address": address}
    match wish.act:
        case "approve":
            return Outcome(await do.approve(ids, actor=actor))
        case "refuse":
            return Outcome(await do.refuse(ids, reason=wish.reason, actor=actor))
        case "deactivate":
            return Outcome(await do.deactivate(ids, until=wish.until, reason=wish.reason, **who))
        case "reactivate":
            return Outcome(await do.reactivate(ids, **who))
        case "send_link":
            return Outcome(await do.send_link(ids, actor=actor))
        case "end_sessions":
            return Outcome(await do.end_sessions(ids, **who))
        case "reset_factors":
            return Outcome(await do.reset_factors(ids, **who))
        case "make_admin" | "unmake_admin":
            return Outcome(await do.set_admin(ids, wish.act == "make_admin", **who))
        case "delete":
            return Outcome(await do.delete(ids, reason=wish.reason, **who))
    links = [(account, await do.reset(account.id, actor=actor)) for account in found]
    return Outcome(len(links), links)
