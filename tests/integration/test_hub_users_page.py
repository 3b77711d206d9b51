"""What administrators see of other people's connections, what they may change, and what they must agree to."""

from __future__ import annotations

import pytest

from harness.browser import Browser, Page
from harness.hubs import StartHub
from hostile_idp.server import HostileIdP

from .scene import Scene, config

OPTIONS = {
    "red": {"admin_users": ["boss", "chief", "superior"], "username_prefix": "", "adopt": ["helper", "tutor", "pupil"]},
    "blue": {"username_prefix": "blue-"},
}
ROLES = """
c.JupyterHub.load_groups = {"course": {"users": ["pupil"]}}
c.JupyterHub.load_roles += [
    {"name": "helper", "scopes": ["admin:users", "read:users"], "users": ["helper"]},
    {"name": "tutor", "scopes": ["admin:users!group=course"], "users": ["tutor"]},
]
"""


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(shared_hub(config(idps, OPTIONS) + ROLES), idps)


async def enter(scene: Scene, browser: Browser, name: str) -> None:
    """Sign in at red as the hub user of that name."""
    scene.person("red", f"id of {name}", name)
    assert (await scene.sign_in(browser, "red")).status == 302
    assert await browser.hub_user() == name


async def with_link(scene: Scene, browser: Browser, name: str) -> None:
    """Somebody who has connected an account at blue."""
    await enter(scene, browser, name)
    scene.person("blue", f"blue {name}", f"{name}-blue")
    assert (await scene.connect(browser, "blue")).status == 302


async def act(browser: Browser, name: str, act: str, provider: str) -> Page:
    """Press a button of the page about a hub user, or do as if there were one."""
    await browser.open("/hub/connections")
    fields = {"_xsrf": browser.xsrf, "act": act, "provider": provider}
    return await browser.post(f"/hub/connections/hub-users/{name}", fields)


def last(scene: Scene) -> dict[str, str]:
    event = scene.events()[-1]
    return {name: str(event[name]) for name in ("kind", "reason", "actor", "hub_user", "provider") if name in event}


@pytest.mark.row("M10", "V12")
async def test_an_account_with_special_rights_connects_only_what_another_administrator_agrees_to(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "boss")
    page = await browser.open("/hub/connections")
    assert "an administrator has to agree" in page.text
    page = await browser.post("/hub/connections/blue/connect", {"_xsrf": browser.xsrf})
    assert page.status == 403
    assert last(scene)["reason"] == "consent_needed"
    page = await act(browser, "boss", "consent", "blue")
    assert (page.status, last(scene)["reason"]) == (403, "own_consent")
    await enter(scene, other_browser, "chief")
    page = await other_browser.open("/hub/connections/hub-users/boss")
    consent = next(form for form in page.forms if form.fields.get("provider") == "blue")
    page = await other_browser.submit(consent, act="consent")
    assert "may connect an account at The blue house" in (await other_browser.follow(page)).text
    assert last(scene) == {"kind": "consent_given", "actor": "chief", "hub_user": "boss", "provider": "blue"}
    scene.person("blue", "boss-blue", "bo")
    assert (await scene.connect(browser, "blue")).status == 302
    await act(browser, "boss", "disconnect", "blue")
    assert scene.identities_of("boss") == ["red:id of boss"]
    page = await browser.post("/hub/connections/blue/connect", {"_xsrf": browser.xsrf})
    assert last(scene)["reason"] == "consent_needed", "a consent counts once"


@pytest.mark.row("V12")
async def test_a_role_alone_counts_as_special_rights(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "helper")
    await browser.open("/hub/connections")
    assert (await browser.post("/hub/connections/blue/connect", {"_xsrf": browser.xsrf})).status == 403
    assert last(scene)["reason"] == "consent_needed"


@pytest.mark.row("M10")
async def test_an_administrator_disconnects_and_ends_the_sessions(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await with_link(scene, browser, "dora")
    await enter(scene, other_browser, "chief")
    page = await other_browser.open("/hub/connections/hub-users/dora")
    assert "dora-blue" in page.text
    disconnect = next(form for form in page.forms if form.fields.get("provider") == "blue")
    done = await other_browser.follow(await other_browser.submit(disconnect, act="disconnect"))
    assert "all sessions of this user have ended" in done.text
    assert last(scene) == {"kind": "disconnected", "actor": "chief", "hub_user": "dora", "provider": "blue"}
    assert scene.identities_of("dora") == ["red:id of dora"]
    assert await browser.hub_user() is None


@pytest.mark.row("M10")
async def test_an_administrator_changes_who_decides(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    await with_link(scene, browser, "emma")
    await enter(scene, other_browser, "chief")
    assert (await act(other_browser, "emma", "home", "blue")).status == 303
    assert last(scene) == {"kind": "home_changed", "actor": "chief", "hub_user": "emma", "provider": "blue"}
    page = await browser.open("/hub/connections")
    assert page.form("/red/disconnect")
    assert (await browser.post("/hub/connections/blue/disconnect", {"_xsrf": browser.xsrf})).status == 409
    assert (await browser.post("/hub/connections/red/disconnect", {"_xsrf": browser.xsrf})).status == 303
    await browser.sign_out()
    scene.person("blue", "blue emma", "emma-blue")
    await scene.sign_in(browser, "blue")
    assert await browser.hub_user() == "emma"


@pytest.mark.row("V12")
async def test_who_only_manages_users_gets_no_further(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    await with_link(scene, other_browser, "fanny")
    await enter(scene, browser, "helper")
    assert (await act(browser, "fanny", "home", "blue")).status == 403
    assert last(scene)["reason"] == "admins_only"
    await enter(scene, other_browser, "superior")
    for name in ("superior", "helper"):
        for what in ("disconnect", "home", "consent"):
            assert (await act(browser, name, what, "blue")).status == 403, (name, what)
            assert last(scene)["reason"] == "admins_only"
    assert (await act(browser, "fanny", "disconnect", "blue")).status == 303
    assert scene.identities_of("fanny") == ["red:id of fanny"]


@pytest.mark.row("V12")
async def test_the_page_is_for_those_whom_the_hub_lets_manage_that_user(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "pupil")
    await enter(scene, other_browser, "tutor")
    assert (await other_browser.open("/hub/connections/hub-users/pupil")).status == 200
    assert (await other_browser.open("/hub/connections?x=1")).form("/hub-users")
    for path in ("boss", "nobody-of-that-name"):
        assert (await other_browser.open(f"/hub/connections/hub-users/{path}")).status == 404
        assert (await act(other_browser, path, "disconnect", "blue")).status == 404
    assert (await browser.open("/hub/connections/hub-users/pupil")).status == 404
    with pytest.raises(LookupError):
        (await browser.open("/hub/connections")).form("/hub-users")
    found = await other_browser.open("/hub/connections/hub-users?name=pupil")
    assert found.path == "/hub/connections/hub-users/pupil"


@pytest.mark.row("M10", "M06")
async def test_administrators_too_sign_in_again_after_a_while(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await with_link(scene, browser, "gerda")
    await enter(scene, other_browser, "chief")
    other_browser.client.cookies.delete("hubauth_recent")
    page = await act(other_browser, "gerda", "disconnect", "blue")
    assert (page.status, last(scene)["reason"]) == (403, "sign_in_again")
    assert page.link("Sign in again with The red house")
    assert len(scene.identities_of("gerda")) == 2


@pytest.mark.row("7.4.5", "V12")
async def test_an_administrator_signs_somebody_out_and_nobody_less_does(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await enter(scene, browser, "helper")
    await enter(scene, other_browser, "superior")
    assert (await act(browser, "superior", "sign_out", "")).status == 403
    assert await other_browser.hub_user() == "superior"
    page = await act(other_browser, "helper", "sign_out", "")
    assert "All sessions of this user have ended." in (await other_browser.follow(page)).text
    assert last(scene) == {"kind": "sessions_ended", "actor": "superior", "hub_user": "helper"}
    assert await browser.hub_user() is None
