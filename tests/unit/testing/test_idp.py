"""The OpenID provider for tests and the demo behaves like a real one, also towards a client that does not."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from hubauth_core.testing.idp import IdentityProvider, Person
from hubauth_core.testing.issuing import base64url

ANN = Person(subject="7", username="ann", name="Ann <b>Example", email="ann@idp.example", groups=("staff",))
BOB = Person(subject="8", username="bob", name="Bob", note="no address")
CALLBACK = "http://127.0.0.1:9/hub/auth/uni/callback"
VERIFIER = "v" * 64
CHALLENGE = base64url(hashlib.sha256(VERIFIER.encode()).digest())
REQUEST = {
    "response_type": "code",
    "client_id": "hub",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest_asyncio.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with IdentityProvider(title="Uni", people=[ANN, BOB], client_secret="se:cret") as idp:
        yield idp


@pytest_asyncio.fixture
async def client(idp: IdentityProvider) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=idp.issuer, trust_env=False) as client:
        yield client


async def answer(client: httpx.AsyncClient, person: str, **changes: str) -> dict[str, str]:
    """What the client is told in the redirect, after `person` was chosen."""
    response = await client.post("/authorize", params=REQUEST | changes, data={"person": person})
    assert response.status_code == 303
    assert response.headers["location"].startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


async def redeem(client: httpx.AsyncClient, code: str, /, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "hub",
        "client_secret": "se:cret",
    }
    return await client.post("/token", data=form | changes)


async def test_page_offers_everybody_escaped_and_names_the_provider(client: httpx.AsyncClient) -> None:
    page = (await client.get("/authorize", params=REQUEST)).text
    assert "<h1>Uni</h1>" in page
    assert re.findall(r'name="person" value="(\w*)"', page) == ["7", "8", ""]
    assert "Ann &lt;b&gt;Example" in page
    assert "no address" in page


async def test_sign_in_ends_in_a_verifiable_id_token_and_userinfo(
    idp: IdentityProvider, client: httpx.AsyncClient
) -> None:
    told = await answer(client, "7")
    assert told["state"] == "s-1"
    assert told["iss"] == idp.issuer
    tokens = (await redeem(client, told["code"])).json()
    metadata = (await client.get("/.well-known/openid-configuration")).json()
    keys = KeySet.import_key_set((await client.get(metadata["jwks_uri"])).json())
    claims = jwt.decode(tokens["id_token"], keys).claims
    expected = {"iss": idp.issuer, "aud": "hub", "sub": "7", "nonce": "n-1", "preferred_username": "ann"}
    assert expected.items() <= claims.items()
    userinfo = await client.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert userinfo.json() == ANN.claims()
    assert userinfo.headers["cache-control"] == "no-store"
    assert "refresh_token" not in tokens


async def test_client_may_authenticate_by_http_basic(client: httpx.AsyncClient) -> None:
    told = await answer(client, "7")
    form = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": CALLBACK}
    response = await client.post("/token", data=form | {"code_verifier": VERIFIER}, auth=("hub", "se%3Acret"))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"client_secret": "wrong"}, "invalid_client", id="secret"),
        pytest.param({"client_id": "other"}, "invalid_client", id="client"),
        pytest.param({"code_verifier": "w" * 64}, "invalid_grant", id="verifier"),
        pytest.param({"redirect_uri": CALLBACK + "2"}, "invalid_grant", id="redirect"),
        pytest.param({"code": "guessed"}, "invalid_grant", id="code"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="grant"),
    ],
)
async def test_token_endpoint_refuses(client: httpx.AsyncClient, changes: dict[str, str], error: str) -> None:
    told = await answer(client, "7")
    response = await redeem(client, told["code"], **changes)
    assert response.status_code in {400, 401}
    assert response.json() == {"error": error}


async def test_code_works_once(client: httpx.AsyncClient) -> None:
    told = await answer(client, "7")
    assert (await redeem(client, told["code"])).status_code == 200
    assert (await redeem(client, told["code"])).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain-pkce"),
        pytest.param({"code_challenge": ""}, "invalid_request", id="no-pkce"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit"),
        pytest.param({"scope": "profile"}, "invalid_scope", id="no-openid"),
        pytest.param({"prompt": "none"}, "login_required", id="silent"),
    ],
)
async def test_authorize_tells_the_client_what_is_wrong(
    client: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    told = await answer(client, "7", **changes)
    assert told["error"] == error
    assert "code" not in told


async def test_cancelling_is_told_to_the_client(client: httpx.AsyncClient) -> None:
    assert (await answer(client, ""))["error"] == "access_denied"


@pytest.mark.parametrize(
    "address",
    [
        "https://hub.example/callback",
        "http://hub.example/callback",
        "http://127.0.0.1@hub.example/callback",
        "http://[::1/callback",
        "javascript:alert(1)",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_browser_is_sent_nowhere_but_to_this_machine(
    client: httpx.AsyncClient, address: str, method: str
) -> None:
    response = await client.request(method, "/authorize", params=REQUEST | {"redirect_uri": address})
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_refresh_token_works_once_and_brings_the_next(client: httpx.AsyncClient) -> None:
    told = await answer(client, "7", scope="openid offline_access")
    first = (await redeem(client, told["code"])).json()["refresh_token"]
    renewal = {"grant_type": "refresh_token", "refresh_token": first}
    second = (await redeem(client, "", **renewal)).json()
    assert second["refresh_token"] != first
    assert (await redeem(client, "", **renewal)).json() == {"error": "invalid_grant"}


async def granted(client: httpx.AsyncClient, scope: str = "openid profile offline_access") -> dict[str, str]:
    """The tokens of a sign-in."""
    answered: dict[str, str] = (await redeem(client, (await answer(client, "7", scope=scope))["code"])).json()
    return answered


async def holds(client: httpx.AsyncClient, token: str) -> bool:
    """Whether userinfo takes an access token."""
    return (await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def renew(client: httpx.AsyncClient, token: str) -> dict[str, str]:
    answered: dict[str, str] = (await redeem(client, "", grant_type="refresh_token", refresh_token=token)).json()
    return answered


async def test_a_used_refresh_token_ends_all_that_came_of_the_sign_in(client: httpx.AsyncClient) -> None:
    first, another = await granted(client), await granted(client)
    second = await renew(client, first["refresh_token"])
    assert await renew(client, first["refresh_token"]) == {"error": "invalid_grant"}
    assert await renew(client, second["refresh_token"]) == {"error": "invalid_grant"}
    assert not await holds(client, second["access_token"])
    assert await holds(client, another["access_token"])


async def revoke(client: httpx.AsyncClient, token: str, secret: str = "se:cret") -> int:
    form = {"token": token, "client_id": "hub", "client_secret": secret}
    return (await client.post("/revoke", data=form)).status_code


async def test_an_access_token_is_taken_back_alone(client: httpx.AsyncClient) -> None:
    tokens = await granted(client)
    assert await revoke(client, tokens["access_token"]) == 200
    assert not await holds(client, tokens["access_token"])
    assert "access_token" in await renew(client, tokens["refresh_token"])


async def test_a_refresh_token_is_taken_back_with_all_that_it_brought(client: httpx.AsyncClient) -> None:
    tokens = await granted(client)
    assert await revoke(client, tokens["refresh_token"]) == 200
    assert not await holds(client, tokens["access_token"])
    assert await renew(client, tokens["refresh_token"]) == {"error": "invalid_grant"}


async def test_what_nobody_knows_is_taken_back_and_only_by_the_client(client: httpx.AsyncClient) -> None:
    tokens = await granted(client)
    assert await revoke(client, "guessed") == 200
    assert await revoke(client, tokens["access_token"], secret="wrong") == 401
    assert await holds(client, tokens["access_token"])


async def exchange(client: httpx.AsyncClient, token: str, **changes: str) -> dict[str, str]:
    kind = "urn:ietf:params:oauth:token-type:access_token"
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": kind,
        "audience": "kafka",
    }
    answered: dict[str, str] = (await redeem(client, "", **form | changes)).json()
    return answered


async def test_a_token_is_exchanged_for_less(idp: IdentityProvider, client: httpx.AsyncClient) -> None:
    idp.audiences = ("kafka",)
    own = (await granted(client))["access_token"]
    exchanged = await exchange(client, own, scope="profile")
    assert exchanged["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert exchanged["scope"] == "profile"
    assert {"id_token", "refresh_token"}.isdisjoint(exchanged)
    grant = idp.grant_of(exchanged["access_token"])
    assert grant is not None
    assert grant.audience == "kafka"
    assert not await holds(client, exchanged["access_token"])


async def test_an_exchanged_token_is_renewed_where_that_was_asked_for(
    idp: IdentityProvider, client: httpx.AsyncClient
) -> None:
    idp.audiences = ("kafka",)
    wanted = "urn:ietf:params:oauth:token-type:refresh_token"
    exchanged = await exchange(client, (await granted(client))["access_token"], requested_token_type=wanted)
    grant = idp.grant_of((await renew(client, exchanged["refresh_token"]))["access_token"])
    assert grant is not None
    assert grant.audience == "kafka"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"audience": "other"}, "invalid_target", id="audience"),
        pytest.param({"scope": "profile email"}, "invalid_scope", id="more"),
        pytest.param({"subject_token": "guessed"}, "invalid_request", id="token"),
        pytest.param({"subject_token_type": ""}, "invalid_request", id="type"),
        pytest.param({"requested_token_type": "urn:x"}, "invalid_request", id="wanted"),
    ],
)
async def test_an_exchange_is_refused(
    idp: IdentityProvider, client: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    idp.audiences = ("kafka",)
    own = (await granted(client))["access_token"]
    assert await exchange(client, own, **changes) == {"error": error}


async def test_person_who_was_taken_out_is_refused(idp: IdentityProvider, client: httpx.AsyncClient) -> None:
    told = await answer(client, "7", scope="openid offline_access")
    tokens = (await redeem(client, told["code"])).json()
    idp.people = [BOB]
    userinfo = await client.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert userinfo.status_code == 401
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await redeem(client, "", **renewal)).json() == {"error": "invalid_grant"}


async def test_scope_that_can_be_had_is_named_shown_and_granted(
    idp: IdentityProvider, client: httpx.AsyncClient
) -> None:
    idp.further_scopes = ("repository",)
    wanted = REQUEST | {"scope": "openid repository everything"}
    metadata = (await client.get("/.well-known/openid-configuration")).json()
    assert "repository" in metadata["scopes_supported"]
    assert "also asks for: repository." in (await client.get("/authorize", params=wanted)).text
    tokens = (await redeem(client, (await answer(client, "7", **wanted))["code"])).json()
    assert tokens["scope"] == "openid repository"


async def test_access_token_ends_with_its_lifetime(idp: IdentityProvider, client: httpx.AsyncClient) -> None:
    tokens = (await redeem(client, (await answer(client, "7"))["code"])).json()
    grant = idp.grant_of(tokens["access_token"])
    assert grant is not None
    assert grant.person == ANN
    idp.lifetime = -1
    assert idp.grant_of(tokens["access_token"]) is None


async def test_log_says_what_was_asked_and_for_whom_but_no_secret(
    idp: IdentityProvider, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "hubauth.idp"):
        told = await answer(client, "7", scope="openid offline_access")
        tokens = (await redeem(client, told["code"])).json()
        await redeem(client, "", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert [record.message for record in caplog.records if record.name == "hubauth.idp"] == [
        "Uni: POST /authorize -> 303",
        "Uni: authorization_code of ann",
        "Uni: POST /token -> 200",
        "Uni: refresh_token of ann",
        "Uni: POST /token -> 200",
    ]


async def test_secret_shows_in_no_repr(idp: IdentityProvider) -> None:
    assert "se:cret" not in repr(idp)
