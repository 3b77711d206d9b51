"""What Keycloak's broker passes on of another identity provider."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from hostile_idp import HostileIdP, faults
from hubauth_core import Credential, CredentialError, ProviderError, ProviderUnavailable, Secret
from hubauth_core.oauth2 import keycloak
from hubauth_core.oauth2.http import Api, Response

row = pytest.mark.row
NOW = 1000.0
OWN = Credential(access_token=Secret("own-t0ken"))


def parse(body: object, media_type: str = "application/json") -> Credential:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return keycloak.parse(Response(url="", status=200, headers={"content-type": media_type}, body=data), "Uni", NOW)


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/octet-stream", ""])
@pytest.mark.parametrize(
    "body", [{"access_token": "t", "scope": "a,b"}, b"access_token=t&scope=a%2Cb&token_type=bearer"]
)
def test_json_and_forms_whatever_they_are_called(body, media_type):
    found = parse(body, media_type)
    assert (found.access_token, found.token_type, found.scopes) == (Secret("t"), "Bearer", {"a", "b"})


@pytest.mark.parametrize(
    ("told", "until"),
    [
        ({"expires_in": 60}, 1060),
        ({"expires_in": 60, "accessTokenExpiration": 1010}, 1010),
        ({"accessTokenExpiration": 0}, None),
        ({}, None),
    ],
)
def test_until_when_it_is_good(told, until):
    assert parse({"access_token": "t", **told}).expires_at == until


def test_what_renews_it_stays_there():
    found = parse({"access_token": "t", "refresh_token": "r", "id_token": "a.b.c"})
    assert (found.refresh_token, found.id_token) == (None, None)


@row("F04", "F06", "X25")
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"access_token=t", "text/html"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        ({"access_token": 7}, "application/json"),
        ({"access_token": "t", "token_type": "mac"}, "application/json"),
        ({"access_token": "t", "scope": ["a"]}, "application/json"),
        (b"access_token=t&access_token=u", "text/plain"),
        (b"No token for you.", "text/plain"),
    ],
)
def test_rubbish(body, media_type):
    with pytest.raises(ProviderError) as caught:
        parse(body, media_type)
    assert caught.value.code == "provider_bad_response"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api("Uni", timeout=20)
    yield made
    await made.close()


@row("F11")
@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (faults.json_answer({"errorMessage": "User is not associated"}, 400), CredentialError, "needs_login"),
        (faults.json_answer({"errorMessage": "No token stored"}, 404), CredentialError, "needs_login"),
        (faults.json_answer({"errorMessage": "Invalid token"}, 401), CredentialError, "needs_login"),
        (faults.json_answer({"access_token": "t", "accessTokenExpiration": 999}), CredentialError, "needs_login"),
        (faults.json_answer({"errorMessage": "Client not authorized"}, 403), ProviderError, "exchange_refused"),
        (faults.raw(b"", status=502), ProviderUnavailable, "provider_unreachable"),
        (faults.redirect("https://evil.example/"), ProviderError, "provider_bad_response"),
    ],
    ids=["not-linked", "not-kept", "own-token-dead", "run-out", "no-role", "502", "redirect"],
)
async def test_no_token(idp: HostileIdP, api: Api, answer, kind, code):
    url = keycloak.broker_url(f"{idp.issuer}/", "google")
    assert url == f"{idp.issuer}/broker/google/token"
    idp.replace("/broker/google/token", answer)
    with pytest.raises(kind) as caught:
        await keycloak.stored_token(api, url, OWN, "google", NOW)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert "own-t0ken" not in str(caught.value)
