"""Each configuration in `examples/` is loaded as a hub loads it, and signed in with: who comes in, as whom, who not.

What a source says has the shape that its documentation gives; the link stands beside it.
"""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from hubauth_core import Decision, Identity, LoginRefused, ProviderError, SignIn
from hubauth_core.access import Access
from hubauth_core.oauth2 import OAuth2Provider, OIDCProvider
from hubauth_core.registry import Registry
from hubauth_core.testing.contract import ProviderContract
from hubauth_core.testing.openid import OIDCProviderContract, signing_key
from hubauth_core.testing.source import FakeSource, answer_json

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLACE = re.compile(r"https://<(?:your|this) hub>(/hub/auth/\w+/callback)")


class NoPins:
    """Nobody has been here yet."""

    def pinned_subject(self, provider: str, username: str) -> str | None:
        return None

    def names_of(self, provider: str, subject: str) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True, kw_only=True)
class Person:
    """What a source says of somebody, and what becomes of it.

    With what it says `otherwise`, they are `refused` with that reason code, or, where it is empty, let in by no rule.
    """

    claims: Mapping[str, Any]
    subject: str
    username: str
    groups: set[str] | None = None
    roles: set[str] | None = None
    admin: bool | None = None
    in_id_token: tuple[str, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Mapping[str, Any], ...] = ()
    otherwise: Mapping[str, Any]
    refused: str


PEOPLE = {
    # https://auth0.com/docs/get-started/apis/scopes/sample-use-cases-scopes-and-claims
    "auth0": Person(
        claims={
            "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
            "nickname": "ada",
            "name": "ada@uni.example",
            "picture": "https://s.gravatar.com/avatar/ada.png",
            "updated_at": "2026-03-30T15:13:40.474Z",
            "email": "ada@uni.example",
            "email_verified": True,
            "https://hub.uni.example/groups": ["students", "staff"],
        },
        in_id_token=("https://hub.uni.example/groups",),
        subject="auth0|5f7c8ec7c33c6c004bbafe82",
        username="ada",
        groups={"students", "staff"},
        admin=True,
        otherwise={"email_verified": False},
        refused="email_not_verified",
    ),
    # https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS/#tag/CustomAS/operation/userinfoCustomAS
    "okta": Person(
        claims={
            "sub": "00uid4BxXw6I6TV4m0g3",
            "name": "Ada Lovelace",
            "nickname": "Countess",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "email": "ada@uni.example",
            "email_verified": True,
            "zoneinfo": "Europe/London",
            "locale": "en-GB",
            "updated_at": 1311280970,
            "preferred_username": "ada@uni.example",
            "groups": ["Everyone", "hub-users"],
        },
        in_id_token=("groups",),
        subject="00uid4BxXw6I6TV4m0g3",
        username="ada@uni.example",
        groups={"Everyone", "hub-users"},
        admin=False,
        otherwise={"email": "ada@other.example", "preferred_username": "ada@other.example"},
        refused="email_domain",
    ),
    # https://www.keycloak.org/docs/latest/server_admin/#_protocol-mappers
    "keycloak": Person(
        claims={
            "sub": "f5a5b2c4-9c4f-4f3e-9c43-1d8f0b9c2a11",
            "preferred_username": "ada",
            "name": "Ada Lovelace",
            "email": "ada@uni.example",
            "email_verified": False,
            "groups": ["staff"],
            "resource_access": {"jupyterhub": {"roles": ["hub-instructor", "unknown"]}, "account": {"roles": ["view"]}},
        },
        in_id_token=("groups", "resource_access"),
        subject="f5a5b2c4-9c4f-4f3e-9c43-1d8f0b9c2a11",
        username="ada",
        groups={"staff"},
        roles={"instructor"},
        admin=False,
        otherwise={"groups": ["guests"], "resource_access": {}},
        refused="",
    ),
    # https://docs.goauthentik.io/add-secure-apps/providers/oauth2/
    "authentik": Person(
        claims={
            "sub": "8ac4e0a2-6d0f-4c2b-a4b4-2bb0e2c5fcd1",
            "email": "ada@uni.example",
            "email_verified": False,
            "name": "Ada Lovelace",
            "given_name": "Ada Lovelace",
            "preferred_username": "ada",
            "nickname": "ada",
            "groups": ["jupyter", "authentik Admins"],
        },
        subject="8ac4e0a2-6d0f-4c2b-a4b4-2bb0e2c5fcd1",
        username="ada",
        groups={"jupyter", "authentik Admins"},
        admin=True,
        otherwise={"groups": ["authentik Admins"]},
        refused="group_missing",
    ),
    # https://info.orcid.org/ufaqs/what-is-the-openid-connect-user-info-endpoint
    "orcid": Person(
        claims={"sub": "0000-0002-1825-0097", "name": None, "family_name": "Carberry", "given_name": "Josiah"},
        subject="0000-0002-1825-0097",
        username="0000-0002-1825-0097",
        otherwise={"sub": "0000-0001-5109-3700"},
        refused="",
    ),
    # https://huggingface.co/docs/hub/oauth
    "huggingface": Person(
        claims={
            "sub": "62f264b9f3c90f4b6514a269",
            "name": "Ada Lovelace",
            "preferred_username": "ada",
            "profile": "https://huggingface.co/ada",
            "picture": "https://cdn-avatars.huggingface.co/ada.png",
            "website": "",
            "isPro": False,
            "orgs": [{"sub": "5fc10e", "name": "Ours", "preferred_username": "my-organization", "isEnterprise": False}],
        },
        subject="62f264b9f3c90f4b6514a269",
        username="ada",
        groups={"my-organization"},
        otherwise={"orgs": []},
        refused="",
    ),
    # https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html#/operations/get-user
    "jupyterhub": Person(
        claims={
            "kind": "user",
            "name": "ada",
            "admin": False,
            "roles": ["user"],
            "groups": ["physics"],
            "created": "2026-01-02T03:04:05.678901Z",
            "last_activity": "2026-03-30T15:13:40.000000Z",
            "server": None,
            "pending": None,
            "scopes": ["read:users!user=ada"],
        },
        subject="ada 2026-01-02T03:04:05.678901Z",
        username="ada",
        groups={"physics"},
        otherwise={"groups": ["chemistry"]},
        refused="group_missing",
    ),
    # https://docs.redhat.com/documentation/openshift_container_platform/4.17/html/user_and_group_apis/user-user-openshift-io-v1
    "openshift": Person(
        claims={
            "kind": "User",
            "apiVersion": "user.openshift.io/v1",
            "metadata": {"name": "ada", "uid": "d0d5a0f2-5a7f-4b1f-9c0e-6a8a3b1f3c2d", "resourceVersion": "1"},
            "fullName": "Ada Lovelace",
            "identities": ["ldap:dWlkPWFkYQ"],
            "groups": ["system:authenticated", "data-scientists"],
        },
        subject="d0d5a0f2-5a7f-4b1f-9c0e-6a8a3b1f3c2d",
        username="ada",
        groups={"system:authenticated", "data-scientists"},
        admin=False,
        otherwise={"metadata": {"name": "kube:admin"}, "groups": ["system:cluster-admins", "hub-admins"]},
        refused="provider_bad_response",
    ),
    # https://developers.google.com/identity/openid-connect/openid-connect#obtainuserinfo
    "google": Person(
        claims={
            "sub": "110169484474386276334",
            "name": "Ada Lovelace",
            "email": "ada@uni.example",
            "email_verified": True,
            "hd": "uni.example",
        },
        in_id_token=("hd",),
        further={
            "https://admin.googleapis.com/admin/directory/v1/groups": {
                "kind": "admin#directory#groups",
                "groups": [{"id": "1", "email": "data@uni.example", "name": "Data", "directMembersCount": "9"}],
            }
        },
        subject="110169484474386276334",
        username="ada",
        groups={"data@uni.example"},
        admin=False,
        otherwise={"hd": "elsewhere.example"},
        refused="hosted_domain",
    ),
    # https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
    "entra": Person(
        claims={
            "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "tid": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
            "oid": "00000000-0000-0000-66f3-3332eca7ea81",
            "name": "Ada Lovelace",
            "preferred_username": "ada@contoso.example",
            "groups": ["bbbbcccc-1111-dddd-2222-eeee3333ffff"],
            "roles": ["Hub.Instructor"],
        },
        in_id_token=("tid", "oid", "name", "preferred_username", "groups", "roles"),
        subject="aaaabbbb-0000-cccc-1111-dddd2222eeee:00000000-0000-0000-66f3-3332eca7ea81",
        username="ada@contoso.example",
        groups={"bbbbcccc-1111-dddd-2222-eeee3333ffff"},
        roles={"instructor"},
        otherwise={"groups": []},
        refused="",
    ),
    # https://www.cilogon.org/oidc
    "cilogon": Person(
        claims={
            "sub": "http://cilogon.org/serverE/users/12345",
            "idp": "https://idp.uni.example/shibboleth",
            "idp_name": "University",
            "eppn": "ada@uni.example",
            "email": "ada@uni.example",
            "name": "Ada Lovelace",
        },
        subject="http://cilogon.org/serverE/users/12345",
        username="ada",
        otherwise={"idp": "http://google.com/accounts/o8/id"},
        refused="idp_not_allowed",
    ),
    # https://docs.globus.org/api/auth/reference/, https://groups.api.globus.org/redoc
    "globus": Person(
        claims={
            "sub": "ae341a98-d274-11e5-b888-dbae3a8ba545",
            "preferred_username": "ada@uni.example",
            "name": "Ada Lovelace",
            "email": "ada.lovelace@uni.example",
            "identity_provider": "7daddf46-70c5-45ee-9f0f-7244fe7c8707",
            "identity_provider_display_name": "University",
        },
        others=(
            {
                "access_token": "for-groups",
                "resource_server": "groups.api.globus.org",
                "scope": "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships",
                "token_type": "Bearer",
                "expires_in": 172800,
            },
        ),
        further={
            "https://groups.api.globus.org/v2/groups/my_groups": [
                {"id": "2a0b1e7c-6f2f-11ee-8b3f-3f9d1c1a2b3c", "name": "Lab", "my_memberships": []}
            ]
        },
        subject="ae341a98-d274-11e5-b888-dbae3a8ba545",
        username="ada",
        groups={"2a0b1e7c-6f2f-11ee-8b3f-3f9d1c1a2b3c"},
        otherwise={"preferred_username": "ada@globusid.org"},
        refused="idp_not_allowed",
    ),
    # https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
    "bitbucket": Person(
        claims={
            "type": "user",
            "uuid": "{470c176d-3574-44ea-bb41-89e8638bcca4}",
            "account_id": "557058:c0b72ad0-1cb5-4018-9cdc-0cde8492c443",
            "username": "ada",
            "display_name": "Ada Lovelace",
            "links": {},
        },
        further={
            "https://api.bitbucket.org/2.0/user/emails": {"values": []},
            "https://api.bitbucket.org/2.0/user/workspaces": {
                "values": [{"type": "workspace_access", "administrator": False, "workspace": {"slug": "engines"}}]
            },
        },
        subject="{470c176d-3574-44ea-bb41-89e8638bcca4}",
        username="ada",
        groups={"engines"},
        otherwise={"uuid": None},
        refused="provider_bad_response",
    ),
}
LOADED_ONLY = {"mediawiki": "OAuth 1.0a, in the type social: plugins/social/tests/test_mediawiki.py signs in"}


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that the examples name, elsewhere than in /etc."""
    folder = tmp_path_factory.mktemp("secrets")
    key = {
        "private_key_id": "one",
        "private_key": signing_key().as_pem(private=True).decode(),
        "client_email": "hub@project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (folder / "google-key.json").write_text(json.dumps(key))
    return folder


def loaded(example: Path, secrets: Path) -> Registry:
    """The providers of an example, as a hub makes them."""
    for name in re.findall(r'"/etc/jupyterhub/([\w.-]+)"', example.read_text()):
        (secrets / name).touch()
        if not name.endswith(".json"):
            (secrets / name).write_text("a secret")
    c = Config()
    moved = secrets / f"{example.stem}_config.py"
    moved.write_text(example.read_text().replace("/etc/jupyterhub/", f"{secrets}/"))
    runpy.run_path(str(moved), {"c": c})
    assert c.JupyterHub.authenticator_class == "hubauth"
    registry = Registry()
    registry.configure(c.HubAuthenticator.providers)
    [provider] = registry.providers.values()
    assert not provider.missing_options()
    return registry


async def sign_in(provider: OAuth2Provider, person: Person, claims: Mapping[str, Any]) -> SignIn:
    """A sign-in of somebody, at a source that stands at the very addresses that the provider knows."""
    kind = OIDCProviderContract if isinstance(provider, OIDCProvider) else ProviderContract
    kit: Any = type("Kit", (kind,), {"__test__": False, "as_configured": provider})()
    kit.provider_type, kit.options, kit.identity = type(provider), {}, Identity(subject="x", username="x")
    at = "https://source.example"
    kit.authorize_url = provider.authorize_url or f"{at}/authorize"
    kit.token_url, kit.userinfo_url = provider.token_url or f"{at}/token", provider.userinfo_url or f"{at}/userinfo"
    kit.userinfo, kit.further, kit.in_id_token = claims, person.further, person.in_id_token
    if person.others:
        kit.token = {**kind.token, "other_tokens": person.others}
    kit.asked, kit.canaries = {}, []
    source = FakeSource()
    kit.state_answers(source, kit.answers())
    directory = answer_json({"access_token": "of-the-service-account", "expires_in": 3600})
    source.on("POST", "https://oauth2.googleapis.com/token", directory, optional=True)
    provider.api.transport = source
    signed_in: SignIn = await kit.sign_in(provider)
    assert not source.unknown
    return signed_in


def test_every_example_is_tried() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == PEOPLE.keys() | LOADED_ONLY.keys()


@pytest.mark.parametrize("name", LOADED_ONLY)
def test_loaded(name: str, secrets: Path) -> None:
    assert name in loaded(EXAMPLES / f"{name}.py", secrets).providers


@pytest.mark.parametrize("name", PEOPLE)
async def test_somebody_comes_in(name: str, secrets: Path) -> None:
    person = PEOPLE[name]
    identity, decision = await decided(name, person.claims, secrets)
    assert (identity.subject, identity.username) == (person.subject, person.username)
    assert identity.groups == person.groups
    assert decision.allowed
    assert decision.admin is person.admin
    assert decision.groups == person.groups
    if person.roles is not None:
        assert decision.roles == person.roles


@pytest.mark.parametrize("name", PEOPLE)
async def test_somebody_else_does_not(name: str, secrets: Path) -> None:
    person = PEOPLE[name]
    claims = {**person.claims, **person.otherwise}
    if not person.refused:
        _, decision = await decided(name, claims, secrets)
        assert not decision.allowed
        return
    with pytest.raises((LoginRefused, ProviderError)) as caught:
        await decided(name, claims, secrets)
    assert caught.value.code == person.refused


@pytest.mark.parametrize("name", [*PEOPLE, *LOADED_ONLY])
def test_the_address_to_register_is_the_providers_own(name: str, secrets: Path) -> None:
    example = EXAMPLES / f"{name}.py"
    [provider] = loaded(example, secrets).providers
    assert set(PLACE.findall(example.read_text())) == {f"/hub/auth/{provider}/callback"}


async def decided(name: str, claims: Mapping[str, Any], secrets: Path) -> tuple[Identity, Decision]:
    """Who signed in with an example, and what its rules say of them."""
    [provider] = loaded(EXAMPLES / f"{name}.py", secrets).providers.values()
    assert isinstance(provider, OAuth2Provider)
    signed_in = await sign_in(provider, PEOPLE[name], claims)
    access = Access(NoPins(), several=False)
    return signed_in.identity, access.decide(provider, signed_in.identity, scopes=signed_in.scopes).decision
