"""What stands behind credentials obeys the options that the hub and the service read alike."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.shelf import Shelf
from hubauth_core import Provider
from hubauth_core.database import Database
from hubauth_core.errors import CredentialError
from hubauth_core.identities import new_id
from hubauth_core.strongroom import furnish
from hubauth_core.types import HubUser, Identity

ANN = HubUser(id=1, name="ann", created=2.0)


@pytest.mark.parametrize(("blocked", "refused"), [(set(), "storage_disabled"), ({"ann"}, "blocked")])
async def test_options_reach_the_rooms(
    shelf: Shelf, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: set[str], refused: str
) -> None:
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY", raising=False)
    shelf.add_type("forge", type("Forge", (Provider,), {}))
    trail = tmp_path / "audit.jsonl"
    options = SimpleNamespace(
        log=logging.getLogger("hubauth.test"), audit_log=str(trail), audit_required=True, blocked_users=blocked
    )
    registry = shelf.registry({"forge": {"allow_all": True}})
    room = furnish(options, registry, database, several=False)
    identity = Identity(provider="forge", subject="7", username="ann")
    await room.identities.bind(identity, ANN, record_id=new_id(), pin="ann")
    with pytest.raises(CredentialError) as error:
        await room.retrieval.credential(ANN, "forge")
    assert error.value.code == refused
    assert f'"reason": "{refused}"' in trail.read_text()
