"""What is GitHub's own: addresses of Enterprise, scopes, limits, lists in pages, an address of mail to believe."""

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from traitlets import TraitError

from hubauth_core import (
    ConfigError,
    Credential,
    ProviderError,
    ProviderUnavailable,
    ReauthRequired,
    Request,
    Rotated,
    Secret,
)
from hubauth_core.oauth2 import Claims
from hubauth_core.testing.source import FakeSource, Reply, answer_json
from hubauth_github import GitHubProvider

ME = "https://api.github.com/user"
EMAILS = "https://api.github.com/user/emails"
OCTOCAT = {"id": 583231, "login": "octocat", "email": "public@github.test"}


def github(**options: Any) -> GitHubProvider:
    return GitHubProvider("github", client_id="hub", client_secret="secret", **options)


async def claims(source: FakeSource, *scopes: str) -> Claims:
    provider = github()
    provider.api.transport = source
    source.on("GET", ME, answer_json(OCTOCAT))
    return await provider.fetch_claims(Credential(access_token=Secret("gho_1"), scopes=frozenset(scopes)), provider.api)


@pytest.mark.parametrize(
    ("url", "login", "api"),
    [
        ("https://github.com", "https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://github.com", "https://api.github.com"),
        ("https://octocorp.ghe.com", "https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("https://git.corp.test", "https://git.corp.test", "https://git.corp.test/api/v3"),
        ("https://git.corp.test/", "https://git.corp.test", "https://git.corp.test/api/v3"),
        ("http://127.0.0.1:9104", "http://127.0.0.1:9104", "http://127.0.0.1:9104/api/v3"),
    ],
    ids=["github.com", "slash", "data-residency", "enterprise", "enterprise-slash", "loopback"],
)
def test_addresses_follow_from_one(url: str, login: str, api: str) -> None:
    provider = github(url=url)
    assert provider.authorize_url == f"{login}/login/oauth/authorize"
    assert provider.token_url == f"{login}/login/oauth/access_token"
    assert provider.userinfo_url == f"{api}/user"


def test_the_api_can_be_somewhere_else() -> None:
    assert (
        github(url="https://git.corp.test", api_url="https://api.corp.test/").userinfo_url
        == "https://api.corp.test/user"
    )


@pytest.mark.parametrize("option", ["url", "api_url"])
@pytest.mark.parametrize(
    "address",
    [
        "http://git.corp.test",
        "git.corp.test",
        "file:///etc/passwd",
        "https://me:pw@git.corp.test",
        "https://git.corp.test?a=b",
    ],
    ids=["plain-http", "no-scheme", "file", "password", "query"],
)
def test_an_address_that_is_not_safe_is_named(option: str, address: str) -> None:
    with pytest.raises((ConfigError, TraitError), match=f"^{option} = "):
        github(**{option: address})


async def test_the_least_scope_is_asked_for(new_transaction: Any) -> None:
    step = await github().begin_login(Request(), new_transaction("github"))
    assert parse_qs(urlsplit(step.url).query)["scope"] == ["read:user user:email"]
    step = await github(scope=[]).begin_login(Request(), new_transaction("github"))
    assert "scope=" not in step.url


async def test_a_person_who_is_asked_anew_chooses_the_account(new_transaction: Any) -> None:
    step = await github().begin_login(Request(), replace(new_transaction("github"), anew=True))
    assert parse_qs(urlsplit(step.url).query)["prompt"] == ["select_account"]


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("https://GitHub.com/", ["https://github.com"]),
        ("https://git.corp.test:443/x", ["https://git.corp.test/x"]),
        ("http://127.0.0.1:9104", ["http://127.0.0.1:9104"]),
        ("http://intranet", []),
    ],
)
def test_repositories_are_where_github_is(url: str, opened: list[str]) -> None:
    assert github(url=url, allow_insecure_hosts=["intranet"]).git_urls == opened
    assert github(url=url, allow_insecure_hosts=["intranet"], git_urls=[]).git_urls == []


async def test_the_hub_proves_itself_in_the_form_as_github_documents(new_transaction: Any) -> None:
    provider, source = github(), FakeSource()
    provider.api.transport = source
    source.on("POST", provider.token_url, answer_json({"access_token": "gho_1", "token_type": "bearer", "scope": ""}))
    source.on("GET", ME, answer_json(OCTOCAT))
    transaction = new_transaction("github")
    step = await provider.begin_login(Request(), transaction)
    await provider.finish_login(Request(query={"code": ["c"]}), replace(transaction, memo=step.memo))
    form = parse_qs(source.requests[0].content.decode())
    assert (form["client_id"], form["client_secret"]) == (["hub"], ["secret"])


async def test_requests_say_which_version_of_the_api_they_mean() -> None:
    source = FakeSource()
    await claims(source)
    [request] = source.requests
    assert request.headers["Accept"] == "application/vnd.github+json"
    assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"


@pytest.mark.parametrize("scopes", [(), ("repo",), ("read:user", "read:org")], ids=["none", "repo", "several"])
async def test_without_the_scope_nobody_asks_for_addresses(scopes: tuple[str, ...]) -> None:
    source = FakeSource()
    found = await claims(source, *scopes)
    assert (found["email"], found["email_verified"]) == ("public@github.test", False)


@pytest.mark.parametrize(
    ("entries", "email"),
    [
        ([{"email": "a@x.test", "primary": True, "verified": True}], "a@x.test"),
        ([{"email": "b@x.test", "primary": False, "verified": True}], None),
        ([{"email": "a@x.test", "primary": True, "verified": False}], None),
        ([{"email": "a@x.test", "primary": True, "verified": "true"}], None),
        ([{"email": "a@x.test", "primary": "yes", "verified": True}], None),
        ([], None),
        (["a@x.test"], None),
    ],
    ids=["primary-verified", "not-primary", "not-verified", "text-for-truth", "text-for-primary", "empty", "strings"],
)
@pytest.mark.parametrize("scope", ["user", "user:email"])
async def test_the_primary_address_counts_if_it_is_verified(scope: str, entries: list[Any], email: str | None) -> None:
    source = FakeSource()
    source.on("GET", EMAILS, answer_json(entries))
    found = await claims(source, scope)
    assert found["email_verified"] is (email is not None)
    assert found["email"] == (email or "public@github.test")


async def test_a_list_goes_on_on_the_next_page() -> None:
    source = FakeSource()
    first = answer_json([{"email": "b@x.test", "primary": False}], link=f'<{EMAILS}?page=2>; rel="next"')
    source.on("GET", EMAILS, first, answer_json([{"email": "a@x.test", "primary": True, "verified": True}]))
    assert (await claims(source, "user:email"))["email"] == "a@x.test"


@pytest.mark.parametrize(
    "next_page",
    ["https://elsewhere.test/user/emails?page=2", "http://api.github.com/user/emails?page=2", "//elsewhere.test/x"],
    ids=["other-host", "plain-http", "no-scheme"],
)
@pytest.mark.row("F07")
async def test_no_token_follows_a_link_to_another_host(next_page: str) -> None:
    source = FakeSource()
    source.on("GET", EMAILS, answer_json([{"email": "b@x.test"}], link=f'<{next_page}>; rel="next"'))
    with pytest.raises(ProviderError):
        await claims(source, "user:email")
    assert {request.url.host for request in source.requests} == {"api.github.com"}
    assert {request.url.scheme for request in source.requests} == {"https"}


async def test_a_list_that_never_ends_is_left() -> None:
    source = FakeSource()
    source.on("GET", EMAILS, answer_json([{"email": "b@x.test"}], link=f'<{EMAILS}?page=2>; rel="next"'))
    assert (await claims(source, "user:email"))["email_verified"] is False
    assert len(source.calls("GET", EMAILS)) == 10


@pytest.mark.parametrize("status", [403, 404])
async def test_addresses_that_github_does_not_show_are_no_obstacle(status: int) -> None:
    source = FakeSource()
    source.on("GET", EMAILS, answer_json({"message": "Resource not accessible by integration"}, status))
    assert (await claims(source, "user:email"))["email_verified"] is False


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry_after": "30"}, 30.0),
        ({"retry_after": "9" * 400}, 3600.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1000"}, 0.0),
    ],
    ids=["secondary", "for-ever", "primary"],
)
@pytest.mark.row("F03")
async def test_a_rate_limit_is_no_refusal(headers: dict[str, str], pause: float) -> None:
    source = FakeSource()
    source.on("GET", EMAILS, answer_json({"message": "API rate limit exceeded"}, 403, **headers))
    with pytest.raises(ProviderUnavailable) as unavailable:
        await claims(source, "user:email")
    assert unavailable.value.retry_after == pause


TOKEN_URL = "https://github.com/login/oauth/access_token"
GRANT_URL = "https://api.github.com/applications/hub/token"
OF_AN_APP = Credential(access_token=Secret("ghu_1"), refresh_token=Secret("ghr_1"), expires_at=1.0)


@pytest.mark.row("R12")
async def test_a_github_apps_token_is_renewed() -> None:
    provider, source = github(), FakeSource()
    provider.api.transport = source
    answer = {
        "access_token": "ghu_2",
        "expires_in": 28800,
        "refresh_token": "ghr_2",
        "refresh_token_expires_in": 15811200,
        "scope": "",
        "token_type": "bearer",
    }
    source.on("POST", TOKEN_URL, answer_json(answer))
    outcome = await provider.refresh_credential(OF_AN_APP)
    assert isinstance(outcome, Rotated)
    assert (outcome.credential.access_token, outcome.credential.refresh_token) == (Secret("ghu_2"), Secret("ghr_2"))


@pytest.mark.row("F11")
async def test_github_says_no_with_status_200() -> None:
    provider, source = github(), FakeSource()
    provider.api.transport = source
    error = {"error": "bad_refresh_token", "error_description": "The refresh token passed is incorrect or expired."}
    source.on("POST", TOKEN_URL, answer_json(error))
    assert await provider.refresh_credential(OF_AN_APP) == ReauthRequired("refused")
    source.on("POST", TOKEN_URL, answer_json({"error": "incorrect_client_credentials"}))
    with pytest.raises(ProviderError) as caught:
        await provider.refresh_credential(OF_AN_APP)
    assert caught.value.code == "provider_refused_client"


async def taken_back(reply: Reply, **options: Any) -> list[httpx.Request]:
    provider, source = github(**options), FakeSource()
    provider.api.transport = source
    source.on("DELETE", GRANT_URL, reply)
    await provider.revoke_credential(Credential(access_token=Secret("gho_1")))
    return source.requests


@pytest.mark.row("R17", "C21")
@pytest.mark.parametrize("status", [204, 404], ids=["deleted", "not-there"])
async def test_a_token_is_taken_back_in_githubs_own_way(status: int) -> None:
    [request] = await taken_back(Reply(status=status))
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"hub:secret"
    assert json.loads(request.content) == {"access_token": "gho_1"}
    assert request.headers["Accept"] == "application/vnd.github+json"


@pytest.mark.row("R17")
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer_json({"message": "Bad credentials"}, 401), "provider_refused_client"),
        (answer_json({"message": "Forbidden"}, 403), "provider_bad_response"),
        (answer_json({"message": "Validation failed"}, 422), "provider_bad_response"),
        (answer_json({"message": "slow down"}, 403, retry_after="7"), "provider_unreachable"),
        (answer_json({"message": "down"}, 503, retry_after="7"), "provider_unreachable"),
    ],
    ids=["client", "forbidden", "invalid", "rate-limit", "down"],
)
async def test_a_token_that_could_not_be_taken_back_is_told(reply: Reply, code: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await taken_back(reply)
    assert caught.value.code == code
    assert caught.value.retry_after == (7 if code == "provider_unreachable" else None)


@pytest.mark.row("R17")
async def test_a_public_client_has_nothing_to_prove_itself_with() -> None:
    provider = GitHubProvider("github", client_id="hub", client_authentication="none")
    provider.api.transport = FakeSource()
    await provider.revoke_credential(Credential(access_token=Secret("gho_1")))
    assert provider.api.transport.requests == []
