"""What the REST API says, and what it never says."""

from __future__ import annotations

import json

import pytest

from hubauth_core.errors import (
    CallRefused,
    CredentialError,
    HubAuthError,
    ProviderError,
    ProviderUnavailable,
    StoreError,
)
from hubauth_core.git import GitCredential, parse_repository
from hubauth_core.mapping import Record
from hubauth_core.retrieval import Connection
from hubauth_core.types import Credential, Secret
from hubauth_core.web import api_answers
from hubauth_core.web.openapi import ERRORS

RECORD = Record(
    id="1",
    provider="github",
    subject="583231",
    username="octocat",
    hub_user=(1, 2.0),
    hub_name="ann",
    home=True,
    created_at=1.7e9,
    last_used_at=1.71e9,
)
CREDENTIAL = Credential(
    access_token=Secret("access"),
    refresh_token=Secret("canary-refresh"),
    id_token=Secret("canary-identity"),
    scopes=frozenset({"repo", "gist"}),
    expires_at=1.72e9 + 0.9,
)


def test_a_connection_is_told_without_secrets() -> None:
    found = Connection(
        record=RECORD,
        label="GitHub",
        state="ready",
        scopes=frozenset({"repo", "gist"}),
        expires_at=1.72e9,
        renewable=True,
        resources=("kafka",),
        git_urls=("https://github.com",),
    )
    assert api_answers.connection(found) == {
        "provider": "github",
        "label": "GitHub",
        "username": "octocat",
        "home": True,
        "since": 1.7e9,
        "last_used": 1.71e9,
        "scopes": ["gist", "repo"],
        "expires_at": 1.72e9,
        "renewable": True,
        "state": "ready",
        "resources": ["kafka"],
        "git_urls": ["https://github.com"],
    }


def test_a_credential_is_the_access_token_and_what_it_is_good_for() -> None:
    assert api_answers.credential(RECORD, "kafka", CREDENTIAL) == {
        "provider": "github",
        "resource": "kafka",
        "username": "octocat",
        "access_token": "access",
        "token_type": "Bearer",
        "scopes": ["gist", "repo"],
        "expires_at": 1.72e9 + 0.9,
    }


def git(credential: Credential, username: str = "oauth2") -> dict[str, object]:
    repository = parse_repository("https://github.com:8443/o/r.git")
    return api_answers.git_credential(
        GitCredential(provider="github", repository=repository, username=username, credential=credential)
    )


def test_git_gets_its_own_fields_and_binderhub_its_line() -> None:
    assert git(CREDENTIAL) == {
        "protocol": "https",
        "host": "github.com:8443",
        "path": "o/r.git",
        "username": "oauth2",
        "password": "access",
        "password_expiry_utc": 1720000000,
        "provider": "github",
        "access_token": "access",
        "token_type": "Bearer",
        "scopes": ["gist", "repo"],
        "expires_at": 1.72e9 + 0.9,
        "git_credentials": r"username=oauth2\npassword=access",
    }
    lasting = git(Credential(access_token=Secret("access")))
    assert (lasting["password_expiry_utc"], lasting["expires_at"]) == (None, None)
    assert git(Credential(access_token=Secret("a $b")))["git_credentials"] is None


@pytest.mark.row("V41")
def test_refresh_tokens_and_id_tokens_are_in_no_answer() -> None:
    assert "canary" not in json.dumps([api_answers.credential(RECORD, "", CREDENTIAL), git(CREDENTIAL)])
    assert "access" not in repr(api_answers.Reply(200, api_answers.credential(RECORD, "", CREDENTIAL)))


KINDS: dict[int, type[HubAuthError]] = {403: CallRefused, 409: CredentialError, 502: ProviderError}


@pytest.mark.parametrize("slug", ERRORS)
def test_every_slug_that_is_described_comes_with_its_status(slug: str) -> None:
    status = ERRORS[slug][0]
    if status == 503:
        error: HubAuthError = {"store_failed": StoreError, "provider_unavailable": ProviderUnavailable}[slug]("Later.")
    else:
        error = KINDS.get(status, CredentialError)("No.", code=slug)
    reply = api_answers.refusal(error)
    assert (reply.status, reply.body["status"], reply.body["error"]) == (status, status, slug)
    assert ("Retry-After" in reply.headers) == (status in (429, 503))


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (ProviderUnavailable("Out.", code="provider_disabled"), 503, "provider_unavailable"),
        (StoreError("Busy.", code="store_busy"), 503, "store_failed"),
        (ProviderError("More.", code="exchange_widened"), 502, "exchange_widened"),
        (CredentialError("Hm.", code="a_plugins_own"), 409, "a_plugins_own"),
        (CredentialError("Hm.", code="<b>what somebody sent</b>"), 409, "other"),
        (HubAuthError("Hm."), 500, "error"),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_what_has_no_slug_of_its_own_has_that_of_its_kind(error: HubAuthError, status: int, slug: str) -> None:
    reply = api_answers.refusal(error)
    assert (reply.status, reply.body["error"]) == (status, slug)


@pytest.mark.parametrize(("told", "header"), [(None, "5"), (0, "1"), (0.2, "1"), (17.1, "18"), (300.0, "300")])
def test_retry_after_is_whole_seconds(told: float | None, header: str) -> None:
    assert api_answers.refusal(ProviderUnavailable("Later.", retry_after=told)).headers == {"Retry-After": header}


def test_where_a_sign_in_helps_the_way_is_told() -> None:
    told = {
        code: "login_url" in api_answers.refusal(CredentialError("No.", code=code), "/hub/connections").body
        for code in ("needs_login", "not_connected", "unknown_provider", "storage_disabled")
    }
    assert told == {"needs_login": True, "not_connected": True, "unknown_provider": False, "storage_disabled": False}


@pytest.mark.parametrize(
    ("status", "slug"), [(400, "bad_request"), (403, "forbidden"), (405, "method_not_allowed"), (500, "internal_error")]
)
def test_what_tornado_refuses_has_our_form(status: int, slug: str) -> None:
    reply = api_answers.refusal_of_status(status)
    assert (reply.status, reply.body["status"], reply.body["error"]) == (status, status, slug)
