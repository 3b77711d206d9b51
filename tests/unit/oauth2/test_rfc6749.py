"""The code grant: what the browser carries, and what the token endpoint's answers mean."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from hubauth_core import LoginRefused, ProviderUnavailable, Request, Secret, Transaction
from hubauth_core.oauth2 import rfc6749

row = pytest.mark.row
UNDER_WAY = Transaction(
    provider="uni",
    state="state",
    nonce="nonce",
    verifier=Secret("v" * 43),
    redirect_uri="https://hub.example/hub/auth/uni/callback",
    started_at=0,
)


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
