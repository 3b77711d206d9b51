"""What is GitLab's own: addresses, accounts that are not in use, a token that may not ask."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from traitlets import TraitError

from hubauth_core import ConfigError, LoginRefused, ProviderError, Request, Secret
from hubauth_core.oauth2 import Claims
from hubauth_core.testing.source import FakeSource, answer_json
from hubauth_core.types import Credential
from hubauth_gitlab import GitLabProvider

ME = "https://gitlab.com/api/v4/user"
TOKEN = Credential(access_token=Secret("glat-1"))


def gitlab(name: str = "gitlab", **options: Any) -> GitLabProvider:
    return GitLabProvider(name, client_id="hub", client_secret="secret", **options)


async def claims(source: FakeSource) -> Claims:
    provider = gitlab()
    provider.api.transport = source
    return await provider.fetch_claims(TOKEN, provider.api)


def test_two_gitlabs_have_addresses_of_their_own() -> None:
    ours, theirs = (
        gitlab("gitlab_ours", url="https://git.ours.test"),
        gitlab("gitlab_theirs", url="https://git.theirs.test"),
    )
    assert (ours.authorize_url, theirs.authorize_url) == (
        "https://git.ours.test/oauth/authorize",
        "https://git.theirs.test/oauth/authorize",
    )
    assert (ours.userinfo_url, theirs.userinfo_url) == (
        "https://git.ours.test/api/v4/user",
        "https://git.theirs.test/api/v4/user",
    )


def test_the_api_can_be_somewhere_else() -> None:
    assert gitlab(api_url="https://api.git.test/v4/").userinfo_url == "https://api.git.test/v4/user"


@pytest.mark.parametrize("option", ["url", "api_url"])
@pytest.mark.parametrize(
    "address",
    [
        "http://gitlab.corp.test",
        "gitlab.corp.test",
        "ftp://gitlab.corp.test",
        "https://me:pw@gitlab.corp.test",
        "https://gitlab.corp.test?a=b",
    ],
    ids=["plain-http", "no-scheme", "ftp", "password", "query"],
)
def test_an_address_that_is_not_safe_is_named(option: str, address: str) -> None:
    with pytest.raises((ConfigError, TraitError), match=f"^{option} = "):
        gitlab(**{option: address})


@pytest.mark.parametrize("address", ["http://127.0.0.1:8929", "http://localhost:8929/gitlab"], ids=["address", "name"])
def test_plain_http_on_this_machine_is_fine(address: str) -> None:
    assert gitlab(url=address).token_url == f"{address}/oauth/token"


async def test_the_least_scope_is_asked_for(new_transaction: Any) -> None:
    step = await gitlab().begin_login(Request(), new_transaction("gitlab"))
    assert "scope=read_user&" in step.url


@pytest.mark.parametrize(
    "state", ["blocked", "ldap_blocked", "banned", "deactivated", "blocked_pending_approval", None]
)
async def test_an_account_that_is_not_in_use_is_refused(state: str | None) -> None:
    source = FakeSource()
    source.on("GET", ME, answer_json({"id": 44, "username": "ann", "state": state}))
    with pytest.raises(LoginRefused) as refusal:
        await claims(source)
    assert refusal.value.code == "account_inactive"


async def test_a_blocked_account_that_may_not_even_ask_is_refused() -> None:
    source = FakeSource()
    source.on("GET", ME, answer_json({"message": "403 Forbidden - Your account has been blocked."}, 403))
    with pytest.raises(LoginRefused) as refusal:
        await claims(source)
    assert refusal.value.code == "account_inactive"


async def test_a_scope_that_is_too_small_is_the_administrators_matter() -> None:
    source = FakeSource()
    source.on("GET", ME, answer_json({"error": "insufficient_scope", "scope": "api read_user"}, 403))
    with pytest.raises(ProviderError, match="read_user"):
        await claims(source)


def test_repositories_and_revocation_are_where_gitlab_is() -> None:
    assert (gitlab().git_urls, gitlab().git_username) == (["https://gitlab.com"], "oauth2")
    ours = gitlab(url="https://git.ours.test/gitlab/")
    assert ours.git_urls == ["https://git.ours.test/gitlab"]
    assert ours.revocation_url == "https://git.ours.test/gitlab/oauth/revoke"


@pytest.mark.row("R17")
async def test_tokens_are_taken_back() -> None:
    provider, source = gitlab(), FakeSource()
    provider.api.transport = source
    source.on("POST", "https://gitlab.com/oauth/revoke", answer_json({}))
    await provider.revoke_credential(Credential(access_token=Secret("a"), refresh_token=Secret("r")))
    sent = [parse_qs(request.content.decode()) for request in source.requests]
    assert sent == [
        {"token": ["r"], "token_type_hint": ["refresh_token"]},
        {"token": ["a"], "token_type_hint": ["access_token"]},
    ]
