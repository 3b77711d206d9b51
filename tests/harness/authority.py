"""A source in memory whose refresh tokens are good once: the second use of one ends its grant (RFC 9700, 4.14.2).

It keeps its own book of grants, so that a test knows what is really alive, whatever is stored.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hubauth_core import (
    Credential,
    CredentialError,
    Provider,
    ReauthRequired,
    RefreshedCredential,
    Rotated,
    Secret,
)

SCOPES = frozenset({"read", "write"})


class Clock:
    """Unix seconds that pass when a test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Grant:
    """What one sign-in was given. `refresh` is the one token that renews it; `issued` every access token."""

    subject: str
    scopes: frozenset[str]
    refresh: str
    issued: list[str] = field(default_factory=list)
    alive: bool = True


class Authority:
    """Issues, rotates and exchanges. `life` is the life of an access token in seconds.

    `says` holds what it answers instead, one for each call: an outcome, or an error to raise. While `gate` is closed a
    call waits, which is how a test looks at what happens meanwhile.
    """

    def __init__(self, clock: Clock, life: float | None = 300.0) -> None:
        self.clock, self.life = clock, life
        self.grants: list[Grant] = []
        self.says: list[object] = []
        self.revoked: list[str] = []
        self.calls: list[str] = []
        self.exchanges: list[str] = []
        self.generations: Counter[str] = Counter()
        """How often the hub user of a subject was deleted: the next one is somebody else."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = 0
        self.overlapping: list[str] = []
        """Refresh tokens that came while they were here already."""
        self._in_hand: list[str] = []
        self._arrival = asyncio.Condition()
        self._numbers = itertools.count(1)

    def sign_in(
        self,
        subject: str = "1",
        scopes: Iterable[str] = SCOPES,
        *,
        refresh: bool = True,
        life: float | None = None,
        resource: str = "",
    ) -> Credential:
        """A new grant, and what it is begun with."""
        number = next(self._numbers)
        grant = Grant(subject, frozenset(scopes), f"refresh-{number}")
        self.grants.append(grant)
        return self._issue(grant, number, refresh=refresh, life=life or self.life, resource=resource)

    def _issue(self, grant: Grant, number: int, *, refresh: bool, life: float | None, resource: str = "") -> Credential:
        token = f"access-{number}"
        grant.issued.append(token)
        return Credential(
            access_token=Secret(token),
            refresh_token=Secret(grant.refresh) if refresh else None,
            scopes=grant.scopes,
            expires_at=None if life is None else self.clock() + life,
            resource=resource,
        )

    async def refresh(self, credential: Credential) -> RefreshedCredential:
        """Rotate, or end the grant of a token that was used before."""
        token = _reveal(credential.refresh_token)
        self.calls.append(token)
        if token in self._in_hand:
            self.overlapping.append(token)
        self._in_hand.append(token)
        try:
            return await self._answer(lambda: self.rotate(token))
        finally:
            self._in_hand.remove(token)

    async def exchange(self, credential: Credential, resource: str) -> Credential:
        """Another token for one that is good."""
        self.exchanges.append(credential.access_token.reveal())
        answer: Credential = await self._answer(lambda: self._exchanged(credential, resource))
        return answer

    async def asked(self, times: int = 1) -> None:
        """Wait until so many calls are here, held up by the gate."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: self.at_once >= times)

    async def _answer(self, own: Callable[[], Any]) -> Any:
        self.at_once += 1
        try:
            async with self._arrival:
                self._arrival.notify_all()
            await self.gate.wait()
            said = self.says.pop(0) if self.says else own()
            if isinstance(said, BaseException):
                raise said
            return said
        finally:
            self.at_once -= 1

    def rotate(self, token: str) -> RefreshedCredential:
        """What a refresh token brings: for one that was used before nothing, and its grant ends."""
        for grant in self.grants:
            if grant.alive and grant.refresh == token:
                number = next(self._numbers)
                grant.refresh = f"refresh-{number}"
                return Rotated(self._issue(grant, number, refresh=True, life=self.life))
        self._end(token)
        return ReauthRequired("invalid_grant")

    def _end(self, token: str) -> None:
        """A token that was rotated away: whoever has it may be a thief, so that its whole grant ends."""
        number = token.removeprefix("refresh-")
        for grant in self.grants:
            if f"access-{number}" in grant.issued:
                grant.alive = False

    def _exchanged(self, credential: Credential, resource: str) -> Credential:
        if not self.is_alive(credential):
            raise CredentialError("The subject token is not active.", code="needs_login")
        return Credential(
            access_token=Secret(f"{resource}-{next(self._numbers)}"),
            expires_at=None if self.life is None else self.clock() + self.life,
        )

    def grant_of(self, credential: Credential) -> Grant:
        """The grant that an access token belongs to."""
        token = credential.access_token.reveal()
        return next(grant for grant in self.grants if token in grant.issued)

    def is_alive(self, credential: Credential) -> bool:
        return self.grant_of(credential).alive


class Forge(Provider):
    """A provider type for tests. `authority` is set by whoever makes the registry."""

    title = "The forge"
    authority: Authority
    stands_for: dict[str, str] = {}

    @property
    def resources(self) -> dict[str, str]:
        return self.stands_for

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        if credential.refresh_token is None:
            return ReauthRequired()
        return await self.authority.refresh(credential)

    async def retrieve_credential(self, credential: Credential, resource: str) -> Credential:
        return await self.authority.exchange(credential, resource)

    async def revoke_credential(self, credential: Credential) -> None:
        self.authority.revoked.append(credential.access_token.reveal())


def _reveal(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()
