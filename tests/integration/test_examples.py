"""Configurations of `examples/` on a real hub: what a source says becomes a hub user, groups, a role, or a refusal."""

from __future__ import annotations

import runpy
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .scene import AUDIT, Rejection, Scene

pytestmark = newest_only

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str, **elsewhere: Any) -> dict[str, Any]:
    """The provider of an example, with its source elsewhere."""
    c = Config()
    runpy.run_path(str(EXAMPLES / f"{name}.py"), {"c": c})
    options = dict(c.HubAuthenticator.providers[name])
    del options["client_secret_file"]
    return {**options, "client_secret": "secret", **elsewhere}


@pytest.fixture(scope="session")
def crypt_key() -> str:
    """Rules by what a source says need its tokens, to ask it again."""
    return secrets.token_hex(32)


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP], crypt_key: str) -> Scene:
    red, blue = idps["red"].issuer, idps["blue"].issuer
    at_blue = {"authorize_url": f"{blue}/authorize", "token_url": f"{blue}/token", "userinfo_url": f"{blue}/userinfo"}
    section = {
        "providers": {
            "keycloak": example("keycloak", issuer=red),
            "okta": example("okta", issuer=red),
            "openshift": example("openshift", **at_blue),
        },
        "manage_groups": True,
        "manage_roles": True,
        "managed_roles": [{"name": "instructor", "scopes": ["list:users"]}],
        "audit_log": AUDIT,
    }
    config = {"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": section}
    hub = shared_hub(config, environment={"JUPYTERHUB_CRYPT_KEY": crypt_key})
    return Scene(hub, {"keycloak": idps["red"], "okta": idps["red"], "openshift": idps["blue"]})


async def signed_in(scene: Scene, browser: Browser, name: str, claims: dict[str, Any]) -> None:
    """One sign-in of somebody of whom the source says this."""
    scene[name].person = claims
    scene[name].userinfo = claims
    await scene.sign_in(browser, name)


NewBrowser = Callable[[Hub], Browser]

KEYCLOAK = {
    "preferred_username": "kim",
    "groups": ["staff"],
    "resource_access": {"jupyterhub": {"roles": ["hub-instructor"]}},
}
OKTA = {"email_verified": True, "preferred_username": "ola@uni.example", "email": "ola@uni.example"}
OPENSHIFT = {"kind": "User", "groups": ["data-scientists"]}


async def test_keycloak_gives_groups_and_a_role(scene: Scene, new_browser: NewBrowser) -> None:
    browser = new_browser(scene.hub)
    await signed_in(scene, browser, "keycloak", {"sub": "kc-1", **KEYCLOAK})
    assert await browser.hub_user() == "keycloak-kim"
    user = await scene.hub.user("keycloak-kim") or {}
    assert user["groups"] == ["keycloak:staff"]
    assert "instructor" in user["roles"]
    assert not user["admin"]
    assert scene.identities_of("keycloak-kim") == ["keycloak:kc-1"]


async def test_keycloak_lets_nobody_in_by_a_role_alone(scene: Scene, new_browser: NewBrowser) -> None:
    browser = new_browser(scene.hub)
    async with Rejection(scene, browser, "not_allowed"):
        stranger = {**KEYCLOAK, "preferred_username": "lea", "groups": []}
        await signed_in(scene, browser, "keycloak", {"sub": "kc-2", **stranger})


async def test_okta_lets_a_group_in_and_another_domain_not(scene: Scene, new_browser: NewBrowser) -> None:
    browser = new_browser(scene.hub)
    await signed_in(scene, browser, "okta", {"sub": "00u1", **OKTA, "groups": ["Everyone", "hub-admins"]})
    assert await browser.hub_user() == "okta-ola@uni.example"
    assert (await scene.hub.user("okta-ola@uni.example") or {})["admin"]
    stranger = new_browser(scene.hub)
    elsewhere = {**OKTA, "email": "ola@other.example", "groups": ["hub-admins"]}
    async with Rejection(scene, stranger, "email_domain"):
        await signed_in(scene, stranger, "okta", {"sub": "00u2", **elsewhere})


async def test_openshift_knows_people_by_the_uid_of_the_object(scene: Scene, new_browser: NewBrowser) -> None:
    browser = new_browser(scene.hub)
    await signed_in(scene, browser, "openshift", {**OPENSHIFT, "metadata": {"name": "olga", "uid": "d0d5-1"}})
    assert await browser.hub_user() == "openshift-olga"
    assert scene.identities_of("openshift-olga") == ["openshift:d0d5-1"]
    administrator = new_browser(scene.hub)
    async with Rejection(scene, administrator, "provider_bad_response"):
        await signed_in(scene, administrator, "openshift", {**OPENSHIFT, "metadata": {"name": "kube:admin"}})
