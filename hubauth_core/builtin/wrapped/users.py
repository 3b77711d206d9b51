"""A hub user as the wrapped authenticator knows them: the source's username, and an auth_state of its own."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

State = Mapping[str, Any] | None
Keep = Callable[[State], Awaitable[None]]


class SourceUser:
    """Stands for the hub's user object wherever wrapped code expects one.

    Reading passes to the hub's object (None at times), except for `name` and the auth_state. What wrapped code sets
    stays here: only the core changes hub users.
    """

    def __init__(self, user: Any, name: str, state: State, keep: Keep | None = None) -> None:
        self._hub_user = user
        self._state = state
        self._keep = keep
        self.name = name
        self.saved = False

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(self._hub_user, attribute)

    async def get_auth_state(self) -> dict[str, Any] | None:
        """A copy of what the wrapped authenticator last returned as auth_state, None where nothing is stored."""
        return None if self._state is None else copy.deepcopy(dict(self._state))

    async def save_auth_state(self, auth_state: State) -> None:
        """Replace it, as far as there is a place to keep it."""
        self._state = None if auth_state is None else copy.deepcopy(dict(auth_state))
        self.saved = True
        if self._keep is not None:
            await self._keep(self._state)

    @property
    def state(self) -> State:
        """The auth_state as it is now."""
        return self._state
