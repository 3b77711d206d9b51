"""Sign-ins against the hostile provider, without a hub."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hostile_idp import HostileIdP
from hubauth_core import HubAuthError, Redirect, Request, Secret, SignIn, Transaction
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


def transaction(**changes: Any) -> Transaction:
    """A sign-in under way, as the core makes one."""
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode
    values: dict[str, Any] = {"state": fresh(), "nonce": secrets.token_urlsafe(16), "verifier": Secret(fresh())}
    redirect_uri = "https://hub.example/hub/auth/uni/callback"
    return Transaction(**{"provider": "uni", "redirect_uri": redirect_uri, "started_at": 0.0, **values, **changes})


async def begin(provider: OAuth2Provider, under_way: Transaction) -> tuple[str, Transaction]:
    """Where the browser goes, and the transaction with what the provider noted in it."""
    step = await provider.hubauth_begin_login(Request(), under_way)
    assert isinstance(step, Redirect)
    return step.url, Transaction(**{**vars(under_way), "memo": step.memo})


async def finish(provider: OAuth2Provider, query: dict[str, list[str]], under_way: Transaction) -> SignIn:
    """The end of a sign-in with what the browser brought."""
    result = await provider.hubauth_finish_login(Request(query=query), under_way)
    assert isinstance(result, SignIn)
    return result


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
