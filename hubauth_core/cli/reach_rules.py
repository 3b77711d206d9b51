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
            lacks = await _look(provider, seen)
    except HubAuthError as error:
        return Finding("error", name, _failed(seen, error.sentence.removesuffix(", try again.").rstrip(".")))
    except TimeoutError:
        return Finding("error", name, _failed(seen, f"no answer within {PATIENCE:g} s"))
    finally:
        await provider.api.close()
    answers = f"Answers: {', '.join(seen)}."
    return Finding("warning", name, f"{answers} {lacks}") if lacks else Finding("ok", name, answers)


async def _look(provider: OAuth2Provider, seen: list[str]) -> str:
    """Ask one after the other, and note what is asked. Raises HubAuthError where one does not answer.

    Returns what an option needs and the source does not say, "" for nothing.
    """
    lacks = ""
    if isinstance(provider, OIDCProvider):
        seen.append(f"discovery of {provider.issuer}")
        metadata = await provider.metadata()
        seen.append(f"keys at {metadata.jwks_uri}")
        keys = (await provider.api.get_json(metadata.jwks_uri)).mapping().get("keys")
        if not isinstance(keys, list) or not keys:
            raise provider.api.bad_response()
        if provider.end_session and not (provider.end_session_url or metadata.end_session_endpoint):
            lacks = "It names no `end_session_endpoint`, so `end_session` does nothing: set end_session_url."
    endpoints = await provider.endpoints()
    for what, url in (("token endpoint", endpoints.token), ("userinfo endpoint", endpoints.userinfo)):
        if url:
            seen.append(f"{what} {url}")
            await provider.api.get(url)  # any answer below 500 will do: it is asked without what it wants
    return lacks


def _failed(asked: list[str], why: str) -> str:
    """What was asked last did not answer; all before it did."""
    before = f"Answers: {', '.join(asked[:-1])}. " if asked[1:] else ""
    return f"{before}Does not: {asked[-1] if asked else 'anything'} ({why})."
