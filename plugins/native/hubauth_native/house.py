"""What one native provider is made of, put together once; pages, resources and commands are handed it."""

from __future__ import annotations

from dataclasses import dataclass

from hubauth_core import Core
from hubauth_core.plugin import Database

from .accounts import Accounts
from .addresses import Addresses
from .endings import Endings
from .mail.outbox import Outbox
from .mail.post import Post
from .passwords.hashing import Hasher
from .throttle import Throttle


@dataclass(frozen=True, kw_only=True)
class House:
    """Rooms that know each other. `name` is the provider's.

    Those without `init` work with several others, and are handed the house; `add` puts them in.
    """

    name: str
    core: Core
    database: Database
    accounts: Accounts
    addresses: Addresses
    outbox: Outbox
    post: Post
    endings: Endings
    hasher: Hasher
    throttle: Throttle

    def add(self, **rooms: object) -> None:
        """Put rooms in that need the others; once, when the provider starts."""
        for name, room in rooms.items():
            object.__setattr__(self, name, room)
