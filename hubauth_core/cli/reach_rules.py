"""What `hubauth check` asks the network: whether sources answer where the configuration says that they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from ..errors import HubAuthError
from ..oauth2 import OAuth2Provider, OIDCProvider
from .inspected import Finding, Inspected

PATIENCE: Final = 20.0
"""Seconds for one source; all are asked at once."""


def reach(hub: Inspected) -> Iterator[Finding]:
    """Discovery, keys and the endpoints that the hub itself asks. Nothing is sent but the questions."""
    yield from asyncio.run(_everybody(hub))


async def _everybody(hub: Inspected) -> list[Finding]:
    asked = [(name, provider) for name, provider in hub.providers if isinstance(provider, OAuth2Provider)]
    return list(await asyncio.gather(*(_one(name, provider) for name, provider in asked)))


async def _one(name: str, provider: OAuth2Provider) -> Finding:
    seen: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            await _look(provider, seen)
    except HubAuthError as error:
        return Finding("error", name, f"{_told(seen)}Then: {error.sentence}")
    except TimeoutError:
        return Finding("error", name, f"{_told(seen)}Then {provider.label} did not answer within {PATIENCE:g} s.")
    finally:
        await provider.api.close()
    return Finding("ok", name, _told(seen).strip())


async def _look(provider: OAuth2Provider, seen: list[str]) -> None:
    """Ask one after the other, and note what answered. Raises HubAuthError where one does not."""
    if isinstance(provider, OIDCProvider):
        metadata = await provider.metadata()
        seen.append("discovery")
        keys = (await provider.api.get_json(metadata.jwks_uri)).mapping().get("keys")
        if not isinstance(keys, list) or not keys:
            raise provider.api.bad_response()
        seen.append(f"keys ({len(keys)})")
    endpoints = await provider.endpoints()
    for what, url in (("token endpoint", endpoints.token), ("userinfo endpoint", endpoints.userinfo)):
        if url:
            await provider.api.get(url)  # any answer below 500 will do: it is asked without what it wants
            seen.append(what)


def _told(seen: list[str]) -> str:
    return f"Answers: {', '.join(seen)}. " if seen else ""
