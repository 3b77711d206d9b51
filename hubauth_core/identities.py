"""Which identity is which hub user: recorded when a sign-in is bound, forgotten when the hub user is deleted.

Reads are short and indexed and run on the event loop; every change is one transaction (rows F13, F15).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import func, select

from . import binding, links
from .binding import Binding, SealedRow
from .database import Database, installed_at
from .links import Link
from .mapping import HubKey, Record, home_first
from .names import Prefix
from .schema import identities, names, pins
from .sweep import record_prefixes, sweep, tell
from .types import HubUser, Identity


def new_id() -> str:
    """An id for an identity that is about to be recorded; never used twice."""
    return uuid.uuid4().hex


class Identities:
    """The recorded identities. `clock` gives Unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        with database.read() as connection:
            self._installed_at = installed_at(connection)

    @property
    def installed_at(self) -> float:
        """When hubauth came to this hub."""
        return self._installed_at

    def find(self, provider: str, subject: str) -> Record | None:
        """The identity with exactly that key. Raises ProviderError for a subject that cannot be one."""
        binding.check_subject(subject)
        with self._database.read() as connection:
            return binding.find(connection, provider, subject)

    def of_hub_user(self, user: HubKey) -> list[Record]:
        """The identities of a hub user, the home identity first."""
        with self._database.read() as connection:
            found = binding.identities_of(connection, user)
        return sorted(found, key=home_first)

    def home_of(self, user: HubKey) -> Record | None:
        """The identity whose provider decides about the hub user."""
        return next((record for record in self.of_hub_user(user) if record.home), None)

    def owner_of_name(self, key: str) -> HubKey | None:
        """The hub user who was the first to have a name with that `name_key`."""
        query = select(names.c.hub_user_id, names.c.hub_user_created).where(names.c.name_key == key)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row[0], row[1])

    def ever_had(self, user: HubKey) -> bool:
        """True if the hub user has, or ever had, an identity."""
        with self._database.read() as connection:
            return binding.ever_had(connection, user)

    def pinned_subject(self, provider: str, username: str) -> str | None:
        """The first subject that used a username (spelled as the provider normalises it)."""
        with self._database.read() as connection:
            return binding.pinned_subject(connection, provider, username)

    def names_of(self, provider: str, subject: str) -> frozenset[str]:
        """Every username that is pinned to a subject."""
        query = select(pins.c.username).where(pins.c.provider == provider, pins.c.subject == subject)
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def orphans(self, provider: str) -> list[str]:
        """Subjects of a provider whose hub user was gone when `sweep` last looked."""
        query = select(identities.c.subject).where(identities.c.provider == provider)
        with self._database.read() as connection:
            return list(connection.execute(query.where(identities.c.orphaned_at.is_not(None))).scalars())

    def count(self) -> int:
        """How many identities are recorded."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(identities)).scalar_one()

    async def bind(
        self,
        identity: Identity,
        hub_user: HubUser,
        *,
        record_id: str,
        pin: str,
        relies_on_pin: bool = False,
        sealed: Sequence[SealedRow] = (),
        facts: str = "",
    ) -> Record:
        """Record that this identity is this hub user's, now that the hub has accepted it.

        `record_id`: of the record found before, else `new_id()`. `pin`: the username as the provider normalises it; it
        becomes the subject's if it is free, and must be the subject's if the decision `relies_on_pin`. `sealed` and
        `facts` (see `facts.recorded`) are written along. Nothing is written if nothing changed recently. Raises
        StoreError, LoginRefused; then nothing is written either.
        """
        binding.check_subject(identity.subject)
        attempt = Binding(
            identity=identity,
            hub_user=hub_user,
            record_id=record_id,
            pin=pin,
            relies_on_pin=relies_on_pin,
            sealed=tuple(sealed),
            facts=facts,
            now=self._clock(),
        )
        known = self.find(*identity.key)
        if known is not None and attempt.changes_nothing(known, self.pinned_subject(identity.provider, pin)):
            return known
        return await self._database.write(attempt.write)

    async def link(
        self,
        identity: Identity,
        hub_user: HubUser,
        *,
        record_id: str,
        pin: str,
        sealed: Sequence[SealedRow] = (),
        facts: str = "",
    ) -> Record:
        """Record that this identity is one more of the hub user, or renew what is recorded of it.

        Arguments as for `bind`. Raises LinkRefused `identity_taken`, `already_connected`, `no_home`, StoreError; then
        nothing is written.
        """
        binding.check_subject(identity.subject)
        attempt = Link(
            identity=identity,
            hub_user=hub_user,
            record_id=record_id,
            pin=pin,
            sealed=tuple(sealed),
            facts=facts,
            now=self._clock(),
        )
        return await self._database.write(attempt.write)

    async def unlink(self, user: HubKey, provider: str, works: Callable[[Record], bool]) -> Record:
        """Take a hub user's identity of a provider away, and its credentials; answers what it was.

        `works` says whether an identity is a way in now: at least one must remain. Raises LinkRefused, StoreError.
        """
        now = self._clock()
        return await self._database.write(lambda connection: links.unlink(connection, user, provider, works, now))

    async def make_home(self, user: HubKey, provider: str) -> tuple[Record, Record]:
        """Make another identity of a hub user the home identity; answers the former and the new one.

        Raises LinkRefused, StoreError.
        """
        return await self._database.write(lambda connection: links.make_home(connection, user, provider))

    async def mark(self, record: Record, *, refused: bool) -> None:
        """Note that an identity is refused for good, or that it no longer is; written only where that is new."""
        if (record.refused_at is not None) is not refused:
            when = self._clock() if refused else None
            await self._database.write(lambda connection: links.mark_refused(connection, record.id, when))

    async def checked(self, record: Record, username: str, facts: str, *, refused: bool = False) -> None:
        """Note what a source has said of an identity when it was asked again, and what came of it; nothing is written
        where somebody has signed in with it since `record` was read. Raises StoreError.
        """
        now = self._clock()
        refused_at = (record.refused_at or now) if refused else None
        await self._database.write(
            lambda connection: binding.note_checked(connection, record, username, facts, now, refused_at)
        )

    async def give_consent(self, user: HubKey, provider: str, by: str) -> None:
        """Let a hub user connect one identity of a provider, within a week. `by`: who says so."""
        now = self._clock()
        await self._database.write(lambda connection: links.give_consent(connection, user, provider, by, now))

    def has_consent(self, user: HubKey, provider: str) -> bool:
        """Whether an administrator has said so."""
        with self._database.read() as connection:
            return links.has_consent(connection, user, provider, self._clock())

    async def pin(self, provider: str, username: str, subject: str) -> None:
        """Pin a username to a subject unless it is pinned already; for a blocked name, which sticks to its subject."""
        binding.check_subject(subject)
        if self.pinned_subject(provider, username) is None:
            await self._database.write(lambda connection: binding.pin(connection, provider, username, subject))

    async def forget(self, user: HubKey) -> None:
        """The hub user is deleted: so are its identities, names and credentials. Pins stay, and that it had one.

        Of the credentials their providers hear later; see `revocation_queue`.
        """
        now = self._clock()
        await self._database.write(lambda connection: binding.forget(connection, user, now))

    def sweep(self, hub_users: Iterable[HubUser]) -> None:
        """The start-up check against every hub user; see `sweep.sweep`. Raises ConfigError, StoreError."""
        sweep(self._database, hub_users, self._clock())

    def tell(self) -> None:
        """Accept hub and store as they are (`hubauth init`)."""
        tell(self._database)

    def record_prefixes(self, configured: Mapping[str, Prefix]) -> dict[str, str]:
        """Record the prefixes in force and answer them all; see `sweep.record_prefixes`. Raises ConfigError."""
        return record_prefixes(self._database, configured)
