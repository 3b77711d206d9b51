"""Sign-ins against the hostile provider, without a hub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hostile_idp import HostileIdP
from hostile_idp.flow import begin, finish, transaction
from hubauth_core import HubAuthError, SignIn
from hubauth_core.builtin.oidc import GenericOIDCProvider
from hubauth_core.oauth2 import OAuth2Provider

SignsIn = Callable[..., Awaitable[SignIn]]


@pytest.fixture
async def idp() -> AsyncIterator[HostileIdP]:
    """A provider that is honest until the test breaks it."""
    async with HostileIdP() as provider:
        yield provider


@pytest.fixture
async def make(idp: HostileIdP) -> AsyncIterator[Callable[..., GenericOIDCProvider]]:
    """Makes an `oidc` provider for the identity provider; its connections are closed afterwards."""
    made: list[GenericOIDCProvider] = []

    def build(**options: Any) -> GenericOIDCProvider:
        settings = {"issuer": idp.issuer, "client_id": "hub", "client_secret": "s3cret", **options}
        made.append(GenericOIDCProvider("uni", label="Uni", **settings))
        return made[-1]

    yield build
    for provider in made:
        await provider.api.close()


@pytest.fixture
async def provider(make: Callable[..., GenericOIDCProvider]) -> GenericOIDCProvider:
    """An `oidc` provider with nothing but an issuer and a client."""
    return make()


@pytest.fixture
def sign_in(idp: HostileIdP, provider: GenericOIDCProvider) -> SignsIn:
    """Signs somebody in; keyword arguments change what the browser brings back."""

    async def run(using: OAuth2Provider | None = None, **changes: Any) -> SignIn:
        url, under_way = await begin(using or provider, transaction())
        return await finish(using or provider, idp.sign_in(url, **changes), under_way)

    return run


@pytest.fixture
def refused(idp: HostileIdP, sign_in: SignsIn) -> Callable[..., Awaitable[HubAuthError]]:
    """Signs somebody in, expects to be refused, and gives back why. Nobody was asked who that is (table 'Reject')."""

    async def run(using: OAuth2Provider | None = None, **changes: Any) -> HubAuthError:
        with pytest.raises(HubAuthError) as caught:
            await sign_in(using, **changes)
        assert idp.count("/userinfo") == 0
        return caught.value

    return run
