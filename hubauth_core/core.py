"""What the core lends a provider that keeps people, tables or pages of its own; `Provider.start` is given it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from .database import Database
from .schema import Schema
from .types import Event, HubUser

Work = Callable[[], Awaitable[None]]


class Core(Protocol):
    """The core as one provider sees it: what is said of a subject is about this provider's."""

    log: logging.Logger | logging.LoggerAdapter[Any]
    base_url: str
    """Path of the hub's own pages, `/hub/` or `/base/hub/`."""
    public_url: str
    """Address of the same as people type it, ending in `/`; "" where the administrator has not configured it."""
    providers: Collection[str]
    """The names of all configured providers; empty where they are not known, in a command."""
    has_keys: bool
    """Whether the hub has crypt keys, without which nothing can be sealed."""
    in_hub: bool
    """Whether this is the hub. A command has no hub users to end; it writes down what the hub has to do."""

    @property
    def system_users(self) -> bool:
        """Whether servers run as the system users of hub users' names, as far as the kind of spawner tells."""

    def store(self, schema: Schema) -> Database:
        """hubauth's database, with these tables in it. Raises ConfigError."""

    def key(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, the same after a restart; derived from the hub's cookie secret."""

    async def seal(self, owner: str, purpose: str, content: Mapping[str, Any]) -> bytes:
        """Encrypt under the hub's crypt keys; opens for the same owner and purpose alone."""

    async def open(self, owner: str, purpose: str, blob: bytes) -> tuple[dict[str, Any], bool]:
        """What was sealed, and whether the first key has opened it: else seal it anew. Raises CredentialError."""

    def record(self, event: Event) -> None:
        """Write an event into the audit trail; its provider is this one. Raises StoreError."""

    def hub_user(self, subject: str) -> HubUser | None:
        """The hub user of a subject."""

    def subject_of(self, hub_user: HubUser) -> str | None:
        """The subject that a hub user has here."""

    def same_person(self, provider: str, subject: str) -> Sequence[tuple[str, str]]:
        """Every identity (provider, subject) of the hub user of an identity of any provider, the home identity first;
        empty where it has no hub user. Looks into hubauth's database alone, so a transaction may ask."""

    def identities_of(self, hub_user: HubUser) -> Sequence[tuple[str, str]]:
        """Who a hub user is at every provider: (provider, subject), the home identity first."""

    def orphans(self) -> Sequence[str]:
        """Subjects whose hub user was gone when the hub started: nobody was told of the deletion."""

    def free_name(self, username: str) -> str:
        """The hub username that somebody new with this username would get.

        Raises LoginRefused where it is, or looks like, somebody's, or stands in the hub's configuration (row V38).
        """

    async def end_access(self, subject: str, *, servers: bool = True) -> None:
        """End every session, API token and server of a subject's hub user; without `servers`, they go on."""

    async def disconnect_since(self, subject: str, moment: float) -> None:
        """Take away what was connected to a subject's hub user since a time (Unix seconds), but this identity and the
        home identity. Raises StoreError."""

    async def delete_hub_user(self, subject: str) -> None:
        """Delete a subject's hub user, with all that it has; of one whose home identity is another, the connection."""

    def define_scopes(self, scopes: Mapping[str, str]) -> None:
        """Let roles and tokens name further scopes: `custom:...` -> what it lets somebody do; the first has the others.

        To be called from `Provider.start`. Raises ConfigError for what cannot be a scope, or is another one already.
        """

    def in_background(self, work: Work) -> None:
        """Run `work` for as long as the hub runs; to be called from `Provider.start`."""
