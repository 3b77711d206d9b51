"""JupyterHub's own options beside ours, on one hub: managed groups and roles, hooks, what a server shows, patterns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.browser import Browser, Page
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .scene import Rejection, Scene, config

OPTIONS = {
    "red": {
        "membership_max_age": 0,
        "groups_claim": "groups",
        "roles_claim": "realm.roles",
        "group_map": {"people": "everybody"},
        "role_map": {"prof": ["teacher", "grader"], "people": "reader"},
    },
    "blue": {"allow_all": False, "groups_claim": "groups", "group_map": {"people": "everybody"}},
}

MORE = f"""
c.Authenticator.manage_groups = True
c.Authenticator.manage_roles = True
c.Authenticator.reset_managed_roles_on_startup = True
c.Authenticator.auth_refresh_age = 1
c.HubAuthenticator.managed_roles = [{{"name": "teacher", "scopes": ["list:services"]}}]
c.JupyterHub.load_roles += [{{"name": "grader", "scopes": ["list:groups"]}}, {{"name": "reader", "scopes": []}}]
c.HubAuthenticator.required_groups = {{"everybody"}}
c.HubAuthenticator.admin_groups = {{"red:bosses"}}
c.HubAuthenticator.custom_403_message = "Write to the registrar."
c.HubAuthenticator.username_pattern = "^[a-z-]+$"

c.HubAuthenticator.create_system_users = True
ADD = "import sys, pathlib; pathlib.Path('added-' + sys.argv[-1]).write_text(' '.join(sys.argv[1:]))"
c.HubAuthenticator.add_user_cmd = [sys.executable, "-c", ADD, "--home", "/srv/people/USERNAME"]

c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [{bytes(range(32))!r}]
c.JupyterHub.load_roles[0]["scopes"].append("admin:auth_state")

async def after_all_checks(authenticator, handler, model):
    model["auth_state"]["hooked"] = model["name"]
    return model
c.Authenticator.post_auth_hook = after_all_checks

def reconcile(authenticator, model, existing):
    return model["auth_state"] | {{"sign_ins": (existing or {{}}).get("sign_ins", 0) + 1}}
c.Authenticator.reconcile_auth_state_hook = reconcile
"""


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(shared_hub(config(idps, OPTIONS) + MORE), idps)


async def come(scene: Scene, browser: Browser, subject: str, provider: str = "red", **claims: Any) -> Page:
    """Sign in as the person of that subject and name, in the group that the hub wants of everybody."""
    scene.person(provider, subject, subject, **{"groups": ["people"], **claims})
    return await scene.sign_in(browser, provider)


async def rights(scene: Scene, name: str) -> tuple[bool, set[str], set[str]]:
    """Whether administrator, in which groups, with which roles."""
    user = await scene.hub.user(name)
    assert user is not None
    return user["admin"], set(user["groups"]), set(user["roles"])


async def scopes(browser: Browser) -> set[str]:
    """What the person at a browser may do."""
    return set((await browser.request("GET", "/hub/api/user")).response.json()["scopes"])


async def test_roles_come_and_go_and_the_hubs_own_stay(scene: Scene, browser: Browser) -> None:
    await come(scene, browser, "kim", realm={"roles": ["prof", "superuser", "admin"]}, groups=["people", "chess"])
    everybody = {"everybody", "red:chess"}
    assert await rights(scene, "red-kim") == (False, everybody, {"user", "teacher", "grader", "reader"})
    assert {"list:services", "list:groups", "read:users:name!user=red-kim"} <= await scopes(browser)

    scene.person("red", "kim", "kim", groups=["people"], realm={"roles": []})
    while {"list:services", "list:groups"} & await scopes(browser):  # noqa: ASYNC110
        await asyncio.sleep(0.1)  # the hub asks again once the last answer is a second old
    assert await rights(scene, "red-kim") == (False, {"everybody"}, {"user", "reader"})

    await come(scene, browser, "kim", realm={"roles": ["prof"]})  # 5.x has deleted the role with its last holder
    assert "list:services" in await scopes(browser), "the role is an empty one of the same name"


async def test_an_administrator_by_group_is_one_for_as_long_as_the_group_says_so(
    scene: Scene, browser: Browser
) -> None:
    await come(scene, browser, "lou", groups=["people", "bosses"])
    assert await rights(scene, "red-lou") == (True, {"everybody", "red:bosses"}, {"user", "admin", "reader"})
    await come(scene, browser, "lou")
    assert await rights(scene, "red-lou") == (False, {"everybody"}, {"user", "reader"})


@pytest.mark.row("V05")
async def test_whom_the_hub_as_a_whole_keeps_out_no_provider_lets_in(scene: Scene, browser: Browser) -> None:
    async with Rejection(scene, browser, "group_missing"):
        page = await come(scene, browser, "mia", groups=["bosses"])
    assert page.status == 403
    assert "every group that this hub wants" in page.text


@newest_only
async def test_whom_no_rule_lets_in_reads_the_administrators_words(scene: Scene, browser: Browser) -> None:
    async with Rejection(scene, browser, "not_allowed"):
        page = await come(scene, browser, "noa", "blue")
    assert page.status == 403
    assert "Write to the registrar." in page.text


@newest_only
async def test_a_username_that_the_pattern_does_not_have_is_refused(scene: Scene, browser: Browser) -> None:
    async with Rejection(scene, browser, "name_invalid"):
        assert (await come(scene, browser, "r2d2")).status == 403


@newest_only
async def test_hooks_of_the_administrator_see_the_sign_in(scene: Scene, browser: Browser) -> None:
    for sign_ins in (1, 2):
        await come(scene, browser, "ole")
        user = await scene.hub.user("red-ole")
        assert user is not None
        assert user["auth_state"]["hooked"] == "red-ole"
        assert user["auth_state"]["subject"] == "ole"
        assert user["auth_state"]["sign_ins"] == sign_ins


@newest_only
async def test_a_server_can_show_the_persons_name_and_picture(scene: Scene, browser: Browser) -> None:
    await come(scene, browser, "pia", name="Pia Berg", picture="https://red.example/pia.png")
    shown = (await browser.request("GET", "/hub/api/user")).response.json()["user_info"]
    assert shown == {"name": "Pia Berg", "display_name": "Pia Berg", "avatar_url": "https://red.example/pia.png"}


@newest_only
async def test_everybody_gets_a_user_of_the_machine(scene: Scene, browser: Browser) -> None:
    await come(scene, browser, "quinn")
    assert (scene.hub.directory / "added-red-quinn").read_text() == "--home /srv/people/red-quinn red-quinn"
