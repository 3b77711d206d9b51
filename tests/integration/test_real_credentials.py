"""What providers do with tokens after a sign-in, against programs that others wrote; no hub is needed for it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from harness.browser import Browser
from harness.counterparts import Counterpart
from hubauth_core import (
    Credential,
    CredentialError,
    ProviderError,
    ReauthRequired,
    Redirect,
    Request,
    Rotated,
    Secret,
    SignIn,
    transaction,
)
from hubauth_core.builtin.oidc import GenericOIDCProvider

row = pytest.mark.row
HUB = "http://127.0.0.1:1"
CALLBACK = f"{HUB}/hub/auth/uni/callback"
SignsIn = Callable[..., Awaitable[SignIn]]
Makes = Callable[..., GenericOIDCProvider]


@pytest.fixture(params=["oidc-provider", "django-oauth-toolkit"])
def source(request: pytest.FixtureRequest) -> Counterpart:
    """Each of the two in turn."""
    name = {"oidc-provider": "oidc_provider", "django-oauth-toolkit": "django_provider"}[request.param]
    found: Counterpart = request.getfixturevalue(name)
    return found


@pytest.fixture
async def make() -> AsyncIterator[Makes]:
    """`make(source, **options)`: a provider for a source that knows our callback."""
    made: list[GenericOIDCProvider] = []

    def build(source: Counterpart, **options: Any) -> GenericOIDCProvider:
        source.control("PUT", "redirect_uris", [CALLBACK])
        settings = source.options(scope=["openid", "profile"], **options)
        settings.pop("type")
        made.append(GenericOIDCProvider("uni", **settings))
        return made[-1]

    yield build
    for provider in made:
        await provider.api.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A person's browser, which the source gets to know."""
    async with Browser(HUB) as one:
        yield one


@pytest.fixture
def sign_in(browser: Browser) -> SignsIn:
    """`sign_in(provider, person, password, ...)`: one sign-in as the core does it."""

    async def run(provider: GenericOIDCProvider, person: str, password: str = "any", **wishes: Any) -> SignIn:
        under_way = transaction.begin("uni", redirect_uri=CALLBACK, next_url="", **wishes)
        step = await provider.begin_login(Request(), under_way)
        assert isinstance(step, Redirect)
        answer = await browser.follow_to_callback(await browser.request("GET", step.url), person, password)
        query = {name: [value] for name, value in httpx.URL(answer).params.items()}
        return await provider.finish_login(Request(query=query), transaction.remember(under_way, step.memo))

    return run


async def renewed(provider: GenericOIDCProvider, credential: Credential) -> Credential:
    outcome = await provider.refresh_credential(credential)
    assert isinstance(outcome, Rotated), outcome
    return outcome.credential


async def accepted(provider: GenericOIDCProvider, credential: Credential) -> bool:
    """Whether userinfo takes the access token."""
    url = (await provider.endpoints()).userinfo
    return (await provider.api.get_json(url, token=credential.access_token)).ok


def claims_of(token: Secret) -> dict[str, Any]:
    payload = token.reveal().split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


@row("C31", "R12")
async def test_a_renewed_token_is_as_good_as_the_first(source: Counterpart, make: Makes, sign_in: SignsIn) -> None:
    provider = make(source)
    [first] = (await sign_in(provider, "alice", source.password("alice"))).credentials
    second = await renewed(provider, first)
    assert second.access_token != first.access_token
    assert second.refresh_token != first.refresh_token
    assert second.scopes == first.scopes
    assert await accepted(provider, second)
    assert await accepted(provider, await renewed(provider, second))


@row("F11", "R04")
async def test_a_used_refresh_token_ends_the_grant(source: Counterpart, make: Makes, sign_in: SignsIn) -> None:
    provider = make(source)
    [first] = (await sign_in(provider, "alice", source.password("alice"))).credentials
    second = await renewed(provider, first)
    assert await provider.refresh_credential(first) == ReauthRequired("refused")
    assert await provider.refresh_credential(second) == ReauthRequired("refused")


@row("F11")
async def test_a_wrong_secret_costs_no_grant(source: Counterpart, make: Makes, sign_in: SignsIn) -> None:
    [first] = (await sign_in(make(source), "alice", source.password("alice"))).credentials
    with pytest.raises(ProviderError) as caught:
        await make(source, client_secret="not the secret").refresh_credential(first)
    assert caught.value.code == "provider_refused_client"
    assert await renewed(make(source), first)


@row("R17")
async def test_what_is_taken_back_is_good_for_nothing(source: Counterpart, make: Makes, sign_in: SignsIn) -> None:
    """django-oauth-toolkit does not announce its endpoint, so that it is configured."""
    options = {} if "revocation_endpoint" in announced(source) else {"revocation_url": f"{source.url}/revoke_token/"}
    provider = make(source, **options)
    [credential] = (await sign_in(provider, "alice", source.password("alice"))).credentials
    assert await accepted(provider, credential)
    await provider.revoke_credential(credential)
    assert not await accepted(provider, credential)
    assert await provider.refresh_credential(credential) == ReauthRequired("refused")
    await provider.revoke_credential(credential)  # by now unknown there, which is no error


def announced(source: Counterpart) -> dict[str, Any]:
    answer = httpx.get(f"{source.url}/.well-known/openid-configuration", trust_env=False)
    found: dict[str, Any] = answer.json()
    return found


# Only oidc-provider: step-up, exchange, resource indicators.


async def test_a_person_grants_more(oidc_provider: Counterpart, make: Makes, sign_in: SignsIn) -> None:
    provider = make(oidc_provider, offered_scopes=["groups"])
    [least] = (await sign_in(provider, "bob")).credentials
    assert least.scopes == {"openid", "profile"}
    [more] = (await sign_in(provider, "bob", scopes=("groups",))).credentials
    assert more.scopes == {"openid", "profile", "groups"}
    assert (await renewed(provider, more)).scopes == more.scopes


async def test_a_known_person_is_asked_anew(
    oidc_provider: Counterpart, make: Makes, sign_in: SignsIn, browser: Browser
) -> None:
    provider = make(oidc_provider)
    assert (await sign_in(provider, "bob")).identity.subject == "bob"
    assert (await sign_in(provider, "carol")).identity.subject == "bob"
    assert (await sign_in(provider, "carol", anew=True)).identity.subject == "carol"


@row("R13", "R14", "M14")
async def test_a_token_is_exchanged_and_lives_by_itself(
    oidc_provider: Counterpart, make: Makes, sign_in: SignsIn
) -> None:
    exchange = {
        "kafka": {"audience": "urn:kafka", "scope": "api:read"},
        "storage": {"resource": "https://storage.example/", "requested_token_type": "refresh_token"},
    }
    provider = make(oidc_provider, exchange=exchange)
    [own] = (await sign_in(provider, "bob")).credentials
    oidc_provider.control("PUT", "ttl", {"AccessToken": 60})
    kafka, storage = [await provider.retrieve_credential(own, name) for name in exchange]
    oidc_provider.control("PUT", "ttl", {"AccessToken": 300})
    for found, audience in ((kafka, "urn:kafka"), (storage, "https://storage.example/")):
        claims = claims_of(found.access_token)
        assert (claims["sub"], claims["aud"], claims["scope"]) == ("bob", audience, "api:read")
        assert found.scopes == {"api:read"}
        assert found.expires_at is not None
        assert own.expires_at is not None
        assert found.expires_at < own.expires_at - 100
    assert kafka.refresh_token is None
    again = await renewed(provider, storage)
    assert (again.resource, claims_of(again.access_token)["aud"]) == ("storage", "https://storage.example/")
    assert again.refresh_token != storage.refresh_token
    assert await accepted(provider, await renewed(provider, own))


@row("R13", "R15")
async def test_a_refused_exchange_says_why(oidc_provider: Counterpart, make: Makes, sign_in: SignsIn) -> None:
    exchange = {"nowhere": {"audience": "nowhere"}, "more": {"audience": "urn:kafka", "scope": "api:write"}}
    provider = make(oidc_provider, exchange=exchange)
    [own] = (await sign_in(provider, "bob")).credentials
    dead = replace(own, access_token=Secret("dead"))
    for credential, name, code in (
        (own, "nowhere", "invalid_target"),
        (own, "more", "exchange_refused"),
        (dead, "nowhere", "needs_login"),
    ):
        with pytest.raises((CredentialError, ProviderError)) as caught:
            await provider.retrieve_credential(credential, name)
        assert caught.value.code == code


@row("R15")
async def test_a_resource_is_in_the_token_and_in_the_next_one(
    oidc_provider: Counterpart, make: Makes, sign_in: SignsIn
) -> None:
    provider = make(oidc_provider, resource=["https://api.example/"], userinfo="never")
    [first] = (await sign_in(provider, "bob", scopes=("api:read",))).credentials
    assert claims_of(first.access_token)["aud"] == "https://api.example/"
    assert claims_of((await renewed(provider, first)).access_token)["aud"] == "https://api.example/"


@row("C18", "C19")
@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]
)
async def test_the_source_takes_the_proof_of_a_client(
    oidc_provider: Counterpart, make: Makes, sign_in: SignsIn, tmp_path: Path, method: str
) -> None:
    client = {"client_id": f"hub {method}:+%", "token_endpoint_auth_method": method, "redirect_uris": [CALLBACK]}
    client |= {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}
    ours = method.removeprefix("client_secret_") if method != "client_secret_jwt" else method
    options: dict[str, Any] = {"client_id": client["client_id"], "client_authentication": ours, "client_secret": ""}
    if method.startswith("client_secret"):
        client["client_secret"] = options["client_secret"] = "a secret: with +/%=&, of more than 32 bytes"
    if method == "private_key_jwt":
        key = ECKey.generate_key("P-256", {"kid": "one"})
        client["jwks"] = {"keys": [key.as_dict(private=False)]}
        client["token_endpoint_auth_signing_alg"] = "ES256"
        (tmp_path / "key.pem").write_bytes(key.as_pem(private=True))
        options |= {"private_key_file": str(tmp_path / "key.pem"), "private_key_id": "one"}
    oidc_provider.control("PUT", "clients", client)
    signed_in = await sign_in(make(oidc_provider, **options), "alice")
    assert signed_in.identity.subject == "alice"
