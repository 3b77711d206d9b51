"""The code grant: what the browser carries, and what the token endpoint's answers mean."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hubauth_core import (
    HubAuthError,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    Request,
    Secret,
    Transaction,
)
from hubauth_core.oauth2 import rfc6749
from hubauth_core.oauth2.http import Response

row = pytest.mark.row
UNDER_WAY = Transaction(
    provider="uni",
    state="state",
    nonce="nonce",
    verifier=Secret("v" * 43),
    redirect_uri="https://hub.example/hub/auth/uni/callback",
    started_at=0,
)
SOUND = {"access_token": "token", "token_type": "Bearer"}


def answered(body: Any, status: int = 200, media_type: str = "application/json") -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(url="https://idp/token", status=status, headers={"content-type": media_type}, body=data)


def parse(body: Any, status: int = 200, media_type: str = "application/json", **rules: Any) -> Any:
    rules = {"label": "Uni", **rules}
    return rfc6749.parse_tokens(answered(body, status, media_type), rfc6749.TokenRules(**rules), ["a", "b"], 1000.0)


@row("R02", "R05", "R12", "C16")
def test_the_authorization_request():
    url = rfc6749.authorization_url("https://idp/auth?tenant=1", "hub", UNDER_WAY, ["openid", "email"], {"hd": "x.org"})
    assert parse_qs(urlsplit(url).query) == {
        "tenant": ["1"],
        "response_type": ["code"],
        "client_id": ["hub"],
        "redirect_uri": ["https://hub.example/hub/auth/uni/callback"],
        "scope": ["openid email"],
        "state": ["state"],
        "nonce": ["nonce"],
        "hd": ["x.org"],
        "code_challenge": ["7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"],
        "code_challenge_method": ["S256"],
    }


@row("R02", "R05")
@pytest.mark.parametrize("name", sorted(rfc6749.OURS))
def test_further_parameters_cannot_replace_ours(name):
    plain = rfc6749.authorization_url("https://idp/auth", "hub", UNDER_WAY, ["openid"], {})
    assert rfc6749.authorization_url("https://idp/auth", "hub", UNDER_WAY, ["openid"], {name: "evil"}) == plain


@row("X22", "X19")
@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "error_description"])
def test_a_parameter_given_twice_is_refused(name):
    with pytest.raises(LoginRefused) as caught:
        rfc6749.parse_callback(Request(query={"code": ["1"], "state": ["2"], name: ["1", "1"]}))
    assert caught.value.code == "callback_repeated"


@row("X20", "X21")
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ("access_denied", LoginRefused, "cancelled"),
        ("invalid_scope", LoginRefused, "provider_refused"),
        ("<script>alert(1)</script>", LoginRefused, "provider_refused"),
        ("temporarily_unavailable", ProviderUnavailable, "provider_unreachable"),
        ("server_error", ProviderUnavailable, "provider_unreachable"),
    ],
)
def test_an_error_answer(error, kind, code):
    query = {"error": [error], "error_description": ["<script>alert(1)</script>"], "code": ["c0de"]}
    with pytest.raises(kind) as caught:
        rfc6749.code_of(rfc6749.parse_callback(Request(query=query)), "Uni")
    assert caught.value.code == code
    assert "script" not in caught.value.sentence
    assert "Uni" in caught.value.sentence


@row("X22")
@pytest.mark.parametrize("query", [{}, {"code": [""]}, {"code": []}, {"state": ["x"]}])
def test_an_answer_without_code(query):
    with pytest.raises(LoginRefused) as caught:
        rfc6749.code_of(rfc6749.parse_callback(Request(query=query)), "Uni")
    assert caught.value.code == "code_missing"


@row("C18")
def test_basic_encodes_both_parts_first():
    header = rfc6749.basic("hub:1", Secret("p%ss wörd+"))
    assert base64.b64decode(header.removeprefix("Basic ")) == b"hub%3A1:p%25ss+w%C3%B6rd%2B"


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
    ("value", "at"), [(60, 1060), ("60", 1060), (0, 1000), (None, None), (10**400, 1000 + rfc6749.LONGEST_LIFE)]
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


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ("invalid_grant", LoginRefused, "code_refused"),
        ("bad_verification_code", LoginRefused, "code_refused"),
        ("invalid_client", ProviderError, "provider_refused_client"),
        ("temporarily_unavailable", ProviderUnavailable, "provider_unreachable"),
        ("something_else", ProviderError, "provider_bad_response"),
        (["invalid_grant"], ProviderError, "provider_bad_response"),
        (None, ProviderError, "provider_bad_response"),
    ],
)
def test_errors_count_under_any_status(status, error, kind, code):
    with pytest.raises(kind) as caught:
        parse({**SOUND, "error": error, "error_description": "t0p-s3cret"}, status)
    assert caught.value.code == code
    assert "t0p-s3cret" not in str(caught.value)


@row("F07")
@pytest.mark.parametrize("status", [201, 302, 307, 400, 404])
def test_tokens_under_another_status_are_refused(status):
    with pytest.raises(HubAuthError):
        parse(SOUND, status)


@row("B3")
def test_nothing_prints_a_code_or_token():
    callback = rfc6749.parse_callback(Request(query={"code": ["s3cret"]}))
    credential = parse({**SOUND, "access_token": "s3cret", "refresh_token": "s3cret", "id_token": "s3cret"})
    assert "s3cret" not in repr((callback, credential, answered(b"s3cret")))
