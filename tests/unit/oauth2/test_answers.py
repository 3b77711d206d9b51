"""What a token endpoint says: credentials, and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hubauth_core import LoginRefused, ProviderError, ProviderUnavailable
from hubauth_core.oauth2 import answers
from hubauth_core.oauth2.http import Response

row = pytest.mark.row
SOUND = {"access_token": "token", "token_type": "Bearer"}


def answered(body: Any, status: int = 200, media_type: str = "application/json") -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(url="https://idp/token", status=status, headers={"content-type": media_type}, body=data)


def parse(body: Any, status: int = 200, media_type: str = "application/json", **rules: Any) -> Any:
    told = answers.TokenRules(**{"label": "Uni", **rules})
    return answers.credential(answers.members(answered(body, status, media_type), told), told, ["a", "b"], 1000.0)


@row("R12")
def test_a_sound_answer():
    credential = parse({**SOUND, "refresh_token": "r", "expires_in": 60, "scope": "b c", "unknown": {"x": 1}})
    assert credential.access_token.reveal() == "token"
    assert credential.refresh_token.reveal() == "r"
    assert credential.scopes == {"b", "c"}
    assert credential.expires_at == 1060


@row("R12")
def test_without_scope_what_was_asked_is_granted():
    assert parse(SOUND).scopes == {"a", "b"}


@row("R12")
def test_an_empty_scope_grants_nothing():
    assert parse({**SOUND, "scope": ""}).scopes == frozenset()


def test_scopes_may_be_parted_by_commas():
    assert parse({**SOUND, "scope": "repo,gist"}, scope_separator=",").scopes == {"repo", "gist"}


@row("X25", "R12")
@pytest.mark.parametrize("kind", ["mac", "DPoP", "N_A", "", None, 7, ["Bearer"], "Bearer "])
def test_another_token_type_is_not_used(kind):
    with pytest.raises(ProviderError):
        parse({**SOUND, "token_type": kind})


@row("X25")
@pytest.mark.parametrize("kind", ["bearer", "Bearer", "BEARER"])
def test_bearer_in_any_case(kind):
    assert parse({**SOUND, "token_type": kind}).access_token


@row("F04")
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "token",
        None,
        7,
        {"token_type": "Bearer"},
        {**SOUND, "access_token": 7},
        {**SOUND, "access_token": ""},
        {**SOUND, "access_token": "a\r\nX-Evil: 1"},
        {**SOUND, "access_token": None},
        {**SOUND, "refresh_token": ["r"]},
        {**SOUND, "id_token": {"a": 1}},
        {**SOUND, "scope": ["a"]},
        {**SOUND, "scope": "a\0b"},
        {**SOUND, "scope": "a \ud800"},
        {**SOUND, "scope": "a\u202eb"},
        {**SOUND, "scope": "a\x1b[2J"},
        {**SOUND, "expires_in": "soon"},
        {**SOUND, "expires_in": -1},
        {**SOUND, "expires_in": True},
        {**SOUND, "expires_in": {}},
        b"",
        b'{"access_token": "t", "access_token": "u", "token_type": "Bearer"}',
        b'{"access_token": "t", "token_type": "Bearer"',
        b"\xef\xbb\xbf" + json.dumps(SOUND).encode(),
        b'{"access_token": "t", "token_type": "Bearer", "expires_in": NaN}',
    ],
)
def test_an_answer_of_a_wrong_shape_is_refused(body):
    with pytest.raises(ProviderError) as caught:
        parse(body)
    assert caught.value.code == "provider_bad_response"


@pytest.mark.parametrize(
    ("value", "at"), [(60, 1060), ("60", 1060), (0, 1000), (None, None), (10**400, 1000 + answers.LONGEST_LIFE)]
)
def test_lifetimes(value, at):
    assert parse({**SOUND, "expires_in": value}).expires_at == at


FORM = b"access_token=token&token_type=bearer&scope=a"
ENCODED = "application/x-www-form-urlencoded"


@row("F06")
@pytest.mark.parametrize("media_type", [ENCODED, "text/html", "text/plain", "", "application/xml"])
def test_another_content_type_is_refused(media_type):
    for body in (FORM, SOUND):
        with pytest.raises(ProviderError):
            parse(body, media_type=media_type)


@row("F06")
def test_form_encoded_where_the_provider_declares_it():
    assert parse(FORM, media_type=ENCODED + "; charset=utf-8", form_encoded=True).scopes == {"a"}


@row("F06")
@pytest.mark.parametrize("body", [FORM + b"&access_token=other", b"<html>", b"", "access_token=é".encode(), FORM * 99])
def test_a_muddled_form_is_refused(body):
    with pytest.raises(ProviderError):
        parse(body, media_type=ENCODED, form_encoded=True)


@row("F11")
@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ("invalid_grant", LoginRefused, "code_refused"),
        ("bad_verification_code", LoginRefused, "code_refused"),
        ("interaction_required", LoginRefused, "code_refused"),
        ("invalid_client", ProviderError, "provider_refused_client"),
        ("unauthorized_client", ProviderError, "provider_refused_client"),
        ("incorrect_client_credentials", ProviderError, "provider_refused_client"),
        ("invalid_target", ProviderError, "invalid_target"),
        ("temporarily_unavailable", ProviderUnavailable, "provider_unreachable"),
        ("something_else", ProviderError, "provider_bad_response"),
    ],
)
def test_errors_count_under_any_status(status, error, kind, code):
    with pytest.raises(answers.TokenRefused) as caught:
        parse({**SOUND, "error": error, "error_description": "t0p-s3cret"}, status)
    meant = answers.code_refused(caught.value, "Uni")
    assert (type(meant), meant.code) == (kind, code)
    assert "t0p-s3cret" not in f"{meant}{caught.value!r}"


@row("F04")
@pytest.mark.parametrize("error", [["invalid_grant"], None, 7])
def test_an_error_that_is_no_word_is_no_answer(error):
    with pytest.raises(ProviderError) as caught:
        parse({**SOUND, "error": error})
    assert caught.value.code == "provider_bad_response"
