"""What is stored is encrypted under the hub's own crypt keys, and names its owner inside (row F14).

A ciphertext that was moved to another row does not open. The first key encrypts, any key opens; how keys change is in
`rotation`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from jupyterhub.crypto import CryptKeeper
from traitlets import TraitError

from .errors import ConfigError, CredentialError, ProviderError

CREDENTIAL: Final = "credential"
STATE: Final = "state"
"""The purposes of rows."""

LARGEST: Final = 2**20
"""Bytes of the largest content of a row."""

SMALL: Final = 2**14
"""Bytes that are decrypted in much less than a millisecond."""


class Keeper(Protocol):
    """What is asked of the hub's CryptKeeper."""

    keys: list[bytes]

    async def encrypt(self, data: Any) -> bytes:
        """The first key encrypts."""

    @property
    def fernet(self) -> Any:
        """cryptography's MultiFernet: any key decrypts."""


class Owner(NamedTuple):
    """Whose a row is, and what for: stands in the row and once more inside its ciphertext."""

    record_id: str
    provider: str
    subject: str
    purpose: str
    resource: str


@dataclass(frozen=True)
class Unsealed:
    """What a ciphertext held, and whether the first key has opened it."""

    content: dict[str, Any] = field(repr=False)
    by_first_key: bool


class Sealing:
    """Encrypts and opens. Without `keeper` the hub's own keys are used, looked up at each use."""

    def __init__(self, keeper: Keeper | None = None) -> None:
        self._own_keeper = keeper
        self._first: tuple[bytes, Keeper] | None = None

    @property
    def enabled(self) -> bool:
        """True if there are keys. Raises ConfigError for keys that cannot be used."""
        try:
            return bool(self._keeper.keys)
        except (TraitError, ValueError) as error:
            raise ConfigError(f"The crypt keys cannot be used: {error}") from error

    async def seal(self, owner: Owner, content: Mapping[str, Any]) -> bytes:
        """Encrypt under the first key. Raises ProviderError for what is not JSON, or too large."""
        try:
            text = json.dumps({"owner": owner, "content": content}, default=_plain)
        except (TypeError, ValueError) as error:
            raise ProviderError("What the provider wants kept is not JSON.", code="state_invalid") from error
        if len(text) > LARGEST:
            raise ProviderError("What the provider wants kept is too large.", code="state_invalid")
        return await self._keeper.encrypt(text)

    async def open(self, owner: Owner, blob: bytes) -> Unsealed:
        """Decrypt what is the owner's. Raises CredentialError `unreadable` for a lost key and for another's row."""
        text, by_first_key = await self._decrypt(blob)
        try:
            payload = json.loads(text)
            owned, content = payload["owner"] == list(owner), payload["content"]
        except (TypeError, ValueError, LookupError) as error:
            raise CredentialError("What is stored is broken.", code="unreadable") from error
        if not owned or not isinstance(content, dict):
            raise CredentialError("What is stored belongs to another row.", code="unreadable")
        return Unsealed(content, by_first_key)

    async def _decrypt(self, blob: bytes) -> tuple[str, bool]:
        # The keeper's own way goes through a thread, which takes ten times as long as what is small.
        return self._decrypt_now(blob) if len(blob) <= SMALL else await asyncio.to_thread(self._decrypt_now, blob)

    def _decrypt_now(self, blob: bytes) -> tuple[str, bool]:
        for keeper, is_first in self._keepers():
            try:
                return json.loads(keeper.fernet.decrypt(blob)), is_first
            except Exception:  # noqa: S112  # whatever a wrong key or a broken row makes of it; the next key may fit
                continue
        raise CredentialError("What is stored cannot be opened with any of the crypt keys.", code="unreadable")

    def _keepers(self) -> Iterator[tuple[Keeper, bool]]:
        """The first key alone, then all of them: a keeper does not say which of its keys has fitted."""
        keeper = self._keeper
        if len(keeper.keys) < 2:
            yield keeper, True
            return
        if self._first is None or self._first[0] != keeper.keys[0]:
            self._first = (keeper.keys[0], CryptKeeper(keys=keeper.keys[:1]))
        yield self._first[1], True
        yield keeper, False

    @property
    def _keeper(self) -> Keeper:
        keeper: Keeper = self._own_keeper or CryptKeeper.instance()
        return keeper


def _plain(value: Any) -> Any:
    """Mappings and sets of any kind as JSON has them."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
