"""A process of its own that asks for one stored credential many times at once: `python -m harness.renewing_process`.

Arguments: the store's URL, the crypt key in hex, the token endpoint, how many ask. It prints `ready`, waits for a line,
and prints the access tokens, or the codes of errors, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys

import httpx
import pytest
from jupyterhub.crypto import CryptKeeper

from hubauth_core import (
    Credential,
    HubAuthError,
    Provider,
    ReauthRequired,
    RefreshedCredential,
    Rotated,
    Secret,
)
from hubauth_core.database import open_database
from hubauth_core.events import Audit
from hubauth_core.identities import Identities
from hubauth_core.refresh import Refresher
from hubauth_core.vault import Vault

from .authority import Clock
from .shelf import Shelf


class Remote(Provider):
    """Renews at a `TokenEndpoint`."""

    url = ""
    clock = Clock()

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        assert credential.refresh_token is not None
        form = {"refresh_token": credential.refresh_token.reveal(), "pid": str(os.getpid())}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = (await client.post(self.url, data=form)).json()
        if "error" in answer:
            return ReauthRequired(answer["error"])
        return Rotated(
            Credential(
                access_token=Secret(answer["access_token"]),
                refresh_token=Secret(answer["refresh_token"]),
                expires_at=self.clock() + answer["expires_in"],
            )
        )


def refresher(shelf: Shelf, url: str, key: bytes, endpoint: str, clock: Clock) -> tuple[Identities, Vault, Refresher]:
    """One process's way to the credentials of provider `uni`."""
    shelf.add_type("remote", Remote)
    registry = shelf.registry({"uni": {"type": "remote"}})
    vars(registry.provider("uni")).update(url=endpoint, clock=clock)
    log, database = logging.getLogger("hubauth.test"), open_database(url)
    vault = Vault(database, CryptKeeper(keys=[key]), clock)
    audit = Audit(registry.emit, log)
    return (
        Identities(database, clock),
        vault,
        Refresher(registry=registry, vault=vault, audit=audit, log=log, clock=clock),
    )


async def _ask(url: str, key: str, endpoint: str, number: int) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        identities, _, refresher_ = refresher(Shelf(patch), url, bytes.fromhex(key), endpoint, Clock())
        record = identities.find("uni", "1")
        assert record is not None
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

        async def token() -> str:
            try:
                return (await refresher_.fresh(record)).access_token.reveal()
            except HubAuthError as error:
                return error.code

        return await asyncio.gather(*(token() for _ in range(number)))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_ask(*sys.argv[1:4], int(sys.argv[4])))), flush=True)
