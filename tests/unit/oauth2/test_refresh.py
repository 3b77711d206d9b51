"""A credential that is renewed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostile_idp import ABSENT, faults
from hubauth_core import Fresh, ProviderError, ReauthRequired, Rotated, Secret, Unavailable

row = pytest.mark.row


@pytest.fixture
async def credential(idp, sign_in):
    """What a sign-in brought, with a refresh token."""
    idp.tokens = {"refresh_token": "first"}
    [credential] = (await sign_in()).credentials
    return credential


@row("R12")
@pytest.mark.parametrize(("again", "kept"), [("second", "second"), (ABSENT, "first")], ids=["rotated", "kept"])
async def test_renews(idp, provider, credential, again, kept):
    idp.tokens = {"refresh_token": again, "access_token": "renewed", "scope": ABSENT, "id_token": ABSENT}
    outcome = await provider.hubauth_refresh_credential(credential)
    assert isinstance(outcome, Rotated)
    assert outcome.credential.refresh_token == Secret(kept)
    assert outcome.credential.access_token == Secret("renewed")
    assert outcome.credential.scopes == credential.scopes
    assert outcome.credential.id_token == credential.id_token
    assert idp.last("/token").form["grant_type"] == "refresh_token"


@row("R20")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"sub": "8"},
        {"aud": ["hub", "api"]},
        {"auth_time": 1},
        {"nonce": "another"},
        {"exp": ABSENT},
    ],
    ids=["issuer", "subject", "audience", "auth-time", "nonce", "no-exp"],
)
async def test_a_renewed_id_token_about_somebody_else_drops_everything(idp, provider, credential, changes):
    idp.claims = {"nonce": ABSENT, **changes}
    with pytest.raises(ProviderError):
        await provider.hubauth_refresh_credential(credential)


async def test_a_renewed_id_token_about_the_same_person_is_kept(idp, provider, credential):
    idp.claims = {"nonce": ABSENT}
    outcome = await provider.hubauth_refresh_credential(credential)
    assert isinstance(outcome, Rotated)
    assert outcome.credential.id_token != credential.id_token


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (faults.json_answer({"error": "invalid_grant"}, 400), ReauthRequired("refused")),
        (faults.json_answer({"error": "temporarily_unavailable"}, 400), Unavailable()),
        (faults.raw(b"", status=503, retry_after="7"), Unavailable(7.0)),
        (faults.hang_up, Unavailable()),
    ],
    ids=["invalid-grant", "later", "503", "hangs-up"],
)
async def test_only_a_refusal_ends_the_grant(idp, provider, credential, answer, outcome):
    idp.replace("/token", answer)
    assert await provider.hubauth_refresh_credential(credential) == outcome


async def test_a_client_that_is_not_accepted_is_an_alarm(idp, provider, credential):
    idp.replace("/token", faults.json_answer({"error": "invalid_client"}, 401))
    with pytest.raises(ProviderError) as caught:
        await provider.hubauth_refresh_credential(credential)
    assert caught.value.code == "provider_refused_client"


@pytest.mark.parametrize(("expires_at", "outcome"), [(None, Fresh()), (2000.0, Fresh()), (999.0, ReauthRequired())])
async def test_without_a_refresh_token(provider, credential, expires_at, outcome):
    provider.now = lambda: 1000.0
    alone = replace(credential, refresh_token=None, expires_at=expires_at)
    assert await provider.hubauth_refresh_credential(alone) == outcome
