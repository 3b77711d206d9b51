"""One renewal at a time for each credential, whatever asks for it: many requests, many tabs, many processes.

A rotated refresh token is stored before anything is handed out, because the one before is dead by then (rows R04, F10).
Only what the source says for good asks for a new sign-in; silence and faults are waited out (row F11).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from .calls import Calls
from .errors import CredentialError, HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from .events import Audit, reason_code
from .mapping import Record
from .saving import Place, Saving
from .types import Credential, Event, Fresh, ReauthRequired, RefreshedCredential, Rotated, Unavailable
from .vault import Held, Opened, Vault

DEFAULT_TTL: Final = 60.0
"""Seconds for which a credential that is handed out is still good, where nobody asks for more."""

LONGEST_PAUSE: Final = 300.0
"""Seconds after which a source that does not answer is asked again, unless it names a time itself."""

LONGEST_WISH: Final = 3600.0
"""Seconds for which a source is left alone at most, whatever it names."""

RAN_OUT: Final = "expired"
"""The reason of a credential that ended by itself; with any other the source has taken it back."""

LOOK_AGAIN: Final = 0.1
"""Seconds between two looks at a lease that another process has."""

LEASE_MARGIN: Final = 60.0
"""Seconds for which a lease outlasts the longest call of a provider: time to store what it brought."""

BUSY: Final = 5.0
"""Seconds after which to come again, where another process is about it for too long."""

_STANDS_FOR: Final = "#"
"""Parts a resource's name from what it stands for; no resource that a source names has one (RFC 8707, section 2)."""


@dataclass(frozen=True)
class _Known:
    """A stored credential: whose it is, its row, and what is in it."""

    record: Record
    held: Held
    credential: Credential


class Refresher:
    """Answers with credentials that are good, and renews those that are not. `clock` gives Unix seconds.

    `patience`: seconds to wait for a renewal that another process has begun.
    """

    def __init__(
        self,
        *,
        registry: Calls,
        vault: Vault,
        audit: Audit,
        log: logging.Logger | logging.LoggerAdapter[Any],
        clock: Callable[[], float] = time.time,
        patience: float = 30.0,
    ) -> None:
        self._registry = registry
        self._vault = vault
        self._audit = audit
        self._log = log
        self._clock = clock
        self._patience = patience
        self._flights: dict[Place, asyncio.Task[Credential]] = {}
        self._saving = Saving(vault, log)

    async def fresh(
        self,
        record: Record,
        resource: str = "",
        *,
        min_ttl: float = DEFAULT_TTL,
        seen: Opened[Credential] | None = None,
        instead_of: Credential | None = None,
    ) -> Credential:
        """The credential of an identity for a resource of its provider, good for `min_ttl` seconds if that can be had.

        `seen`: what is stored, where the caller has just read it. `instead_of`: one that the source does not take,
        however long it should last; it is answered again where it cannot be renewed.

        Raises CredentialError (`storage_disabled`, `needs_login`, and what an exchange was refused for),
        ProviderUnavailable, ProviderError, StoreError.
        """
        key = self.key_of(record.provider, resource)
        place = (record.id, key)
        known = _known(record, seen or await self._vault.credential(record, key))
        if known is not None and place not in self._saving and self._lasts(known, min_ttl, instead_of):
            return known.credential
        if place not in self._flights:
            flight = asyncio.ensure_future(self._bring(record, resource, key, min_ttl, instead_of))
            self._flights[place] = flight
            flight.add_done_callback(lambda done: self._landed(place, done))
        return await asyncio.shield(self._flights[place])

    def key_of(self, provider: str, resource: str) -> str:
        """Under which key a resource's credential is stored: its name, and what that stands for now (row R14)."""
        stands_for = self._registry.provider(provider).resources.get(resource)
        if stands_for is None:
            return resource
        return f"{resource}{_STANDS_FOR}{sha256(stands_for.encode()).hexdigest()[:16]}"

    async def give_up(self, record: Record, credential: Credential, reason: str) -> None:
        """The source does not take a credential any more, renewed or not: only a new sign-in can help.

        Raises StoreError.
        """
        known = _known(record, await self._vault.credential(record, credential.resource))
        if known is not None and known.credential == credential:
            await self._give_up(known, "refused" if reason == RAN_OUT else reason)

    async def settle(self) -> None:
        """Wait for what is under way, for a process that is about to end: what was renewed is stored then."""
        if self._flights:
            await asyncio.wait({*self._flights.values()})
        await self._saving.settle()

    def _landed(self, place: Place, done: asyncio.Task[Credential]) -> None:
        del self._flights[place]
        if not done.cancelled():
            done.exception()  # everybody who waited may have gone

    def _lasts(self, known: _Known, min_ttl: float, instead_of: Credential | None) -> bool:
        return known.held.lasts(self._clock(), min_ttl) and known.credential != instead_of

    async def _bring(
        self, record: Record, resource: str, key: str, min_ttl: float, instead_of: Credential | None
    ) -> Credential:
        """Get a credential that is good for so long; where that fails, the stored one, if it is good at all."""
        try:
            if is_derived(key):
                return await self._derived(record, resource, key, min_ttl)
            return await self._renewed(record, key, min_ttl, instead_of)
        except HubAuthError:
            known = _known(record, await self._vault.credential(record, key))
            if known is None or not self._lasts(known, 0, instead_of):
                raise
            return known.credential

    async def _renewed(
        self, record: Record, key: str, min_ttl: float, instead_of: Credential | None = None
    ) -> Credential:
        """Renew a credential, or wait for the process that does."""
        until = time.monotonic() + self._patience
        while True:
            saved = await self._saving.awaited((record.id, key))
            if saved is not None:
                return saved
            known = _must_know(record, await self._vault.credential(record, key))
            if self._is_enough(known, min_ttl, instead_of):
                return known.credential
            if await self._vault.lease(record, known.held, self._registry.hook_timeout + LEASE_MARGIN):
                renewed = await self._ask(known)
                if renewed is not None:
                    return renewed
            elif time.monotonic() > until:
                raise self._silent(record, BUSY)
            else:
                await asyncio.sleep(LOOK_AGAIN)

    def _is_enough(self, known: _Known, min_ttl: float, instead_of: Credential | None) -> bool:
        """Whether what is stored is to be handed out. Raises ProviderUnavailable while nobody asks the source."""
        now, held = self._clock(), known.held
        if self._lasts(known, min_ttl, instead_of):
            return True
        if held.retry_at > now:
            if not self._lasts(known, 0, instead_of):
                raise self._silent(known.record, held.retry_at - now)
            return True
        return held.lasts(now) and not held.renewable

    async def _ask(self, known: _Known) -> Credential | None:
        """Have the source renew it, with the lease in hand; None if the row is to be looked at again."""
        outcome = await self._outcome(known)
        match outcome:
            case Rotated(credential=renewed):
                renewed = replace(renewed, resource=known.credential.resource)
                return await self._saving.store(known.record, known.held, renewed)
            case Fresh() if known.held.lasts(self._clock()):
                await self._vault.leave(known.record, known.held)
                return known.credential
            case ProviderError():
                await self._put_off(known, outcome)
                raise outcome
            case _:
                await self._give_up(known, outcome.reason if isinstance(outcome, ReauthRequired) else RAN_OUT)
                return None

    async def _outcome(self, known: _Known) -> RefreshedCredential | ProviderError:
        """What the source says. What it does wrong comes as an error: it says nothing about the grant (row F11)."""
        record = known.record
        try:
            outcome: RefreshedCredential = await self._registry.ask(
                "hubauth_refresh_credential", record.provider, credential=known.credential
            )
        except (CredentialError, LoginRefused) as error:
            return ReauthRequired(error.code)
        except ProviderError as error:
            return error
        except HubAuthError as error:
            return ProviderError(error.sentence, code=error.code)
        return self._silent(record, outcome.retry_after) if isinstance(outcome, Unavailable) else outcome

    async def _put_off(self, known: _Known, fault: ProviderError) -> None:
        """Leave the source alone for a growing while; the grant may well be good."""
        pause = min(2.0 ** min(known.held.failures, 20), LONGEST_PAUSE)
        fault.retry_after = min(max(pause, fault.retry_after or 0.0), LONGEST_WISH)
        self._tell("credential_not_renewed", known, fault.code)
        await self._vault.put_off(known.record, known.held, self._clock() + fault.retry_after)

    async def _give_up(self, known: _Known, reason: str) -> None:
        """The source says no for good. What another sign-in has stored meanwhile is not touched."""
        reason = reason_code(reason) or "refused"
        if await self._vault.set_aside(known.record, known.held, reason) and not is_derived(known.held.resource):
            self._tell("credential_lost", known, reason)

    def _tell(self, kind: str, known: _Known, reason: str) -> None:
        record = known.record
        event = Event(
            kind=kind,
            provider=record.provider,
            subject=record.subject,
            username=record.username,
            hub_user=record.hub_name,
            resource=known.credential.resource,
            reason=reason,
        )
        self._audit.record(event)

    async def _derived(self, record: Record, resource: str, key: str, min_ttl: float) -> Credential:
        """A credential that is got with the provider's own one: renewed by itself if it can be, else got again."""
        known = _known(record, await self._vault.credential(record, key))
        if known is not None and known.held.lasts(self._clock(), min_ttl):
            return known.credential
        if known is not None and known.held.renewable:
            try:
                return await self._renewed(record, key, min_ttl)
            except CredentialError as error:
                if error.code != "needs_login":
                    raise
        base = await self.fresh(record, min_ttl=min_ttl)
        got: Credential = await self._registry.ask(
            "hubauth_retrieve_credential", record.provider, credential=base, resource=resource
        )
        got = replace(got, resource=resource)
        if not await self._vault.add(record, await self._vault.sealed(record, key, got)):
            raise _needs_login()
        return got

    def _silent(self, record: Record, retry_after: float | None) -> ProviderUnavailable:
        label = self._registry.provider(record.provider).label
        return ProviderUnavailable(f"{label} does not answer, try again.", retry_after=retry_after)


def is_taken_back(held: Held | None) -> bool:
    """Whether the source has taken a grant back; one that only ran out says nothing about the person."""
    return held is not None and held.trouble not in ("", RAN_OUT)


def is_derived(key: str) -> bool:
    """Whether what is stored under a key was got with the provider's own credential, and can be got again."""
    return _STANDS_FOR in key


def resource_of(key: str) -> str:
    """The name of the resource whose credential is stored under a key."""
    return key.partition(_STANDS_FOR)[0]


def _known(record: Record, opened: Opened[Credential]) -> _Known | None:
    """What can be used of a row. Raises CredentialError where nothing is ever stored."""
    if opened.reason == "storage_disabled":
        raise CredentialError("This hub keeps no credentials.", code="storage_disabled")
    if opened.content is None or opened.held is None or opened.held.trouble:
        return None
    return _Known(record, opened.held, opened.content)


def _must_know(record: Record, opened: Opened[Credential]) -> _Known:
    known = _known(record, opened)
    if known is None:
        raise _needs_login()
    return known


def _needs_login() -> CredentialError:
    return CredentialError("This provider wants you to sign in again.", code="needs_login")
