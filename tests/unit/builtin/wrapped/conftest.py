"""What the tests of wrapped authenticators share."""

from __future__ import annotations

import pytest
from jupyterhub.crypto import CryptKeeper

from .wrapping import Wrapped


@pytest.fixture
def wrap() -> Wrapped:
    return Wrapped()


@pytest.fixture
def crypt_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub can encrypt, so hubauth keeps states."""
    monkeypatch.setattr(CryptKeeper.instance(), "keys", [b"k" * 32])
