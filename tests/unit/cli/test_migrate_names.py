"""A moved configuration gives everybody the hub username that OAuthenticator's own class gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from oauthenticator.auth0 import Auth0OAuthenticator
from oauthenticator.azuread import AzureAdOAuthenticator
from oauthenticator.bitbucket import BitbucketOAuthenticator
from oauthenticator.cilogon import CILogonOAuthenticator
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from oauthenticator.gitlab import GitLabOAuthenticator
from oauthenticator.globus import GlobusOAuthenticator
from oauthenticator.google import GoogleOAuthenticator
from oauthenticator.openshift import OpenShiftOAuthenticator
from traitlets.config import Config

from hubauth_core.cli.migrate import planning, reading
from hubauth_core.cli.migrate.writing import written
from hubauth_core.names import normalise
from hubauth_core.registry import Registry

TENANT = "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"
IDP = "https://idp.example/shibboleth"


def derived(**how: str) -> dict[str, Any]:
    return {"idps": {IDP: {"username_derivation": how}}}


GENERIC = {name: f"https://sso.example/{name}" for name in ("authorize_url", "token_url", "userdata_url")}
ADA = {"sub": "1", "email": "Ada@uni.example", "email_verified": True}
AT_UNI = {**ADA, "hd": "uni.example", "verified_email": True, "domain": "uni.example"}


@pytest.mark.parametrize(
    ("cls", "options", "claims", "name"),
    [
        (GitHubOAuthenticator, {}, {"id": 7, "login": "AdaL"}, "adal"),
        (GitLabOAuthenticator, {}, {"id": 7, "username": "Ada.L"}, "ada.l"),
        (BitbucketOAuthenticator, {}, {"uuid": "{7}", "username": "Ada"}, "ada"),
        (GoogleOAuthenticator, {"hosted_domain": ["uni.example"]}, AT_UNI, "ada"),
        (GoogleOAuthenticator, {"hosted_domain": ["uni.example", "b.example"]}, AT_UNI, "ada@uni.example"),
        (GoogleOAuthenticator, {"hosted_domain": ["uni.example"], "strip_domain": False}, AT_UNI, "ada@uni.example"),
        (GoogleOAuthenticator, {}, AT_UNI, "ada@uni.example"),
        (Auth0OAuthenticator, {"auth0_domain": "a.example"}, ADA, "ada@uni.example"),
        (
            Auth0OAuthenticator,
            {"auth0_domain": "a.example", "username_claim": "nickname"},
            {**ADA, "nickname": "Al"},
            "al",
        ),
        (
            AzureAdOAuthenticator,
            {"tenant_id": TENANT},
            {"tid": TENANT, "oid": TENANT, "name": "Ada Lovelace"},
            "ada lovelace",
        ),
        (GlobusOAuthenticator, {}, {"sub": "1", "preferred_username": "ada@globusid.org"}, "ada"),
        (GlobusOAuthenticator, {"username_from_email": True}, ADA, "ada"),
        (OpenShiftOAuthenticator, {}, {"metadata": {"uid": "1", "name": "Ada"}}, "ada"),
        (GenericOAuthenticator, GENERIC, {"sub": "1", "username": "Ada"}, "ada"),
        (GenericOAuthenticator, {**GENERIC, "username_claim": "nick"}, {"sub": "1", "nick": "Al"}, "al"),
        (CILogonOAuthenticator, derived(username_claim="eppn"), {"eppn": "Ada@uni.example"}, "ada@uni.example"),
        (
            CILogonOAuthenticator,
            derived(username_claim="eppn", action="strip_idp_domain", domain="uni.example"),
            {"eppn": "Ada@uni.example"},
            "ada",
        ),
        (
            CILogonOAuthenticator,
            derived(username_claim="eppn", action="strip_idp_domain", domain="uni.example"),
            {"eppn": "Ada@other.example"},
            "ada@other.example",
        ),
        (
            CILogonOAuthenticator,
            derived(username_claim="nick", action="prefix", prefix="gh"),
            {"nick": "Ada"},
            "gh:ada",
        ),
    ],
)
def test_the_same_name(cls: Any, options: dict[str, Any], claims: dict[str, Any], name: str, tmp_path: Path) -> None:
    if cls is CILogonOAuthenticator:
        claims = {"sub": "1", "idp": IDP, **claims}
    config = Config({cls.__name__: {"client_id": "i", "client_secret": "canary", **options}})
    if cls is OpenShiftOAuthenticator:
        config[cls.__name__].openshift_auth_api_url = "https://oauth.ocp.example"
    before = cls(config=config)
    assert before.normalize_username(before.user_info_to_username(dict(claims))) == name

    config.JupyterHub.authenticator_class = cls
    file = tmp_path / "jupyterhub_config.py"
    file.write_text("client_secret = 'canary'")
    printed = written(planning.plan(reading.read(file, config))).replace("/etc/jupyterhub", str(tmp_path))
    c = Config()
    for secret in (
        "github",
        "gitlab",
        "bitbucket",
        "google",
        "auth0",
        "entra",
        "globus",
        "openshift",
        "oauth",
        "cilogon",
    ):
        (tmp_path / f"{secret}-client-secret").write_text("s")
    exec(compile(printed, "printed", "exec"), {"c": c})
    registry = Registry()
    registry.configure(c.HubAuthenticator.providers)
    ((_, after),) = registry.providers.items()
    identity = after.parse_identity(claims)  # type: ignore[attr-defined]
    assert after.username_prefix + normalise(identity.username) == name
