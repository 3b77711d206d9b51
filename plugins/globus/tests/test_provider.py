"""What is Globus's own: identity providers that are required, one token for each service, groups by one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from hubauth_core import (
    ConfigError,
    Credential,
    HubCall,
    Identity,
    LoginRefused,
    ProviderError,
    ReauthRequired,
    RefreshedIdentity,
    Rotated,
    Secret,
    SignIn,
    Unavailable,
    Updated,
)
from hubauth_core.testing.openid import OIDCProviderContract
from hubauth_core.testing.source import FakeSource, Reply, answer_json
from hubauth_globus import GlobusProvider

UNI = "7daddf46-70c5-45ee-9f0f-7244fe7c8707"
TOKEN, USERINFO = "https://auth.globus.org/v2/oauth2/token", "https://auth.globus.org/v2/oauth2/userinfo"
GROUPS, TRANSFER = "groups.api.globus.org", "transfer.api.globus.org"
MY_GROUPS = f"https://{GROUPS}/v2/groups/my_groups"
G1, G2 = "2a0b1e7c-6f2f-11ee-8b3f-3f9d1c1a2b3c", "2a0b1e7c-6f2f-11ee-8b3f-3f9d1c1a2b3d"
ADA = {"sub": "ae341a98", "preferred_username": "ada@uni.test", "identity_provider": UNI, "email": "x@uni.test"}


def globus(**options: Any) -> GlobusProvider:
    return GlobusProvider("globus", client_id="hub", client_secret="secret", **options)


def service(name: Any, **more: Any) -> dict[str, Any]:
    return {
        "access_token": f"access-{name}",
        "refresh_token": f"refresh-{name}",
        "resource_server": name,
        "scope": f"urn:globus:auth:scope:{name}:all",
        "token_type": "Bearer",
        "expires_in": 172800,
        **more,
    }


class Kit(OIDCProviderContract):
    """The kit as a means: its sign-in, with none of its tests."""

    __test__ = False
    provider_type = GlobusProvider
    authorize_url = "https://auth.globus.org/v2/oauth2/authorize"
    token_url = TOKEN
    userinfo_url = USERINFO
    userinfo = ADA
    identity = Identity(subject="ae341a98", username="ada")


async def sign_in(source: FakeSource, *others: Any, **options: Any) -> SignIn:
    kit = Kit()
    kit.options = {"client_id": "hub", "client_secret": "secret", **options}
    kit.asked, kit.canaries = {}, []
    kit.token = {**Kit.token, "resource_server": "auth.globus.org", "other_tokens": list(others)}
    kit.state_answers(source, kit.answers())
    return await kit.sign_in(kit.make_provider(source))


@pytest.mark.row("V05")
@pytest.mark.parametrize(
    ("wanted", "claims", "enters"),
    [
        (["uni.test"], {}, True),
        (["UNI.test"], {}, True),
        ([UNI], {}, True),
        (["other.test", UNI.upper()], {}, True),
        (["other.test"], {}, False),
        (["uni.test"], {"preferred_username": "eve@other.test"}, False),
        (["uni.test"], {"preferred_username": "eve@uni.test@other.test"}, False),
        (["uni.test"], {"preferred_username": "eve@sub.uni.test"}, False),
        (["uni.test"], {"preferred_username": None}, False),
        (["uni.test"], {"preferred_username": "uni.test"}, False),
        ([UNI], {"identity_provider": [UNI]}, False),
    ],
)
def test_other_identity_providers_are_kept_out_whatever_allows(
    wanted: list[str], claims: dict[str, Any], enters: bool
) -> None:
    provider = globus(required_identity_providers=wanted, allow_all=True)
    told = {**ADA, **claims}
    assert {"identity_provider", "preferred_username"} <= set(provider.rule_claims)
    identity = Identity(subject="1", username="x", email="x@uni.test", email_verified=True, claims=told)
    if enters:
        provider.restrict(identity)
        return
    with pytest.raises(LoginRefused) as caught:
        provider.restrict(identity)
    assert caught.value.code == "idp_not_allowed"


@pytest.mark.parametrize(
    ("options", "username"),
    [
        ({}, "ada@uni.test"),
        ({"required_identity_providers": ["uni.test"]}, "ada"),
        ({"required_identity_providers": [UNI]}, "ada@uni.test"),
        ({"required_identity_providers": ["uni.test", "two.test"]}, "ada@uni.test"),
        ({"strip_domain": True}, "ada"),
        ({"required_identity_providers": ["uni.test"], "strip_domain": False}, "ada@uni.test"),
    ],
)
def test_usernames_lose_the_only_domain(options: dict[str, Any], username: str) -> None:
    assert globus(**options).identity(ADA).username == username


async def test_each_service_has_a_credential_of_its_own() -> None:
    own, transfer = (await sign_in(FakeSource(), service(TRANSFER))).credentials
    assert (own.resource, own.access_token) == ("", Secret("canary-access-token-9d41"))
    assert (transfer.resource, transfer.access_token) == (TRANSFER, Secret(f"access-{TRANSFER}"))
    assert transfer.scopes == {f"urn:globus:auth:scope:{TRANSFER}:all"}
    assert transfer.expires_at is not None


@pytest.mark.parametrize(
    "others",
    [[service("https://elsewhere.test")], [service(None)], [service(TRANSFER)] * 2, ["x"], [{"access_token": "a"}],
     [service(TRANSFER, token_type="mac")], [service(f"s{number}.globus.org") for number in range(51)]],
    ids=["address", "no-name", "twice", "text", "no-service", "another-kind", "too-many"],
)  # fmt: skip
async def test_further_tokens_that_are_none_end_the_sign_in(others: list[Any]) -> None:
    with pytest.raises(ProviderError):
        await sign_in(FakeSource(), *others)


async def test_a_services_token_is_renewed_and_taken_back() -> None:
    provider, source = globus(token_url=TOKEN, revocation_url=f"{TOKEN}/revoke"), FakeSource()
    provider.api.transport = source
    metadata = {
        "issuer": "https://auth.globus.org",
        "authorization_endpoint": "https://auth.globus.org/v2/oauth2/authorize",
        "token_endpoint": TOKEN,
        "jwks_uri": "https://auth.globus.org/jwk.json",
    }
    source.on("GET", "https://auth.globus.org/.well-known/openid-configuration", answer_json(metadata))
    source.on("POST", TOKEN, answer_json(service(TRANSFER, access_token="renewed", other_tokens=[])))
    source.on("POST", f"{TOKEN}/revoke", Reply())
    held = Credential(access_token=Secret("a"), refresh_token=Secret("r"), expires_at=1.0, resource=TRANSFER)
    outcome = await provider.refresh_credential(held)
    assert isinstance(outcome, Rotated)
    assert (outcome.credential.resource, outcome.credential.access_token) == (TRANSFER, Secret("renewed"))
    assert parse_qs(source.calls("POST", TOKEN)[0].content.decode())["refresh_token"] == ["r"]
    await provider.revoke_credential(held)
    assert [parse_qs(call.content.decode())["token"] for call in source.calls("POST", f"{TOKEN}/revoke")] == [["r"]]
    assert await provider.refresh_credential(replace(held, resource="no service")) == ReauthRequired("expired")


async def test_groups_are_asked_with_the_token_for_them() -> None:
    source = FakeSource()
    source.on("GET", MY_GROUPS, answer_json([{"id": G1, "name": "Staff"}, {"id": G2}, {"name": "no id"}]))
    signed_in = await sign_in(source, service(GROUPS), allowed_groups={G1})
    assert signed_in.identity.groups == {G1, G2}
    assert (signed_in.state or {})["access_token"] == f"access-{GROUPS}"
    assert f"access-{GROUPS}" not in repr(signed_in)
    [asked] = source.calls("GET", MY_GROUPS)
    assert asked.headers["Authorization"] == f"Bearer access-{GROUPS}"


async def test_groups_that_cannot_be_had_are_no_empty_list() -> None:
    for reply in (answer_json({"error": "x"}, 403), answer_json({})):
        source = FakeSource()
        source.on("GET", MY_GROUPS, reply)
        with pytest.raises(ProviderError):
            await sign_in(source, service(GROUPS))


@pytest.mark.parametrize(
    "rule", [{"allowed_groups": {G1}}, {"admin_groups": {G1}}, {"required_groups": {G1}}, {"group_map": {G1: "h"}}]
)
def test_the_scope_for_groups_is_asked_for_where_a_rule_needs_it(rule: dict[str, Any]) -> None:
    assert any("view_my_groups" in scope for scope in globus(**rule).scope)
    assert not any("view_my_groups" in scope for scope in globus().scope)


KEPT = {"access_token": "kept", "refresh_token": "r", "scopes": [], "expires_at": 1e12}


async def refreshed(
    monkeypatch: pytest.MonkeyPatch, source: FakeSource, state: dict[str, Any] | None, **options: Any
) -> RefreshedIdentity:
    """What becomes of somebody who was in the group g1."""
    provider = globus(allowed_groups={G1}, **options)
    provider.api.transport = source
    metadata = {
        "issuer": "https://auth.globus.org",
        "authorization_endpoint": "https://auth.globus.org/v2/oauth2/authorize",
        "token_endpoint": TOKEN,
        "jwks_uri": "https://auth.globus.org/jwk.json",
    }
    source.on("GET", "https://auth.globus.org/.well-known/openid-configuration", answer_json(metadata), optional=True)

    async def again(tokens: Credential) -> dict[str, Any]:
        return {**ADA, "preferred_username": "renamed@uni.test"}

    monkeypatch.setattr(provider, "claims_again", again)
    before = replace(provider.identity(ADA), groups=frozenset({G1}))
    return await provider.refresh_identity(before, Credential(access_token=Secret("a")), HubCall(state=state))


async def test_between_two_sign_ins_groups_are_those_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    source.on("GET", MY_GROUPS, answer_json([{"id": G2}]))
    outcome = await refreshed(monkeypatch, source, KEPT)
    assert isinstance(outcome, Updated)
    assert (outcome.identity.groups, outcome.identity.username) == ({G2}, "renamed@uni.test")
    assert outcome.state == KEPT
    assert source.calls("GET", MY_GROUPS)[0].headers["Authorization"] == "Bearer kept"


async def test_the_token_for_groups_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    source.on("GET", MY_GROUPS, answer_json([{"id": G2}]))
    source.on("POST", TOKEN, answer_json({"access_token": "new", "token_type": "Bearer", "expires_in": 60}))
    outcome = await refreshed(monkeypatch, source, {**KEPT, "expires_at": 1.0})
    assert isinstance(outcome, Updated)
    assert outcome.state is not None
    assert (outcome.state["access_token"], outcome.state["refresh_token"]) == ("new", "r")
    assert source.calls("GET", MY_GROUPS)[0].headers["Authorization"] == "Bearer new"


@pytest.mark.parametrize(
    ("state", "groups", "tokens", "outcome"),
    [
        (KEPT, 401, 200, ReauthRequired("token_refused")),
        (KEPT, 503, 200, Unavailable()),
        ({**KEPT, "expires_at": 1.0}, 200, 400, ReauthRequired("refused")),
        ({**KEPT, "expires_at": 1.0, "refresh_token": None}, 200, 200, ReauthRequired("expired")),
        ({**KEPT, "expires_at": 1.0}, 200, 503, Unavailable()),
    ],
    ids=["not-taken", "groups-down", "ended", "not-renewable", "tokens-down"],
)
async def test_groups_that_cannot_be_had_again(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], groups: int, tokens: int, outcome: RefreshedIdentity
) -> None:
    source = FakeSource()
    source.on("GET", MY_GROUPS, answer_json([], groups), optional=True)
    source.on("POST", TOKEN, answer_json({"error": "invalid_grant"}, tokens), optional=True)
    assert await refreshed(monkeypatch, source, state) == outcome


@pytest.mark.parametrize("state", [None, {}])
async def test_without_a_token_for_them_groups_stay(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, Any] | None
) -> None:
    outcome = await refreshed(monkeypatch, FakeSource(), state)
    assert isinstance(outcome, Updated)
    assert outcome.identity.groups == {G1}


def test_a_rule_about_groups_that_nobody_tells_can_never_match() -> None:
    assert not globus(allowed_groups={G1}, scope=["openid"]).says_groups
    assert globus(allowed_groups={G1}).says_groups


def test_a_group_that_is_not_named_by_its_id_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="ids"):
        globus(required_groups={"Staff"})
