"""What one native provider is made of, put together once; pages, resources and commands are handed it."""

from __future__ import annotations

from dataclasses import dataclass

from hubauth_core import Core
from hubauth_core.plugin import Database

from .accounts import Accounts
from .endings import Endings
from .mail.outbox import Outbox
from .passwords.hashing import Hasher


@dataclass(frozen=True, kw_only=True)
class House:
    """Rooms that know each other. `name` is the provider's."""

    name: str
    core: Core
    database: Database
    accounts: Accounts
    outbox: Outbox
    endings: Endings
    hasher: Hasher
