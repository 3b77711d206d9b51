"""What a backend issues is renewed by the backend; what a source answers is told apart."""

import base64
import json

import pytest
from social_core.exceptions import AuthConfigurationError, AuthCredentialError, AuthProviderError, AuthResponseError

from hubauth_core import Credential, Fresh, ProviderError, ReauthRequired, Rotated, Secret, Unavailable
from hubauth_social.credentials import credential_of, renew, revoke
from hubauth_social.visit import Done

NOW = 1_800_000_000.0


def token(**claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Secret(f"head.{part}.signature")


def held(**more):
    return Credential(**{"access_token": Secret("old"), "refresh_token": Secret("r1"), **more})


class Backend:
    """A backend whose source answers as a test says."""

    id_token = None

    def __init__(self, says):
        self.says = says
        self.asked = []

    def get_refresh_token(self, stored):
        return stored.get("refresh_token")

    def get_refresh_token_kwargs(self, stored):
        return {}

    def refresh_token(self, token, **more):
        self.asked.append(token)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def revoke_token(self, token, uid):
        self.asked.append((token, uid))
        if isinstance(self.says, Exception):
            raise self.says


class OpenID(Backend):
    """One that has verified a new ID token."""

    def __init__(self, says, claims):
        super().__init__(says)
        self.id_token = claims

    def validate_refresh_id_token_claims(self, previous, current):
        from social_core.backends.open_id_connect import OpenIdConnectAuth

        OpenIdConnectAuth.validate_refresh_id_token_claims(self, previous, current)

    def id_token_audiences(self, audience):
        return {audience}


def signed_in(**response):
    return Done(subject="7", uid="7", id_key="id", details={}, groups=None, tokens={}, response=response)


def test_a_sign_in_brings_a_credential_with_its_end():
    said = {
        "access_token": "a",
        "refresh_token": "r",
        "expires_in": 3600,
        "scope": "read write",
        "token_type": "bearer",
    }
    found = credential_of(signed_in(**said), now=lambda: NOW)
    assert found.access_token.reveal() == "a"
    assert found.refresh_token.reveal() == "r"
    assert found.expires_at == NOW + 3600
    assert found.scopes == {"read", "write"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"expires": "60"}, NOW + 60),
        ({"expires_at": NOW + 5}, NOW + 5),
        ({"expires": "soon"}, None),
        ({}, None),
        ({"expires_in": 10**400}, None),
        ({"expires_in": 1e999}, None),
    ],
)
def test_the_end_has_several_names_and_forms(said, expected):
    assert credential_of(signed_in(access_token="a", **said), now=lambda: NOW).expires_at == expected


def test_the_pair_of_oauth_1_is_no_credential_that_anybody_could_use():
    assert credential_of(signed_in(access_token={"oauth_token": "t", "oauth_token_secret": "s"})) is None


def test_a_renewal_keeps_what_does_not_come_again():
    before = held(scopes=frozenset({"read"}), id_token=token(iss="i", sub="s", aud="hub"))
    outcome = renew(Backend({"access_token": "new", "expires_in": 60}), before, now=lambda: NOW)
    assert isinstance(outcome, Rotated)
    after = outcome.credential
    assert (after.access_token.reveal(), after.refresh_token.reveal()) == ("new", "r1")
    assert (after.scopes, after.id_token, after.expires_at) == (before.scopes, before.id_token, NOW + 60)


def test_without_a_refresh_token_a_credential_lasts_until_its_end():
    assert renew(Backend({}), held(refresh_token=None, expires_at=NOW + 1), now=lambda: NOW) == Fresh()
    assert renew(Backend({}), held(refresh_token=None, expires_at=NOW - 1), now=lambda: NOW) == ReauthRequired(
        "expired"
    )


@pytest.mark.parametrize("code", ["connection_failed", "timeout", "unavailable", "tls_error"])
def test_a_source_that_is_silent_takes_nothing_away(code):
    assert renew(Backend(AuthProviderError(None, code=code, stage="refresh")), held()) == Unavailable(None)


def test_a_source_that_asks_for_time_gets_it():
    error = AuthProviderError(None, code="rate_limited", stage="refresh", retry_after="30")
    assert renew(Backend(error), held()) == Unavailable(30.0)


def test_a_grant_that_has_ended_wants_a_new_sign_in():
    error = AuthCredentialError(None, code="reauthentication_required", provider_code="invalid_grant", stage="refresh")
    assert renew(Backend(error), held()) == ReauthRequired("refused")


@pytest.mark.parametrize(
    "error",
    [
        AuthConfigurationError(None, provider_code="invalid_client", stage="refresh"),
        AuthProviderError(None, code="http_error", status_code=400, stage="refresh"),
        AuthResponseError(None, stage="refresh"),
    ],
)
def test_a_source_that_does_not_know_this_hub_ends_no_grant(error):
    with pytest.raises(ProviderError):
        renew(Backend(error), held())


@pytest.mark.row("V22")
@pytest.mark.parametrize("changed", ["sub", "iss", "aud"])
def test_a_renewed_id_token_of_another_person_issuer_or_client_is_dropped(changed):
    was = {"iss": "https://op.example", "sub": "7", "aud": "hub"}
    backend = OpenID({"access_token": "new", "id_token": "x"}, {**was, changed: "other"})
    with pytest.raises(ProviderError):
        renew(backend, held(id_token=token(**was)))
    same = OpenID({"access_token": "new", "id_token": "x"}, was)
    assert isinstance(renew(same, held(id_token=token(**was))), Rotated)


def test_a_revocation_reaches_the_source_and_a_failure_is_told():
    backend = Backend(None)
    revoke(backend, held(), "me")
    assert backend.asked == [("old", "me")]
    with pytest.raises(ProviderError):
        revoke(Backend(AuthProviderError(None, code="unavailable")), held(), "me")


def test_no_outcome_prints_a_token():
    outcome = renew(Backend({"access_token": "hush-new"}), held())
    assert "hush" not in repr(outcome)
