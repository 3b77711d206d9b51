"""What is Bitbucket's own: workspaces over pages, permissions that lack, an address to believe."""

from __future__ import annotations

from typing import Any

import pytest

from hubauth_bitbucket import BitbucketProvider
from hubauth_core import ConfigError, Credential, ProviderError, Secret
from hubauth_core.oauth2 import Claims
from hubauth_core.testing.source import FakeSource, Reply, answer_json

API = "https://api.bitbucket.org/2.0"
WORKSPACES = f"{API}/user/workspaces"
ADA = {"uuid": "{47}", "username": "ada", "display_name": "Ada", "links": {}}


async def claims(source: FakeSource, *scopes: str, **options: Any) -> Claims:
    provider = BitbucketProvider("bitbucket", client_id="hub", client_secret="secret", **options)
    provider.api.transport = source
    source.on("GET", f"{API}/user", answer_json(ADA))
    return await provider.fetch_claims(Credential(access_token=Secret("t"), scopes=frozenset(scopes)), provider.api)


def page(*slugs: str, **more: object) -> Reply:
    return answer_json({"values": [{"workspace": {"slug": slug}} for slug in slugs], **more})


async def test_workspaces_go_on_on_the_next_page() -> None:
    source = FakeSource()
    source.on("GET", WORKSPACES, page("one", next=f"{WORKSPACES}?page=2"), page("two"))
    assert (await claims(source))["workspaces"] == ["one", "two"]


@pytest.mark.row("F07")
@pytest.mark.parametrize(
    "after", ["https://elsewhere.test/2.0/user/workspaces", "http://api.bitbucket.org/x", "//elsewhere.test", 7]
)
async def test_no_token_follows_a_page_to_another_host(after: object) -> None:
    source = FakeSource()
    source.on("GET", WORKSPACES, page("one", next=after))
    with pytest.raises(ProviderError):
        await claims(source)
    assert {(request.url.scheme, request.url.host) for request in source.requests} == {("https", "api.bitbucket.org")}


async def test_half_a_list_is_none() -> None:
    source = FakeSource()
    source.on("GET", WORKSPACES, page("one", next=WORKSPACES))
    with pytest.raises(ProviderError):
        await claims(source)


async def test_a_permission_that_lacks_is_no_empty_list() -> None:
    source = FakeSource()
    source.on("GET", WORKSPACES, answer_json({"type": "error"}, 403))
    with pytest.raises(ProviderError) as caught:
        await claims(source)
    assert caught.value.code == "scope_insufficient"


async def test_workspaces_are_not_asked_for_where_nobody_wants_groups() -> None:
    source = FakeSource()
    assert "workspaces" not in await claims(source, groups_claim="")
    source.check()


@pytest.mark.parametrize(
    ("entry", "email"),
    [
        ({"email": "a@x.test", "is_primary": True, "is_confirmed": True}, "a@x.test"),
        ({"email": "a@x.test", "is_primary": False, "is_confirmed": True}, None),
        ({"email": "a@x.test", "is_primary": True, "is_confirmed": False}, None),
        ({"email": "a@x.test", "is_primary": True, "is_confirmed": "true"}, None),
    ],
    ids=["primary", "another", "not-confirmed", "text-for-truth"],
)
async def test_the_primary_address_counts_if_it_is_confirmed(entry: dict[str, object], email: str | None) -> None:
    source = FakeSource()
    source.on("GET", f"{API}/user/emails", answer_json({"values": [entry]}))
    found = await claims(source, "email", groups_claim="")
    assert (found["email"], found["email_verified"]) == (email, email is not None)


@pytest.mark.parametrize("name", ["My Workspace", "Engines", "{a15fb181}"])
def test_a_workspace_that_is_not_named_by_its_slug_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigError, match="slug"):
        BitbucketProvider("bitbucket", client_id="hub", client_secret="secret", allowed_groups={name})
