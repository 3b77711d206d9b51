"""What is Google's own: the organization by its ID token alone, groups of its directory, usernames without a domain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from traitlets import TraitError

from hubauth_core import (
    ConfigError,
    HubCall,
    Identity,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    Request,
    Secret,
    Updated,
)
from hubauth_core.oauth2 import Claims
from hubauth_core.testing.openid import OIDCProviderContract, signing_key
from hubauth_core.testing.source import FakeSource, Reply, answer_json
from hubauth_core.types import Credential
from hubauth_google import GoogleProvider

USERINFO = "https://openidconnect.googleapis.com/v1/userinfo"
GROUPS = "https://admin.googleapis.com/admin/directory/v1/groups"
TOKEN = "https://oauth2.googleapis.com/token"
ADA = {"sub": "110169484474386276334", "email": "ada@uni.test", "email_verified": True, "hd": "uni.test"}


def google(**options: Any) -> GoogleProvider:
    return GoogleProvider("google", client_id="hub", client_secret="secret", **options)


@pytest.fixture
def directory(tmp_path: Path) -> dict[str, Any]:
    """The option, with a key file as Google's console makes it."""
    file = tmp_path / "key.json"
    key = {
        "type": "service_account",
        "private_key_id": "one",
        "private_key": signing_key().as_pem(private=True).decode(),
        "client_email": "hub@project.iam.gserviceaccount.com",
        "token_uri": TOKEN,
    }
    file.write_text(json.dumps(key))
    return {"uni.test": {"key_file": str(file), "administrator": "root@uni.test"}}


def groups(*names: str, **more: str) -> Reply:
    return answer_json({"kind": "admin#directory#groups", "groups": [{"email": name} for name in names], **more})


async def claims_of(provider: GoogleProvider, source: FakeSource, person: dict[str, Any] = ADA) -> Claims:
    provider.api.transport = source
    metadata = {
        "issuer": "https://accounts.google.com",
        "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
        "token_endpoint": TOKEN,
        "userinfo_endpoint": USERINFO,
        "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
    }
    source.on("GET", "https://accounts.google.com/.well-known/openid-configuration", answer_json(metadata))
    source.on("GET", USERINFO, answer_json(person))
    source.on("POST", TOKEN, answer_json({"access_token": "canary-directory", "expires_in": 3599}))
    return await provider.fetch_claims(Credential(access_token=Secret("ya29.1")), provider.api)


def identity(**claims: Any) -> Identity:
    return Identity(subject="7", username="ada", email="ada@uni.test", email_verified=True, claims=claims)


@pytest.mark.row("V04")
@pytest.mark.parametrize("hd", [None, "", "other.test", "uni.test.evil.test", ["uni.test"], True])
def test_another_organization_is_kept_out_whatever_the_address(hd: Any) -> None:
    provider = google(required_hosted_domains=["uni.test"], allow_all=True)
    with pytest.raises(LoginRefused) as caught:
        provider.restrict(identity() if hd is None else identity(hd=hd))
    assert caught.value.code == "hosted_domain"
    assert "hd" in provider.rule_claims


@pytest.mark.row("V04")
def test_the_organization_may_enter() -> None:
    google(required_hosted_domains=["Uni.test", "two.test"]).restrict(identity(hd="uni.test"))
    google().restrict(identity())


@pytest.mark.row("V04")
@pytest.mark.parametrize(("proven", "hd"), [(("hd",), "uni.test"), ((), None)], ids=["proven", "only-userinfo"])
async def test_what_userinfo_alone_says_of_the_organization_does_not_count(
    proven: tuple[str, ...], hd: str | None
) -> None:
    kit, source = Kit(), FakeSource()
    kit.in_id_token, kit.asked, kit.canaries = proven, {}, []
    kit.state_answers(source, kit.answers())
    signed_in = await kit.sign_in(kit.make_provider(source))
    assert signed_in.identity.claims.get("hd") == hd


class Kit(OIDCProviderContract):
    """The kit as a means: its sign-in, with none of its tests."""

    __test__ = False
    provider_type = GoogleProvider
    options = {"client_id": "hub", "client_secret": "secret", "username_claim": "sub", "userinfo": "always"}
    authorize_url = "https://accounts.google.com/o/oauth2/v2/auth"
    token_url = TOKEN
    userinfo_url = USERINFO
    userinfo = ADA
    unverified = ADA
    identity = identity()


@pytest.mark.row("V04")
@pytest.mark.parametrize("hd", ["uni.test", "other.test"], ids=["still", "moved"])
async def test_between_two_sign_ins_userinfo_tells_the_organization(hd: str) -> None:
    provider, source = google(required_hosted_domains=["uni.test"]), FakeSource()
    await claims_of(provider, source, {**ADA, "hd": hd})
    outcome = await provider.refresh_identity(
        provider.identity(ADA), Credential(access_token=Secret("ya29.2")), HubCall()
    )
    assert isinstance(outcome, Updated)
    assert outcome.identity.claims["hd"] == hd


@pytest.mark.parametrize(
    ("options", "username"),
    [
        ({}, "ada@uni.test"),
        ({"required_hosted_domains": ["uni.test"]}, "ada"),
        ({"required_hosted_domains": ["uni.test"], "strip_domain": False}, "ada@uni.test"),
        ({"required_hosted_domains": ["uni.test", "two.test"]}, "ada@uni.test"),
        ({"required_hosted_domains": ["uni.test", "two.test"], "strip_domain": True}, "ada"),
        ({"required_hosted_domains": ["two.test"]}, "ada@uni.test"),
    ],
    ids=["none", "one", "one-kept", "two", "two-stripped", "another"],
)
def test_usernames_lose_the_domain_of_the_only_organization(options: dict[str, Any], username: str) -> None:
    assert google(**options).identity(ADA).username == username


def test_an_address_that_google_has_not_verified_names_nobody() -> None:
    with pytest.raises(LoginRefused) as caught:
        google().identity({**ADA, "email_verified": False})
    assert caught.value.code == "email_not_verified"


async def test_a_refresh_token_is_asked_for(new_transaction: Any) -> None:
    provider, source = google(required_hosted_domains=["uni.test"]), FakeSource()
    await claims_of(provider, source)
    step = await provider.begin_login(Request(), new_transaction("google"))
    asked = parse_qs(step.url.partition("?")[2])
    assert (asked["access_type"], asked["hd"]) == (["offline"], ["uni.test"])


async def test_groups_are_asked_by_the_id_for_an_administrator(directory: dict[str, Any]) -> None:
    provider, source = google(directory=directory), FakeSource()
    source.on("GET", GROUPS, groups("Data@uni.test", nextPageToken="two/&="), groups("staff@uni.test"))
    found = await claims_of(provider, source)
    assert provider.identity(found).groups == {"data@uni.test", "staff@uni.test"}
    first, second = source.calls("GET", GROUPS)
    assert parse_qs(first.url.query.decode())["userKey"] == [ADA["sub"]]
    assert parse_qs(second.url.query.decode())["pageToken"] == ["two/&="]
    assert {call.headers["Authorization"] for call in (first, second)} == {"Bearer canary-directory"}
    [request] = source.calls("POST", TOKEN)
    form = {name: value for name, [value] in parse_qs(request.content.decode()).items()}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    said = jwt.decode(form["assertion"], RSAKey.import_key(signing_key().as_dict(private=False))).claims
    assert (said["iss"], said["sub"], said["aud"]) == ("hub@project.iam.gserviceaccount.com", "root@uni.test", TOKEN)
    assert said["scope"] == "https://www.googleapis.com/auth/admin.directory.group.readonly"


async def test_the_directorys_token_serves_again(directory: dict[str, Any]) -> None:
    provider, source = google(directory=directory), FakeSource()
    source.on("GET", GROUPS, groups())
    await claims_of(provider, source)
    provider.api.transport = source
    await provider.fetch_claims(Credential(access_token=Secret("ya29.2")), provider.api)
    assert len(source.calls("POST", TOKEN)) == 1


async def test_groups_within_groups_once_each_and_in_circles(directory: dict[str, Any]) -> None:
    within = {ADA["sub"]: ["a@uni.test", "b@uni.test"], "a@uni.test": ["c@uni.test"], "c@uni.test": ["a@uni.test"]}

    def answer(request: httpx.Request) -> Reply:
        return groups(*within.get(request.url.params["userKey"], []))

    provider, source = google(directory=directory, nested_groups=True), FakeSource()
    source.on("GET", GROUPS, answer)
    assert (await claims_of(provider, source))["groups"] == ["a@uni.test", "b@uni.test", "c@uni.test"]
    assert len(source.calls("GET", GROUPS)) == 4


@pytest.mark.parametrize("hd", ["other.test", None])
async def test_an_organization_without_a_directory_here_has_no_groups(
    directory: dict[str, Any], hd: str | None
) -> None:
    found = await claims_of(google(directory=directory), FakeSource(), {**ADA, "hd": hd})
    assert found["groups"] == []


async def test_whom_the_directory_does_not_know_is_in_no_group(directory: dict[str, Any]) -> None:
    source = FakeSource()
    source.on("GET", GROUPS, answer_json({"error": {"code": 404}}, 404))
    assert (await claims_of(google(directory=directory), source))["groups"] == []


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (answer_json({"error": {"errors": [{"reason": "forbidden"}]}}, 403), ProviderError, "directory_refused"),
        (answer_json({"error": {"errors": [{"reason": "authError"}]}}, 401), ProviderError, "directory_refused"),
        (answer_json(["rubbish"], 403), ProviderError, "directory_refused"),
        (answer_json(["rubbish"], 404), ProviderError, "provider_bad_response"),
        (
            answer_json({"error": {"errors": [{"reason": "quotaExceeded"}]}}, 403),
            ProviderUnavailable,
            "provider_unreachable",
        ),
        (groups(nextPageToken="again"), ProviderError, "provider_bad_response"),
    ],
    ids=["forbidden", "token", "rubbish", "no-such-page", "quota", "without-end"],
)
async def test_a_directory_that_does_not_answer_is_no_empty_list(
    directory: dict[str, Any], reply: Reply, kind: type[ProviderError], code: str
) -> None:
    source = FakeSource()
    source.on("GET", GROUPS, reply)
    with pytest.raises(kind) as caught:
        await claims_of(google(directory=directory), source)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"uni.test": {"key_file": "/nowhere"}}, "administrator"),
        ({"uni.test": {"key_file": "/nowhere", "administrator": "root"}}, "address of an administrator"),
        ({"uni.test": {"key_file": "/nowhere", "administrator": "root@uni.test"}}, "cannot be read"),
        ({"uni.test": {"key_file": __file__, "administrator": "root@uni.test"}}, "no key file"),
        ({"uni.test": "key.json"}, "administrator"),
    ],
    ids=["no-administrator", "no-address", "no-file", "no-key", "text"],
)
def test_a_directory_that_cannot_be_asked_stops_the_start(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        google(directory=changed)


def test_rules_that_can_never_match_stop_the_start(directory: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="directory"):
        google(allowed_groups={"data@uni.test"})
    with pytest.raises(ConfigError, match="userinfo"):
        google(directory=directory, userinfo="never")
    for name in ("data", "Data@uni.test"):
        with pytest.raises(ConfigError, match="addresses"):
            google(directory=directory, required_groups={name})
    with pytest.raises(TraitError, match="no domain"):
        google(required_hosted_domains=["ada@uni.test"])
