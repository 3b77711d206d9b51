"""What is Entra's own: directories, keys that sign for some of them, addresses nobody believes, groups from Graph."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from traitlets import TraitError

from hubauth_core import (
    ConfigError,
    Credential,
    CredentialError,
    HubCall,
    Identity,
    LoginRefused,
    ProviderError,
    ReauthRequired,
    Secret,
    SignIn,
    Unavailable,
    Updated,
)
from hubauth_core.testing.openid import OIDCProviderContract, signing_key
from hubauth_core.testing.source import FakeSource, answer_json
from hubauth_entra import EntraProvider

LOGIN, GRAPH = "https://login.microsoftonline.com", "https://graph.microsoft.com"
OURS, THEIRS = "aaaabbbb-0000-cccc-1111-dddd2222eeee", "ffffbbbb-0000-cccc-1111-dddd2222eeee"
PRIVATE = "9188040d-6c67-4c5b-b112-36a304b66dad"
MEMBER_OF = f"{GRAPH}/v1.0/me/transitiveMemberOf"
ADA = {
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "tid": OURS,
    "oid": "00000000-0000-0000-66f3-3332eca7ea81",
    "preferred_username": "ada@contoso.test",
    "email": "ada@contoso.test",
}


def entra(**options: Any) -> EntraProvider:
    return EntraProvider("entra", **{"tenant": OURS, "client_id": "hub", "client_secret": "secret", **options})


class Kit(OIDCProviderContract):
    """The kit as a means: its sign-in, with none of its tests."""

    __test__ = False
    provider_type = EntraProvider
    authorize_url = f"{LOGIN}/x/oauth2/v2.0/authorize"
    token_url = f"{LOGIN}/x/oauth2/v2.0/token"
    userinfo_url = f"{GRAPH}/oidc/userinfo"
    in_id_token = ("tid", "oid", "preferred_username", "email", "groups", "_claim_names", "_claim_sources", "hasgroups")
    identity = Identity(subject="7", username="ada")


async def sign_in(
    claims: dict[str, Any], source: FakeSource, *, of_key: str | None = None, wrong: dict[str, Any] | None = None,
    **options: Any,
) -> SignIn:  # fmt: skip
    """One sign-in of a person with these claims; `of_key`: the issuer that the key says it signs for."""
    kit = Kit()
    kit.options = {"client_id": "hub", "client_secret": "secret", "tenant": OURS, "userinfo": "never", **options}
    kit.userinfo, kit.asked, kit.canaries = claims, {}, []
    kit.state_answers(source, kit.answers())
    kit.wrong_claims = wrong or {}
    source.excuse()
    if of_key is not None:
        keys = {"keys": [{**signing_key().as_dict(private=False), "issuer": of_key}]}
        source.on("GET", f"{kit.issuer}/keys", answer_json(keys), optional=True)
    return await kit.sign_in(kit.make_provider(source))


@pytest.mark.row("V35")
async def test_a_person_is_an_object_in_a_directory_whatever_else_is_said() -> None:
    ours = (await sign_in(ADA, FakeSource())).identity
    assert ours.subject == f"{OURS}:{ADA['oid']}"
    assert (ours.email, ours.email_verified) == (None, False)
    theirs = (await sign_in({**ADA, "tid": THEIRS}, FakeSource(), tenant="organizations")).identity
    assert theirs.subject == f"{THEIRS}:{ADA['oid']}"
    assert theirs.username == ours.username


@pytest.mark.row("V35")
@pytest.mark.parametrize("owned", ["1", "true", 1, False, None])
def test_an_address_counts_where_its_domain_is_the_directorys(owned: Any) -> None:
    assert entra().identity({**ADA, "xms_edov": True}).email_verified
    identity = entra().identity({**ADA, "xms_edov": owned})
    assert (identity.email, identity.email_verified) == (None, False)


@pytest.mark.row("V35")
@pytest.mark.parametrize(
    ("tenant", "wrong"),
    [
        (OURS, {"iss": f"{LOGIN}/{THEIRS}/v2.0"}),
        ("organizations", {"iss": f"{LOGIN}/{THEIRS}/v2.0"}),
        ("organizations", {"iss": f"{LOGIN}/{{tenantid}}/v2.0"}),
        ("organizations", {"iss": f"{LOGIN}/{OURS.upper()}/v2.0", "tid": OURS.upper()}),
        ("organizations", {"iss": f"{LOGIN}/{OURS}/../{THEIRS}/v2.0", "tid": f"{OURS}/../{THEIRS}"}),
        ("organizations", {"iss": f"{LOGIN}//v2.0", "tid": ""}),
        ("organizations", {"tid": None}),
        ("organizations", {"tid": THEIRS}),
    ],
    ids=["another", "not-its-own", "template", "capitals", "path", "empty", "none", "claimed"],
)
async def test_a_token_comes_from_the_directory_that_it_names(tenant: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        await sign_in(ADA, FakeSource(), tenant=tenant, wrong=wrong)
    assert caught.value.code == "id_token_issuer"


@pytest.mark.row("V35")
@pytest.mark.parametrize("tenant", [OURS, "common"])
@pytest.mark.parametrize(
    ("of_key", "good"),
    [
        (f"{LOGIN}/{{tenantid}}/v2.0", True),
        (f"{LOGIN}/{OURS}/v2.0", True),
        (f"{LOGIN}/{PRIVATE}/v2.0", False),
        ("https://elsewhere.test/{tenantid}/v2.0", False),
        ("", False),
    ],
    ids=["any", "its-own", "private-accounts", "elsewhere", "nobody"],
)
async def test_a_key_signs_for_the_directories_that_it_names(tenant: str, of_key: str, good: bool) -> None:
    if good:
        await sign_in(ADA, FakeSource(), of_key=of_key, tenant=tenant)
        return
    with pytest.raises(ProviderError) as caught:
        await sign_in(ADA, FakeSource(), of_key=of_key, tenant=tenant)
    assert caught.value.code == "id_token_signature"


@pytest.mark.row("V35")
def test_of_several_directories_those_enter_that_are_named() -> None:
    provider = entra(tenant="organizations", required_tenants=[OURS.upper()], allow_all=True)
    assert "tid" in provider.rule_claims
    provider.restrict(Identity(subject="1", username="ada", claims={"tid": OURS}))
    for tid in (THEIRS, None, [OURS]):
        with pytest.raises(LoginRefused) as caught:
            provider.restrict(Identity(subject="1", username="ada", claims={"tid": tid}))
        assert caught.value.code == "tenant"


def group(number: int) -> dict[str, str]:
    return {"@odata.type": "#microsoft.graph.group", "id": f"group-{number}"}


@pytest.mark.row("C37")
@pytest.mark.parametrize("tells", ["_claim_names", "hasgroups"])
async def test_more_groups_than_a_token_holds_are_asked_at_graph_alone(tells: str) -> None:
    source = FakeSource()
    role = {"@odata.type": "#microsoft.graph.directoryRole", "id": "role-1"}
    source.on(
        "GET",
        MEMBER_OF,
        answer_json({"value": [group(1), role], "@odata.nextLink": f"{MEMBER_OF}?$skiptoken=2"}),
        answer_json({"value": [group(2)]}),
    )
    elsewhere = {"src1": {"endpoint": "https://elsewhere.test/users/me/getMemberObjects"}}
    told = {"_claim_names": {"groups": "src1"}, "_claim_sources": elsewhere, "hasgroups": True}
    signed_in = await sign_in({**ADA, **{tells: told[tells], "_claim_sources": elsewhere}}, source)
    assert signed_in.identity.groups == {"group-1", "group-2"}
    assert not source.unknown
    assert all(call.headers["Authorization"].startswith("Bearer ") for call in source.calls("GET", MEMBER_OF))


async def test_graph_is_not_asked_for_what_the_token_holds() -> None:
    source = FakeSource()
    assert (await sign_in({**ADA, "groups": ["group-1"]}, source)).identity.groups == {"group-1"}
    assert not source.unknown


@pytest.mark.row("F07")
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer_json({"value": [], "@odata.nextLink": "https://elsewhere.test/"}), "provider_bad_response"),
        (answer_json({"value": [], "@odata.nextLink": MEMBER_OF}), "provider_bad_response"),
        (answer_json({"value": {}}), "provider_bad_response"),
        (answer_json({"error": {"code": "Authorization_RequestDenied"}}, 403), "scope_insufficient"),
    ],
    ids=["another-host", "without-end", "no-list", "no-permission"],
)
async def test_half_a_list_of_groups_is_none(reply: Any, code: str) -> None:
    source = FakeSource()
    source.on("GET", MEMBER_OF, reply)
    with pytest.raises(ProviderError) as caught:
        await sign_in({**ADA, "hasgroups": True}, source)
    assert caught.value.code == code
    assert not source.unknown


def again(claims: dict[str, Any], *, age: float) -> tuple[EntraProvider, FakeSource, Credential]:
    """A provider, its source, and the credential of somebody who signed in so many seconds ago."""
    provider, source = entra(), FakeSource()
    provider.api.transport = source
    metadata = {
        "issuer": provider.issuer,
        "authorization_endpoint": f"{LOGIN}/x/authorize",
        "token_endpoint": f"{LOGIN}/x/token",
        "userinfo_endpoint": f"{GRAPH}/oidc/userinfo",
        "jwks_uri": f"{LOGIN}/x/keys",
    }
    source.on("GET", f"{provider.issuer}/.well-known/openid-configuration", answer_json(metadata))
    source.on("GET", f"{GRAPH}/oidc/userinfo", answer_json({"sub": ADA["sub"], "email": "evil@contoso.test"}))
    now = int(time.time())
    token = jwt.encode({"alg": "RS256"}, {**claims, "iat": now - int(age), "exp": now + 3600}, signing_key())
    return provider, source, Credential(access_token=Secret("a"), id_token=Secret(token))


async def test_between_two_sign_ins_graph_tells_the_groups_of_now() -> None:
    provider, source, held = again({**ADA, "hasgroups": True}, age=10)
    source.on("GET", MEMBER_OF, answer_json({"value": [group(2)]}))
    known = Identity(subject=f"{OURS}:{ADA['oid']}", username="ada", groups=frozenset({"group-1"}))
    outcome = await provider.refresh_identity(known, held, HubCall())
    assert isinstance(outcome, Updated)
    assert (outcome.identity.groups, outcome.identity.email) == ({"group-2"}, None)


@pytest.mark.parametrize(("status", "kind"), [(401, ReauthRequired), (503, Unavailable)])
async def test_a_token_that_graph_does_not_take_is_no_empty_list(status: int, kind: type[Any]) -> None:
    provider, source, held = again({**ADA, "hasgroups": True}, age=10)
    source.on("GET", MEMBER_OF, answer_json({"error": {}}, status))
    known = Identity(subject=f"{OURS}:{ADA['oid']}", username="ada")
    assert isinstance(await provider.refresh_identity(known, held, HubCall()), kind)


async def test_an_old_id_token_wants_a_new_one() -> None:
    provider, _, held = again(ADA, age=3000)
    with pytest.raises(CredentialError) as caught:
        await provider.claims_again(held)
    assert caught.value.code == "id_token_old"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tenant": "contoso.onmicrosoft.com"}, "Tenant ID"),
        ({"tenant": "consumers"}, "Tenant ID"),
        ({"required_tenants": ["contoso.test"]}, "no id of a directory"),
        ({"required_tenants": [THEIRS]}, "organizations"),
        ({"graph_url": "http://graph.test"}, "graph_url"),
        ({"authority": "http://login.test"}, "authority"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(options: dict[str, Any], told: str) -> None:
    with pytest.raises((ConfigError, TraitError), match=told):
        entra(**options)


def test_everybodys_directories_are_warned_of() -> None:
    assert "required_tenants" in " ".join(entra(tenant="common").warnings())
    assert not entra(tenant="common", required_tenants=[OURS]).warnings()
    assert not entra().warnings()
