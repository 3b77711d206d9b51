"""A provider in twenty lines, its options, and a sign-in through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hostile_idp import HostileIdP, faults
from hostile_idp.flow import begin, finish, transaction
from hubauth_core import ConfigError, HubAuthError, Identity, LoginRefused, ProviderError, ProviderUnavailable, Secret
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


# Options.


@row("V16")
@pytest.mark.parametrize("path", ["email", "login", "preferred_username", "upn", "username", "name", "user.email"])
def test_a_subject_that_people_can_change_stops_the_start(path):
    with pytest.raises(ConfigError, match="subject_claim"):
        forge(subject_claim=path)


@row("R02", "R05")
@pytest.mark.parametrize(
    "name", ["state", "nonce", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "client_id"]
)
def test_an_option_cannot_replace_what_protects_the_sign_in(name):
    with pytest.raises(ConfigError, match=name):
        forge(authorize_params={name: "x"})
    with pytest.raises(ConfigError, match=name):
        forge(authorize_url=f"https://forge.example/?{name}=x")


@row("R05")
def test_no_option_turns_on_another_flow():
    assert not {name for name in Forge.class_trait_names() if "grant" in name or "response" in name or "flow" in name}


@row("X24")
@pytest.mark.parametrize("option", ["authorize_url", "token_url", "userinfo_url", "redirect_url"])
def test_plain_http_stops_the_start(option):
    with pytest.raises(ConfigError, match=option):
        forge(**{option: "http://forge.example/"})
    assert forge(**{option: "http://forge.example/"}, allow_insecure_hosts=["forge.example"])


def test_required_options_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("HUBAUTH_FORGE_CLIENT_ID", "from-environment")
    monkeypatch.setenv("HUBAUTH_FORGE_CLIENT_SECRET", "s3cret\n")
    provider = Forge("forge")
    assert (provider.client_id, provider.client_secret) == ("from-environment", Secret("s3cret"))
    assert provider.missing_options() == []
    assert Forge("other").missing_options() == ["client_id", "client_secret"]


def test_the_configuration_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("HUBAUTH_FORGE_CLIENT_ID", "from-environment")
    assert forge().client_id == "hub"


def test_the_secret_comes_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    assert forge(client_secret="", client_secret_file=str(file)).client_secret == Secret("s3cret")


def test_a_file_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(ConfigError, match="client_secret_file"):
        forge(client_secret="", client_secret_file=str(tmp_path / "missing"))
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="client_secret_file"):
        forge(client_secret="", client_secret_file=str(tmp_path / "binary"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="empty"):
        forge(client_secret="", client_secret_file=str(tmp_path / "empty"))


def test_a_secret_and_a_file_with_another_one_are_one_too_many(tmp_path):
    (tmp_path / "secret").write_text("newer")
    with pytest.raises(ConfigError, match="both set"):
        forge(client_secret="older", client_secret_file=str(tmp_path / "secret"))


def test_a_public_client_needs_no_secret():
    assert forge(client_secret="", client_authentication="none").missing_options() == []
    assert forge(client_secret="", client_authentication="private_key_jwt").missing_options() == ["private_key_file"]


@row("B3")
def test_the_secret_is_never_printed():
    provider = forge()
    assert "s3cret" not in repr(provider) + str(provider.trait_values())
    with pytest.raises(ConfigError) as caught:
        forge(client_secret={"nested": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_two_providers_share_nothing(idp):
    one, two = forge("one"), forge("two")
    assert one.api is not two.api
    one.scope.append("more")
    assert two.scope == ["read_user"]
    assert Forge.default_scope == ("read_user",)


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
