"""Providers are told that a credential is no longer wanted: in the background, until they have heard (row R17).

https://www.rfc-editor.org/rfc/rfc7009#section-2.2
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import Row

from . import revocation_queue as queue
from .binding import find
from .calls import Calls, where
from .database import Database
from .errors import CredentialError, HubAuthError, LoginRefused, ProviderError, ProviderUnavailable, StoreError
from .events import Audit
from .refresh import resource_of
from .types import Credential, Event
from .vault import Vault

AT_ONCE: Final = 4
"""Calls of providers at once."""

LOOK_AGAIN: Final = 1.0
"""Seconds between two looks into the queue; other processes put credentials there as well.

Short, because a source that takes a whole grant back takes along what the person gets by signing in again meanwhile.
"""

AFTER_FAULT: Final = 60.0
"""Seconds until the next look where the queue itself could not be worked on."""

SHORTEST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 3600.0
"""Seconds until a provider is told again, doubling between these, unless it names a longer time itself."""

GIVE_UP: Final = 3 * 24 * 3600.0
"""Seconds after which a credential is dropped that its provider could not be told of."""

LEASE_MARGIN: Final = 60.0
"""Seconds for which a row is taken beyond the longest call of a provider."""


class Revoker:
    """Works on the queue of what is to be revoked. `clock` gives Unix seconds."""

    def __init__(
        self,
        *,
        registry: Calls,
        database: Database,
        vault: Vault,
        audit: Audit,
        log: logging.Logger | logging.LoggerAdapter[Any],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._database = database
        self._vault = vault
        self._audit = audit
        self._log = log
        self._clock = clock

    async def run(self) -> None:
        """Work until this is cancelled. What was under way then is done again by whoever runs next."""
        while True:
            pause = LOOK_AGAIN
            try:
                await self.work_off()
            except Exception as error:  # such as a database that is away: it must not end the work for good
                self._log.error("hubauth: credentials that wait to be revoked are left for now\n%s", where(error))
                pause = AFTER_FAULT
            await asyncio.sleep(pause)

    async def work_off(self) -> None:
        """Work on every row whose turn it is. Raises StoreError."""
        while rows := self._due():
            for done in await asyncio.gather(*map(self._work_on, rows), return_exceptions=True):
                if isinstance(done, BaseException):
                    raise done

    def _due(self) -> list[Row[Any]]:
        with self._database.read() as connection:
            return list(queue.due(connection, self._clock(), AT_ONCE))

    async def _work_on(self, row: Row[Any]) -> None:
        now = self._clock()
        until = now + self._registry.hook_timeout + LEASE_MARGIN
        if not await self._database.write(partial(queue.take, row_id=row.id, now=now, until=until)):
            return  # another process has it
        try:
            await self._revoke(row)
        except HubAuthError as error:
            if not self._is_final(error, row):
                await self._put_off(row, error)
                return
            reason = error.code
        else:
            reason = ""
        await self._database.write(partial(queue.drop, row_id=row.id))
        self._tell(row, reason)

    async def _revoke(self, row: Row[Any]) -> None:
        if row.provider not in self._registry.providers:
            raise ProviderUnavailable("This provider is not available now.", code="provider_disabled")
        credential = await self._vault.queued(row)
        if await self._is_stored(row, credential):
            raise CredentialError("This token is in use again.", code="still_used")
        await self._registry.ask("hubauth_revoke_credential", row.provider, credential=credential)

    def _is_final(self, error: HubAuthError, row: Row[Any]) -> bool:
        """Whether to try no more. What can be mended within days is not: silence, a lost key, the configuration."""
        refused = isinstance(error, CredentialError | LoginRefused) and error.code != "unreadable"
        return refused or self._clock() - row.created_at >= GIVE_UP

    async def _put_off(self, row: Row[Any], error: HubAuthError) -> None:
        if not row.failures:
            self._log.warning("hubauth: %r does not revoke a credential yet: %s", row.provider, error.code)
        pause = min(SHORTEST_PAUSE * 2.0 ** min(row.failures, 20), LONGEST_PAUSE)
        asked = error.retry_after if isinstance(error, ProviderError) else None
        retry_at = min(self._clock() + max(pause, asked or 0.0), row.created_at + GIVE_UP)
        await self._database.write(partial(queue.put_off, row_id=row.id, retry_at=retry_at))

    async def _is_stored(self, row: Row[Any], credential: Credential) -> bool:
        """Whether the same token is in the vault: some sources give one person the same token at each sign-in."""
        with self._database.read() as connection:
            record = find(connection, row.provider, row.subject)
        stored = (await self._vault.credential(record, row.resource)).content if record else None
        if stored is None:
            return False
        same_grant = stored.refresh_token is not None and stored.refresh_token == credential.refresh_token
        return same_grant or stored.access_token == credential.access_token

    def _tell(self, row: Row[Any], reason: str) -> None:
        kind = "revocation_failed" if reason else "credential_revoked"
        resource = resource_of(row.resource)
        about = Event(kind=kind, provider=row.provider, subject=row.subject, resource=resource, reason=reason)
        with contextlib.suppress(StoreError):  # the audit has logged that it cannot write
            self._audit.record(about)
