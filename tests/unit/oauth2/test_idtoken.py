"""ID tokens: what is signed, by whom, for whom, when and about whom."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from hostile_idp import ABSENT
from hostile_idp import tokens as made
from hubauth_core.oauth2 import idtoken

row = pytest.mark.row


class From(int):
    """Seconds from the moment at which a test runs; tests are collected long before."""


def dated(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims with the times that are meant."""
    now = int(time.time())
    return {name: now + value if isinstance(value, From) else value for name, value in claims.items()}


def case(name: str, code: str, *rows: str, **changes: Any) -> Any:
    return pytest.param(changes, code, id=name, marks=row(*rows))


CLAIMS = [
    case("another-issuer", "issuer", "C02", "R19", iss="https://other.example"),
    case("no-issuer", "issuer", "C02", iss=ABSENT),
    case("issuer-list", "issuer", "C02", iss=["https://other.example"]),
    case("no-subject", "subject", "C03", sub=ABSENT),
    case("another-audience", "audience", "C04", "X16", "R19", aud="other"),
    case("no-audience", "audience", "C05", aud=ABSENT),
    case("empty-audience", "audience", "C05", aud=[]),
    case("null-audience", "audience", "C05", aud=None),
    case("audience-object", "audience", "C05", aud={"hub": True}),
    case("audience-within", "audience", "C04", aud="hub-2"),
    case("no-iat", "time", "C06", iat=ABSENT),
    case("iat-text", "time", "C06", iat=str(int(time.time()))),
    case("iat-bool", "time", "C06", iat=True),
    case("another-nonce", "nonce", "C15", "R19", nonce="another"),
    case("expired", "expired", "X01", "R19", exp=From(-600)),
    case("exp-null", "time", "X03", exp=None),
    case("no-exp", "time", "X03", exp=ABSENT),
    case("exp-beyond-every-float", "time", "X03", exp=10**400),
    case("nbf-ahead", "not_yet", "X02", nbf=From(600)),
    case("iat-ahead", "not_yet", "X02", iat=From(600)),
    case("no-nonce", "nonce", "X04", nonce=ABSENT),
    case("null-nonce", "nonce", "X04", nonce=None),
    case("unknown-further-audience", "audience", "X05", aud=["hub", "other"]),
    case("another-azp", "audience", "X05", "R19", azp="other"),
    case("sub-number", "subject", "X13", sub=7),
    case("sub-list", "subject", "X13", sub=["7"]),
    case("sub-empty", "subject", "X13", sub=""),
    case("sub-256-characters", "subject", "X13", sub="7" * 256),
    case("sub-nul", "subject", "X13", sub="7\0"),
    case("sub-bool", "subject", "X13", sub=True),
    case("another-at-hash", "at_hash", "C35", at_hash=made.half_hash("another")),
    case("at-hash-number", "at_hash", "C35", at_hash=7),
    case("logout-token", "type", "X15", events={"http://schemas.openid.net/event/backchannel-logout": {}}),
]


@pytest.mark.parametrize(("changes", "code"), CLAIMS)
async def test_refuses_claims(idp, refused, changes, code):
    idp.claims = dated(changes)
    assert (await refused()).code == f"id_token_{code}"


@row("X06", "V29", "R19")
@pytest.mark.parametrize("change", [lambda iss: iss + "/", str.upper, lambda iss: iss[:-1], lambda iss: iss + "0"])
async def test_compares_the_issuer_as_it_is_written(idp, refused, change):
    idp.claims = {"iss": change(idp.issuer)}
    assert (await refused()).code == "id_token_issuer"


HEADERS = [
    case("unknown-crit", "header", "X09", "V25", crit=["policy"], policy=1),
    case("known-crit", "header", "X09", "V25", crit=["b64"], b64=True),
    case("crit-null", "header", "X09", crit=None),
    case("zip", "header", "X26", zip="DEF"),
    case("kid-number", "header", "X08", kid=7),
    case("access-token", "type", "X15", typ="at+jwt"),
    case("access-token-in-full", "type", "X15", typ="application/AT+JWT"),
    case("logout-token-type", "type", "X15", typ="logout+jwt"),
    case("type-list", "type", "X15", typ=["JWT"]),
    case("alg-not-in-the-list", "algorithm", "R19", alg="RS384"),
    case("no-alg", "algorithm", "C10", alg=ABSENT),
    case("alg-list", "algorithm", "C10", alg=["RS256"]),
]


@pytest.mark.parametrize(("changes", "code"), HEADERS)
async def test_refuses_headers(idp, refused, changes, code):
    idp.header = changes
    idp.mint = lambda header, claims: _signed_as("RS256", header, claims)
    assert (await refused()).code == f"id_token_{code}"
    assert idp.count("/jwks") == 0


def _signed_as(algorithm: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token whose signature is made with one algorithm and whose header says what it likes."""
    sound = made.signed({"alg": algorithm}, b"{}", made.rsa())
    payload = made.encode(json.dumps(claims).encode())
    return f"{made.encode(json.dumps(header).encode())}.{payload}.{sound.rpartition('.')[2]}"


@row("C10", "V27")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
async def test_refuses_a_token_without_signature(idp, refused, algorithm):
    idp.mint = lambda header, claims: made.unsigned({**header, "alg": algorithm}, json.dumps(claims).encode())
    error = await refused()
    assert error.code == "id_token_algorithm"


@row("C10")
async def test_refuses_a_sound_header_over_an_empty_signature(idp, refused):
    idp.mint = lambda header, claims: made.signed(header, json.dumps(claims).encode(), idp.key).rpartition(".")[0] + "."
    assert (await refused()).code == "id_token_signature"


@row("C11", "C12")
@pytest.mark.parametrize("key", [made.rsa(), made.ec(), made.ed()], ids=["RS256", "ES256", "Ed25519"])
async def test_refuses_a_signature_that_does_not_fit(idp, refused, key):
    idp.key = key
    idp.mint = lambda header, claims: _tampered(made.signed(header, json.dumps(claims).encode(), key))
    assert (await refused()).code == "id_token_signature"


def _tampered(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = made.encode(made_claims(payload, sub="8"))
    return f"{header}.{claims}.{signature}"


def made_claims(payload: str, **changes: Any) -> bytes:
    claims = json.loads(idtoken.urlsafe_b64decode(payload.encode()))
    return json.dumps({**claims, **changes}).encode()


@row("C13", "X07", "V24")
@pytest.mark.parametrize("form", ["client-secret", "pem", "der"])
async def test_refuses_a_secret_both_sides_know(idp, refused, form):
    secret = {
        "client-secret": b"s3cret",
        "pem": made.rsa().as_pem(private=False),
        "der": made.rsa().as_der(private=False),
    }[form]
    idp.mint = lambda header, claims: made.with_hmac(header, json.dumps(claims).encode(), secret)
    assert (await refused()).code == "id_token_algorithm"


@row("X08", "V27")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
async def test_does_not_take_a_key_from_the_token(idp, refused, member):
    theirs = made.rsa(9)
    brought = {
        "jwk": made.public(theirs),
        "jku": f"{idp.issuer}/evil-jwks",
        "x5u": f"{idp.issuer}/evil-certificate",
        "x5c": [made.encode(theirs.as_der(private=False))],
    }[member]
    header = {"alg": "RS256", "kid": idp.key.kid, member: brought}
    idp.mint = lambda _, claims: made.signed(header, json.dumps(claims).encode(), theirs)
    assert (await refused()).code == "id_token_signature"
    assert idp.count("/evil-jwks") == idp.count("/evil-certificate") == 0


@row("X08", "C09")
async def test_takes_a_sound_token_that_also_brings_its_certificate(idp, sign_in):
    idp.header = {"x5c": ["MII" + "A" * 3000], "x5t": "abc", "private": 1}
    assert (await sign_in()).identity.subject == "7"


@row("X12", "V26")
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"sub": "7", "sub": "8"}', "form"),
        (b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}", "form"),
        (b'{"pad": "' + b"x" * 70_000 + b'"}', "size"),
        (b'{"exp": NaN}', "form"),
        (b"[]", "form"),
        (b"\xef\xbb\xbf{}", "form"),
        (b"{", "form"),
    ],
    ids=["duplicate-keys", "nested-1000-deep", "over-64-KiB", "nan", "list", "byte-order-mark", "cut-off"],
)
async def test_refuses_payloads(idp, refused, payload, code):
    idp.mint = lambda header, _: made.signed(header, payload, idp.key)
    assert (await refused()).code == f"id_token_{code}"


@row("X12", "V26")
async def test_refuses_a_header_with_a_member_twice(idp, refused):
    header = made.encode(b'{"alg": "none", "alg": "RS256"}')
    idp.mint = lambda _, claims: f"{header}.{made.encode(json.dumps(claims).encode())}.AAAA"
    assert (await refused()).code == "id_token_form"


@row("X26", "V26")
@pytest.mark.parametrize("token", ["a.b.c.d.e", "a.b", "", "....", "a.b.c\u00e9", "!.b.c", "A.b.c"])
async def test_refuses_what_is_no_signed_token(idp, refused, token):
    idp.mint = lambda header, claims: token
    assert (await refused()).code == ("id_token_form" if token else "id_token_missing")


@row("X26", "V26")
async def test_refuses_an_encrypted_token_before_anything_is_inflated(idp, refused):
    header = made.encode(json.dumps({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}).encode())
    idp.mint = lambda *_: f"{header}..{made.encode(b'0' * 12)}.{made.encode(b'bomb' * 9000)}.{made.encode(b'0' * 16)}"
    assert (await refused()).code == "id_token_form"


@row("C09", "C07", "R19")
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (made.rsa(), "RS256"),
        (made.rsa(), "PS256"),
        (made.ec(), "ES256"),
        (made.ed(), "EdDSA"),
        (made.ed(), "Ed25519"),
    ],
    ids=["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
)
async def test_takes_every_algorithm_of_the_list(idp, sign_in, key, algorithm):
    idp.key = key
    idp.header = {"alg": algorithm, "kid": ABSENT}
    name = "sha512" if algorithm.startswith("Ed") else "sha256"
    idp.tokens = {"access_token": "fixed"}
    idp.claims = {"at_hash": made.half_hash("fixed", name)}
    assert (await sign_in()).identity.subject == "7"


@row("C35")
async def test_a_missing_at_hash_is_fine_in_the_code_flow(idp, sign_in):
    idp.claims = {"at_hash": ABSENT}
    assert (await sign_in()).identity.subject == "7"


@row("X14", "V27", "C35")
@pytest.mark.parametrize("algorithm", ["XY999", "none", "", "HS"])
def test_at_hash_of_an_unknown_algorithm_fits_nothing(algorithm):
    assert idtoken.at_hash(idtoken.Secret("token"), algorithm) is None
    assert not idtoken._equal(made.half_hash("token"), None)


@row("X05", "R19")
async def test_a_further_audience_counts_if_the_administrator_trusts_it(idp, make, sign_in):
    idp.claims = {"aud": ["hub", "api"], "azp": "hub"}
    assert (await sign_in(make(trusted_audiences=["api"]))).identity.subject == "7"


@row("F08", "X01", "X02")
@pytest.mark.parametrize("offset", [-55, 355], ids=["slow", "fast"])
async def test_a_clock_may_differ_by_a_minute(make, sign_in, offset):
    provider = make()
    provider.now = lambda: time.time() + offset
    assert (await sign_in(provider)).identity.subject == "7"


@row("F08", "X01", "X02")
@pytest.mark.parametrize(("offset", "code"), [(-600, "not_yet"), (900, "expired")], ids=["slow", "fast"])
async def test_a_clock_may_not_differ_by_ten_minutes(make, refused, offset, code):
    provider = make()
    provider.now = lambda: time.time() + offset
    assert (await refused(provider)).code == f"id_token_{code}"


@row("F08")
def test_a_skew_over_two_minutes_is_no_option(make):
    with pytest.raises(Exception, match="clock_skew"):
        make(clock_skew=121)


@row("R19")
@pytest.mark.parametrize(
    ("asked", "claims", "code"),
    [
        ({"max_age": "60"}, {"auth_time": From(-600)}, "auth_time"),
        ({"max_age": "60"}, {}, "time"),
        ({"acr_values": "gold silver"}, {"acr": "bronze"}, "acr"),
        ({"acr_values": "gold"}, {}, "acr"),
    ],
    ids=["signed-in-long-ago", "does-not-say-when", "weaker", "does-not-say-how"],
)
async def test_checks_what_was_asked_for(idp, make, refused, asked, claims, code):
    idp.claims = dated(claims)
    assert (await refused(make(authorize_params=asked))).code == f"id_token_{code}"


@row("R19")
async def test_takes_what_was_asked_for(idp, make, sign_in):
    idp.claims = dated({"auth_time": From(0), "acr": "silver"})
    provider = make(authorize_params={"max_age": "60", "acr_values": "gold silver"})
    assert (await sign_in(provider)).identity.subject == "7"
