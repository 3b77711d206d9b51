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
from .errors import CredentialError, HubAuthError, ProviderError, ProviderUnavailable, StoreError
from .events import Audit, reason_code
from .mapping import Record
from .types import Credential, Event, Fresh, ReauthRequired, RefreshedCredential, Rotated, Unavailable
from .vault import Held, Opened, Vault

DEFAULT_TTL: Final = 60.0
"""Seconds for which a credential that is handed out is still good, where nobody asks for more."""

LONGEST_PAUSE: Final = 300.0
"""Seconds after which a source that does not answer is asked again, unless it names a time itself."""

RAN_OUT: Final = "expired"
"""The reason of a credential that ended by itself; with any other the source has taken it back."""

_SAVE_AGAIN: Final = (0.1, 0.5, 2.0)
_LOOK_AGAIN: Final = 0.1
"""Seconds between two tries to write, and between two looks at a lease that another process has."""


@dataclass(frozen=True)
class _Known:
    """A stored credential: whose it is, its row, and what is in it."""

    record: Record
    held: Held
    credential: Credential

    @property
    def place(self) -> tuple[str, str]:
        return (self.record.id, self.held.resource)


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
        self._flights: dict[tuple[str, str], asyncio.Task[Credential]] = {}
        self._unsaved: dict[tuple[str, str], tuple[Held, Credential]] = {}

    async def fresh(self, record: Record, resource: str = "", *, min_ttl: float = DEFAULT_TTL) -> Credential:
        """The credential of an identity for a resource of its provider, good for `min_ttl` seconds if that can be had.

        Raises CredentialError (`storage_disabled`, `needs_login`, and what an exchange was refused for),
        ProviderUnavailable, ProviderError, StoreError.
        """
        key = self.key_of(record.provider, resource)
        known = _known(record, await self._vault.credential(record, key))
        if known is not None and known.held.lasts(self._clock(), min_ttl):
            return known.credential
        place = (record.id, key)
        if place not in self._flights:
            work = self._derived(record, resource, key, min_ttl) if resource else self._renewed(record, key, min_ttl)
            self._flights[place] = asyncio.ensure_future(work)
            self._flights[place].add_done_callback(lambda done: self._landed(place, done))
        return await asyncio.shield(self._flights[place])

    def key_of(self, provider: str, resource: str) -> str:
        """Under which key a resource's credential is stored: its name, and what that stands for now (row R14)."""
        stands_for = self._registry.provider(provider).resources.get(resource)
        return resource if stands_for is None else f"{resource}#{sha256(stands_for.encode()).hexdigest()[:16]}"

    def _landed(self, place: tuple[str, str], done: asyncio.Task[Credential]) -> None:
        del self._flights[place]
        if not done.cancelled():
            done.exception()  # everybody who waited may have gone

    async def _renewed(self, record: Record, key: str, min_ttl: float) -> Credential:
        """Renew a credential, or wait for the process that does."""
        until = self._clock() + self._patience
        while True:
            await self._save_late((record.id, key), record)
            known = _must_know(record, await self._vault.credential(record, key))
            if self._is_enough(known, min_ttl):
                return known.credential
            if await self._vault.lease(record, known.held):
                renewed = await self._ask(known)
                if renewed is not None:
                    return renewed
            elif self._clock() > until:
                raise self._silent(record, 5.0)
            else:
                await asyncio.sleep(_LOOK_AGAIN)

    def _is_enough(self, known: _Known, min_ttl: float) -> bool:
        """Whether what is stored is to be handed out. Raises ProviderUnavailable while nobody asks the source."""
        now, held = self._clock(), known.held
        if held.lasts(now, min_ttl):
            return True
        if held.retry_at > now:
            if not held.lasts(now):
                raise self._silent(known.record, held.retry_at - now)
            return True
        return held.lasts(now) and not held.renewable

    async def _ask(self, known: _Known) -> Credential | None:
        """Have the source renew it, with the lease in hand; None if the row has become another meanwhile."""
        try:
            outcome = await self._outcome(known)
        except ProviderError as error:
            await self._put_off(known, None)
            if known.held.lasts(self._clock()):
                return known.credential
            raise error
        alive = known.held.lasts(self._clock())
        match outcome:
            case Rotated(credential=renewed):
                return await self._keep(known, replace(renewed, resource=known.credential.resource))
            case Fresh() if alive:
                await self._vault.leave(known.record, known.held)
                return known.credential
            case Unavailable(retry_after=retry_after):
                pause = await self._put_off(known, retry_after)
                if alive:
                    return known.credential
                raise self._silent(known.record, pause)
            case _:
                await self._give_up(known, outcome.reason if isinstance(outcome, ReauthRequired) else RAN_OUT)
                return None

    async def _outcome(self, known: _Known) -> RefreshedCredential:
        provider = known.record.provider
        try:
            outcome: RefreshedCredential = await self._registry.ask(
                "hubauth_refresh_credential", provider, credential=known.credential
            )
        except ProviderUnavailable as error:
            return Unavailable(error.retry_after)
        except CredentialError as error:
            return ReauthRequired(error.code)
        return outcome

    async def _keep(self, known: _Known, renewed: Credential) -> Credential | None:
        """Store what the source has issued. Until that is done nobody gets it, and it is not forgotten either."""
        self._unsaved[known.place] = (known.held, renewed)
        for pause in (*_SAVE_AGAIN, None):
            try:
                return await self._save(known.place, known.record)
            except StoreError:
                self._log.error("hubauth: a renewed credential of %r could not be stored", known.record.provider)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        return None

    async def _save_late(self, place: tuple[str, str], record: Record) -> None:
        """Store what could not be stored at an earlier request. Raises StoreError."""
        if place in self._unsaved:
            await self._save(place, record)

    async def _save(self, place: tuple[str, str], record: Record) -> Credential | None:
        held, renewed = self._unsaved[place]
        row = await self._vault.sealed(record, held.resource, renewed)
        stored = await self._vault.replace(row, held)
        del self._unsaved[place]
        if stored:
            return renewed
        # A new sign-in has brought another grant, or identity or user are gone: then nobody wants this one.
        await self._not_wanted(record, renewed)
        return None

    async def _not_wanted(self, record: Record, credential: Credential) -> None:
        try:
            await self._registry.ask("hubauth_revoke_credential", record.provider, credential=credential)
        except HubAuthError as error:
            self._log.warning("hubauth: %r was not told of a credential that is not wanted: %s", record.provider, error)

    async def _put_off(self, known: _Known, retry_after: float | None) -> float:
        """Leave the source alone for a growing while; the grant may well be good. Answers the pause in seconds."""
        pause = max(retry_after or 0.0, min(2.0 ** min(known.held.failures, 20), LONGEST_PAUSE))
        await self._vault.put_off(known.record, known.held, self._clock() + pause)
        return pause

    async def _give_up(self, known: _Known, reason: str) -> None:
        """The source says no for good. What another sign-in has stored meanwhile is not touched."""
        reason = reason_code(reason)
        await self._vault.set_aside(known.record, known.held, reason)
        record = known.record
        event = Event(
            kind="credential_lost",
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
        if known is not None and known.held.renewable and not known.held.trouble:
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
        if not await self._vault.add(await self._vault.sealed(record, key, got)):
            raise _needs_login()
        return got

    def _silent(self, record: Record, retry_after: float) -> ProviderUnavailable:
        label = self._registry.provider(record.provider).label
        return ProviderUnavailable(f"{label} does not answer, try again.", retry_after=retry_after)


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
    return CredentialError("This credential is used up: sign in there again.", code="needs_login")
