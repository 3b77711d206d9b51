"""Accounts that came along reach the hub users that their owners had, with servers and files.

Where they came from, whoever knew the password was that hub user: that is what makes it theirs here too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hubauth_core import HubAuthError, LoginRefused
from hubauth_core.cli.extending import Beside

from ..accounts import ACTIVE
from .planning import Result

if TYPE_CHECKING:
    from ..provider import NativeProvider

NOBODY = "nobody"
"""The subject of an account that a dry run does not make."""


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """Whether an account has the hub user of its name now; `why` not, as a sentence."""

    username: str
    done: bool
    why: str = ""


class Adopting:
    """Looks at the hub users of one hub. With `dry_run` nothing is written."""

    def __init__(self, there: Beside[NativeProvider], *, dry_run: bool = False) -> None:
        self._there = there
        self._dry_run = dry_run

    async def adopt(self, results: Sequence[Result], told: Callable[[int], None]) -> AsyncIterator[Adopted]:
        """Say it of every account for whose name there is a hub user, or a reason why nobody will get in by it."""
        for result in results:
            told(1)
            if result.act != "left_out" and (adopted := await self._one(result)) is not None:
                yield adopted

    async def _one(self, result: Result) -> Adopted | None:
        account, name = result.account, result.username
        subject = account.id if account is not None else NOBODY
        hub_user = self._there.hub_users.find(name)
        if hub_user is None:
            return self._new(subject, name)
        if (record := self._there.identities.find(self._there.provider.name, subject)) is not None:
            return Adopted(username=name, done=record.hub_user == (hub_user.id, hub_user.created))
        if self._there.free_hub_user(name) is None:
            return Adopted(username=name, done=False, why="The hub user of this name is another identity's.")
        if result.status != ACTIVE:
            return Adopted(
                username=name, done=False, why="It is not active, so it does not get the hub user of its name."
            )
        if not self._dry_run:
            try:
                await self._there.adopt(subject, name, hub_user)
            except HubAuthError as error:
                return Adopted(username=name, done=False, why=error.sentence)
        return Adopted(username=name, done=True)

    def _new(self, subject: str, name: str) -> Adopted | None:
        """Nothing to adopt; but its first sign-in may be turned away."""
        try:
            self._there.lead(subject, name)
        except LoginRefused as error:
            return Adopted(username=name, done=False, why=f"Its owner will not get in: {error.sentence}")
        return None
