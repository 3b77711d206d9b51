"""`python -m hubauth_core.testing`: what it prints is configuration that works as it stands."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from traitlets.config import Config

from hubauth_core.registry import Registry
from hubauth_core.testing.__main__ import serve


async def test_what_it_prints_is_a_provider(capsys: pytest.CaptureFixture[str]) -> None:
    running = asyncio.create_task(serve(0))
    told = ""
    while "Ctrl-C" not in told:
        await asyncio.sleep(0)
        assert not running.done(), running.exception()
        told += capsys.readouterr().out
    c = Config()
    c.HubAuthenticator.providers = {}
    exec(told.partition("\nPeople")[0], {"c": c})
    registry = Registry()
    registry.configure(c.HubAuthenticator.providers)
    issuer = registry.provider("uni").issuer  # type: ignore[attr-defined]  # it is of type oidc
    async with httpx.AsyncClient(trust_env=False) as client:
        metadata = (await client.get(f"{issuer}/.well-known/openid-configuration")).json()
    assert metadata["issuer"] == issuer
    running.cancel()
