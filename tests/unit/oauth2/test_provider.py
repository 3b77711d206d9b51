"""A provider in twenty lines, its options, and a sign-in through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hostile_idp import ABSENT, HostileIdP, faults
from hostile_idp.flow import begin, finish, transaction
from hubauth_core import Credential, HubAuthError, Identity, LoginRefused, ProviderError, ProviderUnavailable, Secret
from hubauth_core.oauth2 import Claims, OAuth2Provider

row = pytest.mark.row


class Forge(OAuth2Provider):
    """What an author writes."""

    title = "Forge"
    default_authorize_url = "https://forge.example/oauth/authorize"
    default_token_url = "https://forge.example/oauth/token"
    default_userinfo_url = "https://forge.example/api/user"
    default_scope = ("read_user",)

    def parse_identity(self, claims: Claims) -> Identity:
        return Identity(
            subject=str(claims["id"]),
            username=claims["username"],
            email=claims.get("email"),
            email_verified=bool(claims.get("confirmed_at")),
        )


def forge(name: str = "forge", **options: Any) -> Forge:
    return Forge(name, **{"client_id": "hub", "client_secret": "s3cret", **options})


@pytest.fixture
async def local(idp: HostileIdP) -> AsyncIterator[Forge]:
    """The forge, served by the hostile provider."""
    idp.userinfo = {"id": 7, "username": "ann"}
    urls = {name: f"{idp.issuer}/{path}" for name, path in PATHS.items()}
    provider = forge(**urls)
    yield provider
    await provider.api.close()


PATHS = {"authorize_url": "authorize", "token_url": "token", "userinfo_url": "userinfo"}


async def test_what_comes_along_with_a_sign_in_is_kept_beside_it(idp, local, monkeypatch):
    def further(provider: Forge, members: Claims) -> list[Credential]:
        return [replace(provider.credential(other), resource=other["for"]) for other in members["others"]]

    monkeypatch.setattr(Forge, "further_credentials", further)
    idp.tokens = {"others": [{"for": "archive", "access_token": "a", "token_type": "Bearer", "scope": "read"}]}
    url, under_way = await begin(local, transaction())
    _, other = (await finish(local, idp.sign_in(url), under_way)).credentials
    assert (other.resource, other.access_token, other.scopes) == ("archive", Secret("a"), {"read"})


@row("C01", "C16", "C17", "R12")
async def test_signs_in(idp, local):
    idp.tokens = {"scope": "read_user extra", "refresh_token": "r"}
    url, under_way = await begin(local, transaction())
    signed_in = await finish(local, idp.sign_in(url), under_way)
    assert signed_in.identity.key == ("", "7")
    [credential] = signed_in.credentials
    assert credential.scopes == {"read_user", "extra"}
    assert credential.refresh_token == Secret("r")
    assert [seen.path for seen in idp.seen] == ["/token", "/userinfo"]
    assert idp.connections() == 1


@row("R02", "R05", "R11", "R12", "C16")
async def test_state_nonce_and_pkce_are_always_sent(idp, local):
    under_way = transaction()
    url, _ = await begin(local, under_way)
    asked = parse_qs(urlsplit(url).query)
    assert asked["state"] == [under_way.state]
    assert asked["nonce"] == [under_way.nonce]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert under_way.verifier.reveal() not in url


@row("R02")
async def test_the_verifier_of_another_transaction_does_not_serve(idp, local):
    url, _ = await begin(local, transaction())
    with pytest.raises(LoginRefused) as caught:
        await finish(local, idp.sign_in(url), transaction(memo={"issuer": ""}))
    assert caught.value.code == "code_refused"


@row("R12")
async def test_both_requests_name_the_same_redirect_uri(idp, local):
    under_way = transaction(redirect_uri="https://hub.example/registered")
    url, under_way = await begin(local, under_way)
    await finish(local, idp.sign_in(url), under_way)
    assert idp.last("/token").form["redirect_uri"] == "https://hub.example/registered"


@row("X18")
async def test_a_code_serves_once(idp, local):
    url, under_way = await begin(local, transaction())
    query = idp.sign_in(url)
    await finish(local, query, under_way)
    with pytest.raises(LoginRefused) as caught:
        await finish(local, query, under_way)
    assert caught.value.code == "code_refused"


@row("X20")
async def test_an_error_goes_nowhere(idp, local):
    url, under_way = await begin(local, transaction())
    with pytest.raises(LoginRefused):
        await finish(local, idp.sign_in(url, error="access_denied"), under_way)
    assert idp.seen == []


@row("X22")
@pytest.mark.parametrize("name", ["code", "state"])
async def test_a_parameter_given_twice_goes_nowhere(idp, local, name):
    url, under_way = await begin(local, transaction())
    with pytest.raises(LoginRefused):
        await finish(local, idp.sign_in(url, **{name: ["a", "b"]}), under_way)
    assert idp.seen == []


async def test_a_provider_that_moved_meanwhile_refuses(idp, make):
    url, under_way = await begin(make(), transaction())
    async with HostileIdP() as other:
        elsewhere = make(issuer=other.issuer)
        with pytest.raises(LoginRefused) as caught:
            await finish(elsewhere, idp.sign_in(url), under_way)
        assert caught.value.code == "issuer_mismatch"
        assert other.count("/token") == 0


@row("C18")
async def test_basic(idp, local):
    url, under_way = await begin(local, transaction())
    await finish(local, idp.sign_in(url), under_way)
    seen = idp.last("/token")
    assert seen.headers["Authorization"].startswith("Basic ")
    assert not {"client_secret", "client_assertion"} & set(seen.form)


@row("C19")
@pytest.mark.parametrize(("method", "fields"), [("post", {"client_id", "client_secret"}), ("none", {"client_id"})])
async def test_other_ways_to_authenticate(idp, make, sign_in, method, fields):
    await sign_in(make(client_authentication=method))
    seen = idp.last("/token")
    assert set(seen.form) - {"grant_type", "code", "redirect_uri", "code_verifier"} == fields
    assert "Authorization" not in seen.headers


FAULTS = {
    "hangs-up": (faults.hang_up, ProviderUnavailable),
    "500": (faults.raw(b"oops", status=500), ProviderUnavailable),
    "429": (faults.raw(b"oops", status=429), ProviderUnavailable),
    "html": (faults.raw(b"<html>", "text/html"), ProviderError),
    "broken": (faults.raw(b"{"), ProviderError),
    "endless": (faults.endless, ProviderError),
    "truncated": (faults.truncated, ProviderError),
    "redirect": (faults.redirect("https://evil.example/"), ProviderError),
    "list": (faults.json_answer([]), ProviderError),
    "404": (faults.json_answer({"id": 7, "username": "ann"}, 404), ProviderError),
}


@row("F01", "F03", "F04", "F05", "F06", "F07", "X18")
@pytest.mark.parametrize("path", ["/token", "/userinfo"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_bad_answer_lets_nobody_in_and_the_code_is_sent_once(idp, local, path, fault):
    answer, kind = FAULTS[fault]
    idp.replace(path, answer)
    url, under_way = await begin(local, transaction())
    with pytest.raises(kind):
        await finish(local, idp.sign_in(url), under_way)
    assert idp.count("/token") == 1


@row("F04", "V16")
@pytest.mark.parametrize(
    "userinfo",
    [{}, {"id": 7}, {"username": "ann"}, {"id": None, "username": "ann"}, {"id": 7, "username": None}],
)
async def test_claims_that_lack_something_let_nobody_in(idp, local, userinfo):
    idp.userinfo = userinfo
    url, under_way = await begin(local, transaction())
    with pytest.raises(ProviderError) as caught:
        await finish(local, idp.sign_in(url), under_way)
    assert caught.value.code == "provider_bad_response"


# Step-up.


async def test_asks_for_what_the_person_is_about_to_grant(idp, local):
    idp.tokens = {"scope": "read_user repo"}
    url, under_way = await begin(local, transaction(scopes=("repo", "read_user")))
    assert parse_qs(urlsplit(url).query)["scope"] == ["read_user repo"]
    [credential] = (await finish(local, idp.sign_in(url), under_way)).credentials
    assert credential.scopes == {"read_user", "repo"}


@row("R12")
@pytest.mark.parametrize(
    ("said", "granted"), [(ABSENT, {"read_user", "repo", "gist"}), ("read_user repo", {"read_user", "repo"})]
)
async def test_what_is_granted_is_recorded(idp, local, said, granted):
    idp.tokens = {"scope": said}
    url, under_way = await begin(local, transaction(scopes=("repo", "gist")))
    [credential] = (await finish(local, idp.sign_in(url), under_way)).credentials
    assert credential.scopes == granted


@pytest.mark.parametrize(
    ("known", "configured", "asked"),
    [("", {}, None), ("", {"prompt": "consent"}, ["consent"]), ("again", {}, ["again"])],
)
async def test_asks_a_known_person_once_more_in_words_that_the_source_has(known, configured, asked):
    provider = forge(authorize_params=configured)
    provider.anew_prompt = known
    url, _ = await begin(provider, transaction(anew=True))
    assert parse_qs(urlsplit(url).query).get("prompt") == asked


@row("R15")
async def test_a_resource_stands_in_both_requests(idp, local):
    local.resource = ["https://api.example/", "urn:other"]
    url, under_way = await begin(local, transaction())
    assert parse_qs(urlsplit(url).query)["resource"] == local.resource
    await finish(local, idp.sign_in(url), under_way)
    assert idp.last("/token").fields("resource") == local.resource


@row("R15")
async def test_a_resource_that_the_source_does_not_know_is_told(idp, local):
    idp.replace("/token", faults.json_answer({"error": "invalid_target"}, 400))
    url, under_way = await begin(local, transaction())
    with pytest.raises(ProviderError) as caught:
        await finish(local, idp.sign_in(url), under_way)
    assert caught.value.code == "invalid_target"


@row("B3")
async def test_no_failure_tells_what_was_sent(idp, local, caplog):
    caplog.set_level("DEBUG")
    for path in ("/token", "/userinfo"):
        for answer, _ in FAULTS.values():
            idp.answers.clear()
            idp.replace(path, answer)
            idp.tokens = {"access_token": "t0ken-s3cret"}
            url, under_way = await begin(local, transaction())
            query = idp.sign_in(url)
            with pytest.raises(HubAuthError) as caught:
                await finish(local, query, under_way)
            local.api._breaker.answered()
            told = caplog.text + str(caught.value)
            for secret in (under_way.state, under_way.verifier.reveal(), query["code"][0], "s3cret", under_way.nonce):
                assert secret not in told
