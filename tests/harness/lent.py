"""What the core lends a provider, for tests of one room in front of a real database."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from hubauth_core import CredentialError, Event


class LentForTest:
    """As much of `hubauth_core.Core` as rooms about factors ask. Sealing only binds to the owner."""

    log = logging.getLogger("hubauth.test")
    base_url = "/hub/"
    has_keys = True

    def __init__(self, public_url: str = "https://hub.example/hub/") -> None:
        self.public_url = public_url
        self.events: list[Event] = []

    async def seal(self, owner: str, purpose: str, content: Mapping[str, Any]) -> bytes:
        return json.dumps([owner, purpose, dict(content)]).encode()

    async def open(self, owner: str, purpose: str, blob: bytes) -> tuple[dict[str, Any], bool]:
        sealed_for, sealed_to, content = json.loads(blob)
        if (sealed_for, sealed_to) != (owner, purpose):
            raise CredentialError("What is stored belongs to another row.", code="unreadable")
        return content, True

    def same_person(self, provider: str, subject: str) -> list[tuple[str, str]]:
        return []

    def record(self, event: Event) -> None:
        self.events.append(event)
