"""What keeps somebody out before anything else: vetoes of plugins, and the rules of the identity's own provider.

A refusal for good is noted at the identity, so that no other way in outlives it (decision 3 of docs/architecture.md).
"""

from __future__ import annotations

from typing import Final

from .access import FAULTS, Access, Verdict
from .calls import Asked
from .errors import LoginRefused
from .identities import Identities
from .registry import Registry
from .types import Answered, SignIn

PASSING: Final = FAULTS | {"second_factor_needed", "too_many_attempts"}
"""Reasons that say nothing for good about a person."""


class Gate:
    """Asks plugins and rules about a sign-in."""

    def __init__(self, registry: Registry, access: Access, identities: Identities) -> None:
        self._registry = registry
        self._access = access
        self._identities = identities

    async def vetoes(self, sign_in: SignIn, asked: Asked | None = None, answer: Answered | None = None) -> Asked | None:
        """Ask the plugins: None if all are satisfied, else what one wants to know. Raises LoginRefused, StoreError.

        `asked` and `answer`: what one wanted to know before, and what the person said.
        """
        try:
            return await self._registry.check_login(sign_in.identity, sign_in.scopes, asked, answer)
        except LoginRefused as refusal:
            if answer is None and refusal.code not in PASSING:  # a wrong answer may be right the next time
                await self.note(*sign_in.identity.key)
            raise

    async def decide(self, sign_in: SignIn) -> Verdict:
        """The verdict of the identity's own provider. Raises LoginRefused for whom a restriction keeps out, StoreError.

        A blocked name sticks to the subject from then on.
        """
        identity = sign_in.identity
        source = self._registry.provider(identity.provider)
        try:
            return self._access.decide(source, identity, sign_in.decision, scopes=sign_in.scopes)
        except LoginRefused as refusal:
            if self._access.is_blocked_name(source, identity):
                await self._identities.pin(source.name, source.normalize_username(identity.username), identity.subject)
            if refusal.code not in PASSING:
                await self.note(*identity.key)
            raise

    async def note(self, provider: str, subject: str) -> None:
        """Somebody was refused for good: whom nobody knows leaves nothing behind. Raises StoreError."""
        record = self._identities.find(provider, subject)
        if record is not None:
            await self._identities.mark(record, refused=True)
