"""What a provider keeps of a sign-in (`SignIn.state`), sealed; a wrapped authenticator keeps its auth_state there."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from .errors import StoreError
from .identities import Identities
from .mapping import Record
from .types import Identity
from .vault import Vault


class KeptState:
    """Reads and replaces it. What cannot be stored now is stored later.

    There may be a token in it that was just renewed, and the one before is dead (row R04).
    """

    def __init__(
        self, *, identities: Identities, vault: Vault, log: logging.Logger | logging.LoggerAdapter[Any]
    ) -> None:
        self._identities = identities
        self._vault = vault
        self._log = log
        self._unsaved: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    async def keep(self, identity: Identity, state: Mapping[str, Any]) -> None:
        """Put a new one in the place of what is there."""
        try:
            record = self._identities.find(*identity.key)
            if record is not None:
                await self._vault.store(await self._vault.seal(record.id, identity, state=state), time.time())
            self._unsaved.pop(identity.key, None)
        except StoreError:
            self._log.error("hubauth: what %r keeps of an identity could not be stored yet", identity.provider)
            self._unsaved[identity.key] = (time.time(), state)

    async def of(self, record: Record) -> Mapping[str, Any] | None:
        """What is kept of an identity, None for nothing."""
        opened = await self._vault.state(record)
        since, unsaved = self._unsaved.get(record.identity.key, (0.0, None))
        if unsaved is None or (opened.held is not None and opened.held.updated_at > since):
            self._unsaved.pop(record.identity.key, None)  # a sign-in has brought another one
            return opened.content
        await self.keep(record.identity, unsaved)
        return unsaved
