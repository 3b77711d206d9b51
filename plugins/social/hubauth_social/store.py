"""What backends keep in hubauth's database, in calls that a thread makes; see `storage.py` for how they see it."""

from __future__ import annotations

from hubauth_core.plugin import Database


class SocialStore:
    """The tables of one provider. `key` (32 bytes) seals what must not be read in the database."""

    def __init__(self, database: Database, provider: str, key: bytes) -> None:
        raise NotImplementedError

    def forget(self, subject: str) -> None:
        """Delete what is kept of a subject. Raises StoreError."""
        raise NotImplementedError
