"""A credential after the sign-in: renewed, exchanged, taken back."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from hostile_idp import ABSENT, faults, tokens
from hubauth_core import (
    Credential,
    CredentialError,
    Fresh,
    ProviderError,
    ProviderUnavailable,
    ReauthRequired,
    Rotated,
    Secret,
    Unavailable,
)
from hubauth_core.oauth2 import rfc8693

row = pytest.mark.row
DOWN = {
    "503": (faults.raw(b"", status=503, retry_after="7"), 7.0),
    "500": (faults.json_answer({"error": "invalid_grant"}, 500), None),
    "429": (faults.raw(b"", status=429, retry_after="7"), 7.0),
    "hangs-up": (faults.hang_up, None),
    "hangs": (faults.aged(60, faults.hang), None),
    "later": (faults.json_answer({"error": "temporarily_unavailable"}, 400), None),
}
RUBBISH = {
    "html": faults.raw(b"<html>", "text/html"),
    "broken": faults.raw(b"{"),
    "no-token": faults.json_answer({"token_type": "Bearer"}),
    "another-type": faults.json_answer({"access_token": "a", "token_type": "DPoP"}),
    "404": faults.json_answer({"message": "nothing here"}, 404),
    "redirect": faults.redirect("https://evil.example/"),
    "invalid-request": faults.json_answer({"error": "invalid_request"}, 400),
    "another-error": faults.json_answer({"error": "unsupported_grant_type"}, 400),
}


@pytest.fixture
async def credential(idp, sign_in) -> Credential:
    """What a sign-in brought, with a refresh token."""
    idp.tokens = {"refresh_token": "first"}
    [credential] = (await sign_in()).credentials
    return credential


@pytest.fixture
def asked(idp):
    """How often the token endpoint was asked since the sign-in."""
    before = idp.count("/token")
    return lambda: idp.count("/token") - before


# Renewal.


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


@row("R12")
async def test_asks_for_as_much_as_was_granted(idp, provider, credential):
    await provider.hubauth_refresh_credential(credential)
    assert set(idp.last("/token").form) == {"grant_type", "refresh_token"}


@row("R12")
async def test_what_is_granted_now_is_what_is_recorded(idp, provider, credential):
    idp.tokens = {"scope": "openid"}
    outcome = await provider.hubauth_refresh_credential(credential)
    assert outcome.credential.scopes == {"openid"}


@row("R15")
async def test_a_resource_is_named_again(idp, make, sign_in):
    services = ["https://api.example/", "https://other.example/"]
    provider = make(resource=services)
    idp.tokens = {"refresh_token": "first"}
    [credential] = (await sign_in(provider)).credentials
    assert idp.last("/token").fields("resource") == services
    await provider.hubauth_refresh_credential(credential)
    assert idp.last("/token").fields("resource") == services


@row("F11", "F03")
@pytest.mark.parametrize("fault", DOWN)
async def test_a_source_that_does_not_answer_keeps_the_grant(idp, make, credential, asked, fault):
    answer, retry_after = DOWN[fault]
    idp.replace("/token", answer)
    outcome = await make(request_timeout=20).hubauth_refresh_credential(credential)
    assert outcome == Unavailable(retry_after)
    assert asked() == 1


@row("F11", "F02")
async def test_a_renewal_has_one_budget_of_time(idp, make, credential):
    """Each of the two answers is in time by itself."""
    idp.replace("/.well-known/openid-configuration", faults.aged(12, idp.answer_metadata()))
    idp.replace("/token", faults.aged(12, faults.json_answer({"access_token": "renewed", "token_type": "Bearer"})))
    assert isinstance(await make(request_timeout=20).hubauth_refresh_credential(credential), Unavailable)
    assert isinstance(await make(request_timeout=60).hubauth_refresh_credential(credential), Rotated)


@row("F11")
@pytest.mark.parametrize("error", ["invalid_grant", "bad_refresh_token", "interaction_required"])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_refusal_ends_the_grant(idp, provider, credential, error, status):
    idp.replace("/token", faults.json_answer({"error": error}, status))
    assert await provider.hubauth_refresh_credential(credential) == ReauthRequired("refused")


@row("F11")
@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "incorrect_client_credentials"])
async def test_a_client_that_is_not_accepted_is_an_alarm(idp, provider, credential, error):
    idp.replace("/token", faults.json_answer({"error": error}, 401))
    with pytest.raises(ProviderError) as caught:
        await provider.hubauth_refresh_credential(credential)
    assert caught.value.code == "provider_refused_client"


@row("F11", "F04", "F07")
@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH)
async def test_rubbish_says_nothing_about_the_grant(idp, provider, credential, asked, answer):
    idp.replace("/token", answer)
    with pytest.raises(ProviderError) as caught:
        await provider.hubauth_refresh_credential(credential)
    assert caught.value.code == "provider_bad_response"
    assert asked() == 1


@pytest.mark.parametrize(("expires_at", "outcome"), [(None, Fresh()), (2000.0, Fresh()), (999.0, ReauthRequired())])
async def test_without_a_refresh_token(provider, credential, expires_at, outcome):
    provider.now = lambda: 1000.0
    alone = replace(credential, refresh_token=None, expires_at=expires_at)
    assert await provider.hubauth_refresh_credential(alone) == outcome


async def test_a_renewed_id_token_about_the_same_person_is_kept(idp, provider, credential):
    idp.claims = {"nonce": ABSENT}
    outcome = await provider.hubauth_refresh_credential(credential)
    assert isinstance(outcome, Rotated)
    assert outcome.credential.id_token != credential.id_token


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": "https://evil.example"}, marks=row("C32", "R20")),
        pytest.param({"sub": "8"}, marks=row("C33", "R20")),
    ],
    ids=["issuer", "subject"],
)
async def test_a_renewed_id_token_about_somebody_else_drops_everything(idp, provider, credential, changes):
    idp.claims = {"nonce": ABSENT, **changes}
    assert await provider.hubauth_refresh_credential(credential) == ReauthRequired("another_person")


@row("C33")
async def test_also_where_its_signature_is_not_the_sources(idp, provider, credential):
    idp.claims, idp.mint = {"nonce": ABSENT, "sub": "8"}, unsigned
    assert await provider.hubauth_refresh_credential(credential) == ReauthRequired("another_person")


@row("R20")
@pytest.mark.parametrize(
    "changes",
    [{"aud": ["hub", "api"]}, {"auth_time": 1}, {"nonce": "another"}, {"exp": ABSENT}, {"exp": 1}, {"sub": ABSENT}],
    ids=["audience", "auth-time", "nonce", "no-exp", "too-old", "no-subject"],
)
async def test_a_renewed_id_token_with_another_fault_is_left_out(idp, provider, credential, changes):
    idp.tokens = {"refresh_token": "second"}
    idp.claims = {"nonce": ABSENT, **changes}
    outcome = await provider.hubauth_refresh_credential(credential)
    assert outcome.credential.refresh_token == Secret("second")
    assert outcome.credential.id_token == credential.id_token


@row("R04", "F11")
@pytest.mark.parametrize(
    "fault", [faults.aged(60, faults.hang), faults.hang_up, faults.raw(b"{")], ids=["hangs", "hangs-up", "broken"]
)
async def test_keys_that_cannot_be_had_lose_no_token(idp, make, credential, fault):
    """The source has rotated by then: what was issued is worth more than a proof that need not come at all."""
    idp.claims, idp.tokens = {"nonce": ABSENT}, {"refresh_token": "second"}
    idp.replace("/jwks", fault)
    outcome = await make(request_timeout=20).hubauth_refresh_credential(credential)
    assert outcome.credential.refresh_token == Secret("second")
    assert outcome.credential.id_token == credential.id_token


# Exchange.

KAFKA = {"kafka": {"audience": "kafka", "scope": "read write"}}
EXCHANGED = {
    "access_token": "for-kafka",
    "issued_token_type": rfc8693.ACCESS_TOKEN,
    "token_type": "Bearer",
    "expires_in": 60,
    "scope": "read",
}


async def exchanged(idp, provider, credential, resource: str = "kafka", **changes: Any) -> Credential:
    idp.replace("/token", faults.json_answer(tokens.applied(EXCHANGED, changes)))
    return await provider.hubauth_retrieve_credential(credential, resource)


@row("R13", "R14", "C18")
async def test_exchanges_ones_own_token(idp, make, credential):
    provider = make(exchange=KAFKA)
    provider.now = lambda: 1000.0
    found = await exchanged(idp, provider, credential)
    assert found == Credential(
        access_token=Secret("for-kafka"), scopes=frozenset({"read"}), expires_at=1060.0, resource="kafka"
    )
    seen = idp.last("/token")
    assert seen.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": credential.access_token.reveal(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": "kafka",
        "scope": "read write",
    }
    assert seen.headers["Authorization"].startswith("Basic ")


@row("R14")
@pytest.mark.parametrize("resource", ["elsewhere", "", "Kafka"])
async def test_only_what_is_configured_is_asked_for(make, credential, asked, resource):
    with pytest.raises(CredentialError) as caught:
        await make(exchange=KAFKA).hubauth_retrieve_credential(credential, resource)
    assert caught.value.code == "unknown_resource"
    assert asked() == 0


@row("R14")
async def test_an_exchanged_token_is_not_exchanged_again(make, credential, asked):
    with pytest.raises(CredentialError):
        await make(exchange=KAFKA).hubauth_retrieve_credential(replace(credential, resource="kafka"), "kafka")
    assert asked() == 0


@row("R14")
@pytest.mark.parametrize(
    "other",
    [
        {"exchange": {"kafka": {"audience": "other"}}},
        {"exchange": {"kafka": {"audience": "kafka", "scope": "read"}}},
        {"exchange": {"kafka": {"resource": "urn:kafka", "scope": "read write"}}},
        {"exchange": KAFKA, "client_id": "another"},
        {"exchange": KAFKA, "issuer": "https://another.example"},
    ],
    ids=["audience", "scope", "resource", "client", "issuer"],
)
def test_a_name_that_stands_for_something_else_is_told_apart(make, other):
    provider = make(exchange=KAFKA)
    assert provider.resources == make(exchange=KAFKA).resources
    assert provider.resources != make(**other).resources


@pytest.mark.parametrize(("own", "lasts"), [(5000.0, 5000.0), (None, None)])
async def test_a_token_of_unknown_life_lasts_as_long_as_what_it_was_got_with(idp, make, credential, own, lasts):
    found = await exchanged(idp, make(exchange=KAFKA), replace(credential, expires_at=own), expires_in=ABSENT)
    assert found.expires_at == lasts


@row("R13", "F11")
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ("invalid_request", CredentialError, "invalid_request"),
        ("invalid_target", CredentialError, "invalid_target"),
        ("invalid_grant", CredentialError, "needs_login"),
        ("invalid_token", CredentialError, "needs_login"),
        ("not_linked", CredentialError, "needs_login"),
        ("access_denied", ProviderError, "exchange_refused"),
        ("invalid_scope", ProviderError, "exchange_refused"),
        ("invalid_client", ProviderError, "provider_refused_client"),
        ("temporarily_unavailable", ProviderUnavailable, "provider_unreachable"),
        ("something_else", ProviderError, "provider_bad_response"),
    ],
)
async def test_a_refused_exchange_says_whose_turn_it_is(idp, make, credential, error, kind, code):
    idp.replace("/token", faults.json_answer({"error": error, "error_description": "t0p-s3cret"}, 400))
    with pytest.raises(kind) as caught:
        await make(exchange=KAFKA).hubauth_retrieve_credential(credential, "kafka")
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert "t0p-s3cret" not in str(caught.value)


@row("R13", "F01", "F03")
@pytest.mark.parametrize("fault", DOWN)
async def test_an_exchange_is_asked_for_once(idp, make, credential, asked, fault):
    idp.replace("/token", DOWN[fault][0])
    with pytest.raises(ProviderUnavailable):
        await make(exchange=KAFKA, request_timeout=20).hubauth_retrieve_credential(credential, "kafka")
    assert asked() == 1


@row("R14")
async def test_who_acts_for_the_person_is_written_down(idp, make, credential, caplog):
    caplog.set_level(logging.INFO)
    claims = {"sub": "7", "act": {"sub": "gateway\nFAKE LINE", "act": {"sub": "hub"}}}
    token = tokens.unsigned({}, json.dumps(claims).encode())
    await exchanged(idp, make(exchange=KAFKA), credential, access_token=token)
    assert r"a token for kafka is used by 'gateway\nFAKE LINE', for 'hub'" in caplog.text
    assert token not in caplog.text


@row("R13")
async def test_an_actor_is_read_when_it_is_needed(idp, make, credential, tmp_path):
    file = tmp_path / "actor"
    file.write_text("first")
    entry = {"audience": "kafka", "actor_token_file": str(file), "actor_token_type": "jwt"}
    provider = make(exchange={"kafka": entry})
    file.write_text("second")
    await exchanged(idp, provider, credential)
    form = idp.last("/token").form
    assert form["actor_token"] == "second"
    assert form["actor_token_type"] == "urn:ietf:params:oauth:token-type:jwt"
    file.unlink()
    with pytest.raises(ProviderError) as caught:
        await exchanged(idp, provider, credential)
    assert caught.value.code == "actor_token_missing"


async def test_the_id_token_as_the_subject(idp, make, credential):
    provider = make(exchange={"kafka": {"audience": "kafka", "subject_token_type": "id_token"}})
    await exchanged(idp, provider, credential)
    assert idp.last("/token").form["subject_token"] == credential.id_token.reveal()
    with pytest.raises(CredentialError) as caught:
        await exchanged(idp, provider, replace(credential, id_token=None))
    assert caught.value.code == "needs_login"


@row("R15")
async def test_an_exchanged_token_is_renewed_by_itself(idp, make, credential):
    entry = {"audience": "kafka", "resource": ["https://kafka.example/", "urn:other"]}
    provider = make(exchange={"kafka": entry})
    found = await exchanged(idp, provider, credential, refresh_token="of-kafka")
    assert idp.last("/token").fields("resource") == entry["resource"]
    idp.answers.clear()
    idp.tokens = {"refresh_token": "of-kafka-2", "id_token": "another.person.s"}
    outcome = await provider.hubauth_refresh_credential(found)
    assert (outcome.credential.resource, outcome.credential.refresh_token) == ("kafka", Secret("of-kafka-2"))
    assert outcome.credential.id_token is None
    form = idp.last("/token").form
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "of-kafka")
    assert idp.last("/token").fields("resource") == entry["resource"]


@row("R13")
async def test_a_renewal_widens_no_exchanged_token(idp, make, credential):
    provider = make(exchange=KAFKA)
    found = await exchanged(idp, provider, credential, refresh_token="of-kafka")
    idp.answers.clear()
    idp.tokens = {"refresh_token": "of-kafka-2", "scope": "read write"}
    assert isinstance(await provider.hubauth_refresh_credential(found), Rotated)
    idp.tokens = {"refresh_token": "of-kafka-3", "scope": "read admin"}
    assert await provider.hubauth_refresh_credential(found) == ReauthRequired("exchange_widened")


async def test_of_an_exchange_that_is_gone_nothing_is_sent(revocable, make, credential, asked):
    orphan = replace(credential, resource="kafka")
    assert await make().hubauth_refresh_credential(orphan) == ReauthRequired("expired")
    await make().hubauth_revoke_credential(orphan)
    assert (asked(), revoked(revocable)) == (0, [])


# Another server: Keycloak's external-to-internal exchange.


@pytest.fixture
async def keycloak(idp, tmp_path):
    """Options of a provider whose token is exchanged at another server, and that server."""
    (tmp_path / "secret").write_text("of-keycloak")
    async with type(idp)() as other:
        entry = {
            "subject_issuer": "uni",
            "token_url": f"{other.issuer}/token",
            "revocation_url": f"{other.issuer}/revoke",
            "client_id": "hub-there",
            "client_secret_file": str(tmp_path / "secret"),
        }
        yield other, {"realm": entry}


@row("R13", "R14")
async def test_another_server_gets_the_subject_token_and_its_own_client(idp, make, credential, keycloak, asked):
    other, exchange = keycloak
    provider = make(exchange=exchange)
    found = await exchanged(other, provider, credential, "realm", refresh_token="there")
    seen = other.last("/token")
    assert seen.form["subject_token"] == credential.access_token.reveal()
    assert seen.form["subject_issuer"] == "uni"
    assert base64.b64decode(seen.headers["Authorization"].removeprefix("Basic ")) == b"hub-there:of-keycloak"
    other.answers.clear()
    assert isinstance(await provider.hubauth_refresh_credential(found), Rotated)
    other.replace("/revoke", faults.raw(b""))
    await provider.hubauth_revoke_credential(found)
    assert [each.form["token"] for each in other.seen if each.path == "/revoke"] == ["there", "for-kafka"]
    assert asked() == 0
    assert idp.count("/revoke") == 0


@row("F01")
async def test_another_server_that_is_down_stops_no_sign_in(make, credential, keycloak, sign_in):
    other, exchange = keycloak
    provider = make(exchange=exchange)
    other.replace("/token", faults.hang_up)
    for _ in range(5):
        with pytest.raises(ProviderUnavailable):
            await provider.hubauth_retrieve_credential(credential, "realm")
    assert (await sign_in(provider)).identity.subject == "7"


# Keycloak's broker.


@row("R13")
async def test_the_token_that_a_broker_keeps(idp, make, credential):
    provider = make(exchange={"google": {"requested_issuer": "google/1", "via": "broker"}})
    idp.replace("/broker/google%2F1/token", faults.raw(b"access_token=gho_1&scope=repo%2Cgist", "text/plain"))
    found = await provider.hubauth_retrieve_credential(credential, "google")
    assert found.access_token == Secret("gho_1")
    assert found.scopes == {"repo", "gist"}
    assert (found.refresh_token, found.resource) == (None, "google")
    assert found.expires_at == credential.expires_at
    sent = idp.last("/broker/google%2F1/token").headers["Authorization"]
    assert sent == f"Bearer {credential.access_token.reveal()}"


# Revocation.


@pytest.fixture
def revocable(idp):
    """A source that takes tokens back."""
    idp.metadata = {"revocation_endpoint": f"{idp.issuer}/revoke"}
    idp.replace("/revoke", faults.raw(b""))
    return idp


def revoked(idp) -> list[tuple[str, str]]:
    return [(each.form["token_type_hint"], each.form["token"]) for each in idp.seen if each.path == "/revoke"]


@row("R17")
async def test_takes_back_what_renews_first(revocable, make, credential):
    await make().hubauth_revoke_credential(credential)
    access = credential.access_token.reveal()
    assert revoked(revocable) == [("refresh_token", "first"), ("access_token", access)]
    assert revocable.last("/revoke").headers["Authorization"].startswith("Basic ")


@row("R17")
async def test_a_token_that_has_run_out_need_not_be_taken_back(revocable, make, credential):
    await make().hubauth_revoke_credential(replace(credential, expires_at=1.0))
    assert revoked(revocable) == [("refresh_token", "first")]


@row("R17")
async def test_a_source_without_revocation_is_not_asked(idp, provider, credential):
    await provider.hubauth_revoke_credential(credential)
    assert idp.count("/revoke") == 0


@row("R17")
async def test_an_address_among_the_options_wins(revocable, make, credential):
    revocable.replace("/own", faults.raw(b""))
    await make(revocation_url=f"{revocable.issuer}/own").hubauth_revoke_credential(credential)
    assert (revocable.count("/own"), revocable.count("/revoke")) == (2, 0)


@row("R17")
async def test_another_issuers_token_is_not_ours_to_take_back(revocable, make, credential):
    provider = make(exchange={"google": {"requested_issuer": "google"}})
    await provider.hubauth_revoke_credential(replace(credential, resource="google"))
    assert revoked(revocable) == []


@row("R17")
async def test_a_source_that_asks_to_come_back_says_when(revocable, make, credential):
    revocable.replace("/revoke", faults.raw(b"", status=503, retry_after="7"))
    with pytest.raises(ProviderUnavailable) as caught:
        await make().hubauth_revoke_credential(credential)
    assert caught.value.retry_after == 7


@row("B3")
async def test_nothing_prints_a_token(idp, make, credential, caplog):
    caplog.set_level("DEBUG")
    provider = make(exchange=KAFKA, revocation_url=f"{idp.issuer}/revoke")
    told = []
    for answer in (
        *RUBBISH.values(),
        faults.raw(b"", status=503),
        faults.json_answer({"error": "invalid_target"}, 400),
    ):
        idp.replace("/token", answer)
        idp.replace("/revoke", answer)
        for call in (
            provider.hubauth_refresh_credential(credential),
            provider.hubauth_retrieve_credential(credential, "kafka"),
            provider.hubauth_revoke_credential(credential),
        ):
            try:
                told.append(repr(await call))
            except (CredentialError, ProviderError) as error:
                told.append(f"{error} {error.__cause__}")
            provider.api._breaker.answered()
    for secret in (credential.access_token, credential.refresh_token, credential.id_token, Secret("s3cret")):
        assert secret.reveal() not in caplog.text + "".join(told)


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token that nobody signed."""
    return tokens.unsigned(header, json.dumps(claims).encode())
