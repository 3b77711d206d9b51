"""Whether a hub user who has signed in may stay, and with which rights: the home identity's provider decides.

A source that is silent, slow or wants to be left alone changes nothing: the rules hold on what is recorded. Only a
definite no ends what somebody has open, and one that was taken out of the configuration has no people at work.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from .access import FAULTS, Access, Verdict
from .asking import Asking, Outcome, Unclear
from .errors import LoginRefused, StoreError
from .facts import recorded
from .hub import hub_key_of
from .identities import Identities
from .mapping import HubKey, Record
from .provider import Provider
from .recheck import is_known
from .refresh import is_taken_back
from .registry import Registry
from .types import HubCall, Identity, ReauthRequired, Refused, Unchanged, Updated
from .vault import Held, Vault, held_by

REMEMBERED: Final = 60.0
"""Seconds for which "sign in again" stands without the source being asked once more."""

UNCLEAR_FOR: Final = 24 * 3600.0
"""Seconds since its last clear word for which a source may answer what cannot be used; then a new sign-in tells."""


class Standing(enum.Enum):
    """What there is to say of a hub user where there is no verdict."""

    UNKNOWN = "nobody can be asked"
    AGAIN = "only a new sign-in can help"
    OUT = "refused for good"


class Staying:
    """Answers JupyterHub's refreshes. `ticks` gives monotonic seconds."""

    def __init__(
        self,
        *,
        registry: Registry,
        access: Access,
        identities: Identities,
        vault: Vault,
        asking: Asking,
        log: logging.Logger | logging.LoggerAdapter[Any],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._access = access
        self._identities = identities
        self._vault = vault
        self._asking = asking
        self._log = log
        self._ticks = ticks
        self._refreshing: dict[HubKey, asyncio.Future[Verdict | Standing]] = {}
        self._sent_away: dict[HubKey, float] = {}

    async def refresh(self, user: Any, handler: Any = None) -> Verdict | Standing:
        """A hub user's rights now, by the rules and by what the source says or, where it is not asked or does not
        answer, by what is recorded. `user` is JupyterHub's.

        JupyterHub asks for each request that comes meanwhile; the source is asked once, because a refresh token may be
        good for one use only (row F10).
        """
        key = hub_key_of(user)
        if key not in self._refreshing:
            self._refreshing[key] = asyncio.ensure_future(self._refresh(user, handler))
            self._refreshing[key].add_done_callback(lambda _: self._refreshing.pop(key))
        return await asyncio.shield(self._refreshing[key])

    def arrived(self, user: Any) -> None:
        """The hub user has signed in with the home identity, so that the source has let them in."""
        self._sent_away.pop(hub_key_of(user), None)

    async def left(self, user: Any) -> None:
        """The hub user is out for good, by whatever rule: until their next sign-in the home identity says so."""
        record, _ = self._home(hub_key_of(user))
        try:
            if record is not None:
                await self._identities.mark(record, refused=True)
        except StoreError as error:  # who is out is out all the same
            self._log.error("hubauth: that %s is out could not be stored: %s", user.name, error.sentence)

    async def _refresh(self, user: Any, handler: Any) -> Verdict | Standing:
        key = hub_key_of(user)
        record, held = self._home(key)
        if record is None or record.provider in self._registry.broken:
            return Standing.UNKNOWN
        if record.provider not in self._registry.providers or is_taken_back(held):
            return Standing.AGAIN
        if self._ticks() - self._sent_away.get(key, -REMEMBERED) < REMEMBERED:
            return Standing.AGAIN
        outcome = await self._asking.ask(record, held, HubCall(user=user, handler=handler))
        if is_taken_back(self._home(key)[1]):
            return Standing.AGAIN
        if isinstance(outcome, Unclear):
            if self._vault.now() - record.checked_at > UNCLEAR_FOR:
                return Standing.AGAIN
            outcome = None
        if isinstance(outcome, ReauthRequired):
            self._sent_away[key] = self._ticks()
        elif outcome is not None:
            self._sent_away.pop(key, None)
        if key in self._sent_away:  # a source that is silent now has not taken it back
            return Standing.AGAIN
        return await self._judged(record, outcome)

    def _home(self, user: HubKey) -> tuple[Record | None, Held | None]:
        """The home identity, and what its credential's row says: one query."""
        for holding in self._vault.holdings(user):
            if holding.record.home:
                return holding.record, None if holding.row is None else held_by(holding.row)
        return None, None

    async def _judged(self, record: Record, outcome: Outcome) -> Verdict | Standing:
        """The rules once more, on what the source says or on what is recorded; what it says is recorded."""
        provider = self._registry.provider(record.provider)
        now = outcome.identity if isinstance(outcome, Updated) else record.identity
        said_so = isinstance(outcome, Updated | Refused)
        certain = said_so or is_known(record, provider)
        try:
            verdict = self._by_rules(provider, record, outcome)
        except LoginRefused as refusal:
            if refusal.code in FAULTS:  # the sign-in that it takes now is refused, but nothing is lost
                return Standing.AGAIN
            if self._access.is_blocked_name(provider, now):
                await self._pin(provider, now, provider.normalize_username(now.username))
            await self._note(provider, record, outcome, refused=said_so or record.refused_at is not None)
            return Standing.OUT if certain else Standing.AGAIN
        still_out = record.refused_at is not None and not isinstance(outcome, Updated)  # at a sign-in meanwhile, too
        if verdict.relied_on is not None:
            await self._pin(provider, now, verdict.relied_on)
        await self._note(provider, record, outcome, refused=still_out)
        if still_out:
            return Standing.OUT
        return replace(verdict, certain=certain, said=now if isinstance(outcome, Updated) else None)

    def _by_rules(self, provider: Provider, record: Record, outcome: Outcome) -> Verdict:
        """What the rules say of what the source says or, where it says nothing new, of what is recorded.

        Raises LoginRefused.
        """
        if isinstance(outcome, Refused):
            reason = outcome.reason if outcome.reason in FAULTS else "refused_by_source"
            raise LoginRefused("The source says no.", code=reason)
        if isinstance(outcome, Updated):
            return self._access.decide(provider, outcome.identity, outcome.decision, scopes=record.scopes)
        return self._access.recorded(provider, record)

    async def _note(self, provider: Provider, record: Record, outcome: Outcome, *, refused: bool) -> None:
        """Write down what the source has said: at most once a check, and not what is there already."""
        if not isinstance(outcome, Updated | Unchanged | Refused):
            return
        username, facts = record.username, record.facts
        if isinstance(outcome, Updated):
            username = outcome.identity.username
            facts = recorded(outcome.identity, record.scopes, provider.rule_claims, provider.asked_about)
        same = (username, facts, refused) == (record.username, record.facts, record.refused_at is not None)
        if same and not provider.membership_max_age:
            return
        try:
            await self._identities.checked(record, username, facts, refused=refused)
        except StoreError as error:
            self._log.error("hubauth: what %r says of people could not be stored: %s", provider.name, error.sentence)

    async def _pin(self, provider: Provider, identity: Identity, name: str) -> None:
        """A name that decides belongs to its first subject, a blocked one follows it."""
        try:
            await self._identities.pin(provider.name, name, identity.subject)
        except StoreError as error:
            self._log.error("hubauth: a name at %r could not be pinned: %s", provider.name, error.sentence)
