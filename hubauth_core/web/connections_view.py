"""What the pages about identities show: plain values, made from what is recorded and configured.

No text of a request is in here but names of scopes that are offered anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ..provider import Provider
from ..retrieval import Connection
from .view import Icon

STATES: Final = MappingProxyType(
    {
        "ready": "Ready to use",
        "needs_login": "Needs a new sign-in",
        "not_stored": "For signing in only",
        "storage_disabled": "For signing in only: this hub keeps no credentials",
        "unavailable": "Does not answer now",
    }
)
"""What a person reads about the credential of an identity."""

OUT_OF_SERVICE: Final = "Out of service on this hub"

DONE: Final = MappingProxyType(
    {
        "connected": "{} is connected.",
        "disconnected": "{} is disconnected. You are signed out everywhere else; tokens that you made yourself are "
        "still good.",
        "user_disconnected": "{} is disconnected, and all sessions of this user have ended.",
        "user_signed_out": "All sessions of this user have ended.",
        "home_changed": "{} decides about this user from now on.",
        "consent_given": "This user may connect an account at {} within a week.",
        "declined": "Nothing was connected.",
    }
)
"""What a person reads after an act, with the provider's label."""


@dataclass(frozen=True)
class Day:
    """A day as people read it, and as machines do."""

    text: str
    iso: str


@dataclass(frozen=True)
class Scope:
    """One permission to be asked for, as a check box."""

    name: str
    checked: bool = False


@dataclass(frozen=True, kw_only=True)
class Card:
    """One identity of a hub user.

    `renew` asks the source anew for what is granted; `further` is what may be asked for beside it; `selected` opens
    that. `stays` says why it cannot be disconnected, "" where it can. `page` is where the account itself is looked
    after, below the provider's path, "" for nowhere here.
    """

    provider: str
    label: str
    icon: Icon
    username: str
    home: bool
    since: Day
    last_used: Day
    state: str
    good: bool
    scopes: tuple[str, ...]
    renew: bool
    further: tuple[Scope, ...]
    selected: bool
    stays: str
    page: str = ""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A provider that can be connected; `problem` says why not now."""

    provider: str
    label: str
    icon: Icon
    further: tuple[Scope, ...]
    selected: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a link to the page, or a form of it, asks for: a provider, and permissions that it offers.

    `others` are permissions that it does not offer; `nowhere` if there is no such provider.
    """

    provider: str = ""
    scopes: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    nowhere: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The same as the query of a link."""
        asked = {"connect": self.provider, "scope": " ".join(sorted(self.scopes))}
        return {name: value for name, value in asked.items() if value}

    def boxes(self, provider: Provider, without: Iterable[str] = ()) -> tuple[Scope, ...]:
        """The check boxes for what a provider offers, `without` what is granted already."""
        granted = frozenset(without)
        mine = self.scopes if self.provider == provider.name else frozenset()
        return tuple(Scope(each, each in mine) for each in provider.further_scopes if each not in granted)


def wish_for(name: str, scopes: Iterable[str], providers: Mapping[str, Provider]) -> Wish:
    """What somebody asks for, as far as it can be had."""
    provider = providers.get(name)
    if provider is None:
        return Wish(nowhere=bool(name))
    asked, offered = frozenset(scopes), frozenset(provider.further_scopes)
    return Wish(provider=name, scopes=asked & offered, others=asked - offered)


def is_unmet(wish: Wish, cards: Iterable[Card], offers: Iterable[Offer]) -> bool:
    """Whether somebody asks for what can be neither granted nor is granted already."""
    granted = {card.provider: frozenset(card.scopes) for card in cards}
    there = {offer.provider: frozenset[str]() for offer in offers} | granted
    if not wish.provider:
        return wish.nowhere
    return wish.provider not in there or not wish.others <= there[wish.provider]


def day(moment: float) -> Day:
    """The day of a time in Unix seconds, in UTC."""
    parts = time.gmtime(moment)
    return Day(f"{parts.tm_mday} {time.strftime('%B %Y', parts)}", time.strftime("%Y-%m-%d", parts))


def card_of(
    connection: Connection, provider: Provider | None, wish: Wish, find_icon: Callable[[Provider], Icon], stays: str
) -> Card:
    """One identity. `provider` is None where it is out of service; `stays`: why it cannot be disconnected."""
    record = connection.record
    further = wish.boxes(provider, connection.scopes) if provider and provider.ends_here else ()
    return Card(
        provider=record.provider,
        label=connection.label,
        icon=find_icon(provider) if provider else Icon(),
        username=record.username,
        home=record.home,
        since=day(record.created_at),
        last_used=day(record.last_used_at),
        state=STATES[connection.state] if provider else OUT_OF_SERVICE,
        good=provider is not None and connection.state not in {"needs_login", "unavailable"},
        scopes=tuple(sorted(connection.scopes)),
        renew=connection.state == "needs_login" and provider is not None and provider.ends_here,
        further=further,
        selected=bool(further) and wish.provider == record.provider,
        stays=stays,
        page=provider.account_page if provider else "",
    )
