"""One provider's backend, run in threads: begin, complete, renew, revoke. What goes in and comes out are values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from social_core.backends.base import BaseAuth

from .pool import Pool
from .store import SocialStore
from .visit import Answer, Done, Visit

Wanted = TypeVar("Wanted")


class Bridge:
    """A backend under a provider's name.

    `backend` is the class to run, under `name`, the provider's; `settings` hold what `get_setting` is asked for,
    under plain names (`KEY`) or prefixed ones. Every call raises LoginRefused, ProviderError, StoreError; a call that
    takes longer than the pool's deadline, or finds no thread, raises ProviderUnavailable.
    """

    def __init__(
        self,
        *,
        backend: type[BaseAuth[Any]],
        name: str,
        label: str,
        settings: Mapping[str, Any],
        store: SocialStore,
        pool: Pool,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        raise NotImplementedError

    async def start(self, visit: Visit) -> Answer:
        """Begin: the backend's own check of its settings, its state, and the address or page of its source."""
        raise NotImplementedError

    async def complete(self, visit: Visit, memo: Mapping[str, str]) -> Answer | Done:
        """Go on with what the browser brings back; `memo` is the transaction's. A step that a pipeline's own form has
        asked for is answered by POST alone."""
        raise NotImplementedError

    async def ask(self, question: Callable[[BaseAuth[Any]], Wanted]) -> Wanted:
        """What the backend answers outside a sign-in: `question(backend)` runs in a thread (refresh, revocation)."""
        raise NotImplementedError
