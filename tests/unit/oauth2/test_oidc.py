"""OpenID Connect beyond the ID token: userinfo, caches, what is asked when."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from hostile_idp import ABSENT, HostileIdP, faults
from hostile_idp import tokens as made
from hostile_idp.flow import begin, finish, transaction
from hubauth_core import ConfigError, LoginRefused, ProviderError, ProviderUnavailable
from hubauth_core.oauth2 import OIDCProvider

row = pytest.mark.row


@row("C01", "C09", "C16", "C17", "C20", "C23")
async def test_signs_in(idp, sign_in):
    idp.person = {"sub": "7"}
    idp.userinfo = {"sub": "7", "preferred_username": "ann", "email": "ann@uni.example", "email_verified": True}
    signed_in = await sign_in()
    assert signed_in.identity.subject == "7"
    assert signed_in.identity.username == "ann"
    assert signed_in.identity.email_verified is True
    [credential] = signed_in.credentials
    assert credential.id_token
    assert credential.scopes == {"openid", "profile", "email"}
    token = credential.access_token.reveal()
    assert idp.last("/userinfo").headers["Authorization"] == f"Bearer {token}"
    assert token not in str(idp.last("/userinfo").form)


async def test_a_returning_user_costs_two_calls_and_no_connection(idp, sign_in):
    await sign_in()
    before = len(idp.seen)
    await sign_in()
    assert [seen.path for seen in idp.seen[before:]] == ["/token", "/userinfo"]
    assert idp.connections() == 1


@pytest.mark.parametrize(
    ("option", "person", "asked"),
    [
        ("auto", {"email": "a@b"}, 0),
        ("auto", {}, 1),
        ("auto", {"email": "a@b", "preferred_username": ABSENT}, 1),
        ("always", {"email": "a@b"}, 1),
        ("never", {}, 0),
    ],
)
async def test_userinfo_is_asked_where_it_is_needed(idp, make, sign_in, option, person, asked):
    idp.claims = person
    await sign_in(make(userinfo=option))
    assert idp.count("/userinfo") == asked


@row("C14", "R20")
@pytest.mark.parametrize("sub", ["8", ABSENT, None, 7, ["7"], "7 ", ""])
async def test_userinfo_about_somebody_else_fails_the_login(idp, sign_in, sub):
    idp.userinfo = made.applied({"sub": "7", "preferred_username": "root"}, {"sub": sub})
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code == "userinfo_subject"


async def test_what_is_signed_wins_over_what_is_not(idp, make, sign_in):
    idp.userinfo = {"sub": "7", "preferred_username": "root", "email": "x@y", "iss": "https://evil.example"}
    signed_in = await sign_in(make(userinfo="always"))
    assert signed_in.identity.username == "ann"
    assert signed_in.identity.email == "x@y"
    assert signed_in.identity.claims["iss"] == idp.issuer


@row("V04")
@pytest.mark.parametrize("signed", ["uni.example", None])
async def test_what_only_the_id_token_proves_is_taken_from_nowhere_else(idp, make, sign_in, monkeypatch, signed):
    provider = make(userinfo="always")
    monkeypatch.setattr(type(provider), "proven_claims", frozenset({"hd"}))
    idp.claims = {"hd": signed} if signed else {}
    idp.userinfo = {"sub": "7", "hd": "evil.example"}
    assert (await sign_in(provider)).identity.claims.get("hd") == signed


@row("V06", "V34")
@pytest.mark.parametrize(("same", "verified"), [("a@b", True), ("x@y", False)])
async def test_one_address_is_not_verified_by_a_word_about_another(idp, make, sign_in, same, verified):
    idp.claims = {"email": "a@b"}
    idp.userinfo = {"sub": "7", "email": same, "email_verified": True}
    identity = (await sign_in(make(userinfo="always"))).identity
    assert (identity.email, identity.email_verified) == ("a@b", verified)


def signed_userinfo(idp: HostileIdP, key: made.Key, **changes: object) -> faults.Answer:
    claims = {"iss": idp.issuer, "aud": "hub", "sub": "7", "preferred_username": "ann", "email": "a@b", **changes}
    token = made.signed({"alg": "RS256", "kid": idp.key.kid}, json.dumps(made.applied(claims, {})).encode(), key)
    return faults.raw(token.encode(), "application/jwt")


@row("C22")
async def test_signed_userinfo(idp, sign_in):
    idp.replace("/userinfo", signed_userinfo(idp, idp.key))
    assert (await sign_in()).identity.email == "a@b"


@row("C22")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://evil.example"}, "userinfo_issuer"),
        ({"iss": ABSENT}, "userinfo_issuer"),
        ({"aud": "other"}, "userinfo_audience"),
        ({"aud": ABSENT}, "userinfo_audience"),
        ({"sub": "8"}, "userinfo_subject"),
    ],
)
async def test_signed_userinfo_for_others_is_refused(idp, sign_in, changes, code):
    idp.replace("/userinfo", signed_userinfo(idp, idp.key, **changes))
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code == code


@row("C22")
@pytest.mark.parametrize("token", ["forged", "unsigned", "junk"])
async def test_userinfo_with_a_bad_signature_is_refused(idp, sign_in, token):
    unsigned = made.unsigned({}, json.dumps({"sub": "7", "iss": idp.issuer, "aud": "hub"}).encode())
    answers = {
        "forged": signed_userinfo(idp, made.rsa(9)),
        "unsigned": faults.raw(unsigned.encode(), "application/jwt"),
        "junk": faults.raw(b"\xff\x00", "application/jwt"),
    }
    idp.replace("/userinfo", answers[token])
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code.startswith("userinfo_")


@row("C03")
async def test_without_an_id_token_nobody_signs_in(idp, refused):
    idp.tokens = {"id_token": ABSENT}
    assert (await refused()).code == "id_token_missing"


@row("V06")
@pytest.mark.parametrize("verified", [True, "true", False, ABSENT])
async def test_an_address_as_username_must_be_verified(idp, make, sign_in, verified):
    idp.claims = {"email": "ann@uni.example", "email_verified": verified}
    provider = make(username_claim="email")
    if verified is True:
        assert (await sign_in(provider)).identity.username == "ann@uni.example"
    else:
        with pytest.raises(LoginRefused):
            await sign_in(provider)


@row("X16")
async def test_a_token_of_another_of_our_providers(idp, make):
    """Two providers at one issuer: what was made for the one does not open the other."""
    one, two = make(), make(client_id="hub-2")
    _, of_two = await begin(two, transaction())
    url, of_one = await begin(one, transaction(nonce=of_two.nonce, verifier=of_two.verifier))
    with pytest.raises(ProviderError) as caught:
        await finish(two, idp.sign_in(url), of_two)
    assert caught.value.code == "id_token_audience"
    assert of_one.memo == {"issuer": idp.issuer}


@row("C37")
async def test_addresses_inside_claims_are_not_fetched(idp, sign_in):
    idp.userinfo |= {"_claim_sources": {"a": {"endpoint": f"{idp.issuer}/evil"}}, "_claim_names": {"groups": "a"}}
    idp.userinfo |= {"picture": f"{idp.issuer}/evil"}
    await sign_in()
    assert idp.count("/evil") == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"scope": ["profile"]}, "openid"),
        ({"authorize_params": {"max_age": "soon"}}, "max_age"),
        ({"id_token_algorithms": ["HS256"]}, "id_token_algorithms"),
        ({"id_token_algorithms": ["none"]}, "id_token_algorithms"),
        ({"subject_claim": "email"}, "subject_claim"),
    ],
)
@row("C10", "C13", "V16")
def test_such_an_option_stops_the_start(make, options, named):
    with pytest.raises(Exception, match=named):
        make(**options)


def test_what_is_required(make):
    assert make().missing_options() == []
    assert make(issuer="", client_id="", client_secret="").missing_options() == [
        "issuer",
        "client_id",
        "client_secret",
    ]
    assert issubclass(ConfigError, Exception)


@pytest.mark.parametrize(
    ("configured", "asked"),
    [({}, "login"), ({"prompt": "none"}, "login"), ({"prompt": "consent login"}, "consent login")],
)
async def test_asks_a_known_person_once_more(make, configured, asked):
    provider = make(authorize_params=configured)
    url, _ = await begin(provider, transaction(anew=True))
    assert parse_qs(urlsplit(url).query)["prompt"] == [asked]
    url, _ = await begin(provider, transaction())
    assert parse_qs(urlsplit(url).query).get("prompt") == (list(configured.values()) or None)


async def test_whoever_took_the_wish_out_was_not_asked(idp, provider):
    now = time.time()
    for at, asked_again in ((now, True), (now - 3600, False), (ABSENT, True)):
        idp.claims = {"auth_time": at}
        url, under_way = await begin(provider, transaction(anew=True, started_at=now))
        if asked_again:
            assert await finish(provider, idp.sign_in(url), under_way)
            continue
        with pytest.raises(LoginRefused) as caught:
            await finish(provider, idp.sign_in(url), under_way)
        assert caught.value.code == "not_asked_again"


class Slow(HostileIdP):
    """Each of the last two answers of a sign-in is in time by itself."""

    def respond(self, path, request, query):
        answer = super().respond(path, request, query)
        return faults.aged(12, answer) if path in {"/token", "/jwks"} else answer


@row("F02")
async def test_slow_answers_are_counted_together():
    async with Slow() as idp:
        options = {"issuer": idp.issuer, "client_id": "hub", "client_secret": "s", "request_timeout": 20}
        provider = OIDCProvider("uni", **options)
        url, under_way = await begin(provider, transaction())
        with pytest.raises(ProviderUnavailable):
            await finish(provider, idp.sign_in(url), under_way)
        assert idp.count("/token") == 1
        await provider.api.close()


@row("C37")
async def test_an_address_in_a_token_or_a_claim_is_never_fetched(idp, make, sign_in):
    elsewhere = f"{idp.issuer}/claims"
    sources = {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": elsewhere, "access_token": "t"}},
    }
    addresses = {"picture": elsewhere, "profile": elsewhere, "website": elsewhere, "jku": elsewhere}
    idp.claims = sources | addresses
    idp.header = {"jku": elsewhere, "x5u": elsewhere}
    idp.userinfo = {"sub": "7", "preferred_username": "ann", **sources, **addresses}
    signed_in = await sign_in(make(userinfo="always", groups_claim="groups"))
    assert signed_in.identity.groups in (None, frozenset())
    assert idp.count("/claims") == 0
