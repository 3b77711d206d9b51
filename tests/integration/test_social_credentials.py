"""What a backend of python-social-auth does with tokens after a sign-in, against `oidc-provider`; no hub is needed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.browser import Browser
from harness.counterparts import HUB_SECRET, Counterpart
from hubauth_core import (
    HubCall,
    ProviderError,
    ReauthRequired,
    Redirect,
    Request,
    Rotated,
    Secret,
    SignIn,
    Unavailable,
    Updated,
)
from hubauth_core import transaction as transactions
from hubauth_core.database import Database, ensure, open_database
from hubauth_core.schema import Schema
from hubauth_social import SocialProvider

HUB = "http://127.0.0.1:1"
CALLBACK = f"{HUB}/hub/auth/sso/callback"
SignsIn = Callable[[SocialProvider, str], Awaitable[SignIn]]


class Lent:
    """As much of the core as a social account asks at its start."""

    log = logging.getLogger("hubauth.test")
    base_url = "/hub/"

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, schema: Schema) -> Database:
        ensure(self._database, schema)
        return self._database

    def key(self, purpose: str) -> bytes:
        return b"k" * 32

    def in_background(self, work: Any) -> None:
        """Nothing grows old in a test."""


@pytest.fixture
def make(tmp_path: Path, oidc_provider: Counterpart) -> Iterator[Callable[..., SocialProvider]]:
    """`make(**settings)`: a social account that the source knows."""
    database = open_database(f"sqlite:///{tmp_path}/hubauth.sqlite")

    def made(**settings: Any) -> SocialProvider:
        oidc_provider.control("PUT", "redirect_uris", [CALLBACK])
        client = {"OIDC_ENDPOINT": oidc_provider.url, "KEY": "hub", "SECRET": HUB_SECRET, "PROMPT": "consent"}
        asked = {"SCOPE": ["groups", "offline_access"], **settings}
        provider = SocialProvider("sso", backend="oidc", settings=client | asked, groups_claim="groups")
        core: Any = Lent(database)
        provider.start(core)
        return provider

    yield made
    database.close()


@pytest.fixture
def sign_in() -> SignsIn:
    """`sign_in(provider, person)`: one sign-in as the core does it."""

    async def run(provider: SocialProvider, person: str) -> SignIn:
        under_way = transactions.begin("sso", redirect_uri=CALLBACK, next_url="")
        step = await provider.begin_login(Request(), under_way)
        assert isinstance(step, Redirect)
        async with Browser(HUB) as browser:
            answer = await browser.follow_to_callback(await browser.request("GET", step.url), person)
        query = {name: [value] for name, value in httpx.URL(answer).params.items()}
        end = await provider.finish_login(Request(query=query), transactions.remember(under_way, step.memo))
        assert isinstance(end, SignIn)
        return end

    return run


async def test_a_credential_is_renewed_once(make: Callable[..., SocialProvider], sign_in: SignsIn) -> None:
    provider = make()
    [first] = (await sign_in(provider, "alice")).credentials
    assert first.expires_at
    outcome = await provider.refresh_credential(first)
    assert isinstance(outcome, Rotated)
    assert outcome.credential.access_token != first.access_token
    assert await provider.refresh_credential(first) == ReauthRequired("refused")


async def test_a_source_that_is_silent_takes_nothing_away(
    make: Callable[..., SocialProvider], sign_in: SignsIn
) -> None:
    provider = make()
    [held] = (await sign_in(provider, "alice")).credentials
    silent = make(ACCESS_TOKEN_URL="http://127.0.0.1:9/token")
    assert await silent.refresh_credential(held) == Unavailable(None)


async def test_what_the_source_says_later_counts(
    make: Callable[..., SocialProvider], sign_in: SignsIn, oidc_provider: Counterpart
) -> None:
    provider = make()
    oidc_provider.account("sally", preferred_username="sally", groups=["staff"])
    signed_in = await sign_in(provider, "sally")
    [held] = signed_in.credentials
    assert signed_in.identity.groups == {"staff"}
    oidc_provider.account("sally", preferred_username="sally", groups=["alumni"])
    outcome = await provider.refresh_identity(signed_in.identity, held, HubCall())
    assert isinstance(outcome, Updated)
    assert outcome.identity.groups == {"alumni"}
    wrong = replace(held, access_token=Secret("nonsense"))
    assert await provider.refresh_identity(signed_in.identity, wrong, HubCall()) == ReauthRequired("refused")


@pytest.mark.row("V22")
async def test_a_token_of_somebody_else_says_nothing_of_this_person(
    make: Callable[..., SocialProvider], sign_in: SignsIn
) -> None:
    provider = make()
    alice, bob = await sign_in(provider, "alice"), await sign_in(provider, "bob")
    [held], [theirs] = alice.credentials, bob.credentials
    mixed = replace(held, access_token=theirs.access_token)
    with pytest.raises(ProviderError):
        await provider.refresh_identity(alice.identity, mixed, HubCall())
