"""What becomes of somebody new, by the provider's policy: a name to choose, an account to connect, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.browser import Browser, Page
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .scene import Scene, config

pytestmark = newest_only

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "red": {},
    "pick": {
        "first_login": "choose",
        "username_prefix": "",
        "username_map": {"minna": "mapped"},
        "admin_users": ["chief"],
    },
    "other": {"first_login": "choose"},
    "joined": {"first_login": "link"},
    "closed": {"first_login": "refuse"},
    "shut": {"first_login": "link", "linkable": False},
}
NAMES = """
c.Authenticator.allowed_users = {"listed", "closed-known", "joined-known"}
c.Authenticator.admin_users = {"boss"}
c.Authenticator.blocked_users = {"blocked"}
c.Authenticator.username_map = {"x": "mapped-hub-wide"}
c.JupyterHub.load_roles.append({"name": "helper", "scopes": ["list:users"], "users": ["with-role"]})
c.JupyterHub.load_groups = {"g": {"users": ["in-group"]}}
c.JupyterHub.services.append({"name": "a-service"})
"""
FIELD = "hub_username"


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    houses = {name: idps["red" if name in {"red", "closed"} else "blue"] for name in OPTIONS}
    return Scene(shared_hub(config(houses, OPTIONS) + NAMES), houses)


async def arrive(scene: Scene, browser: Browser, provider: str, subject: str, username: str) -> Page:
    """Sign in as somebody; where the callback leads."""
    scene.person(provider, subject, username)
    return await scene.sign_in(browser, provider)


async def choose(browser: Browser, page: Page, name: str) -> Page:
    return await browser.submit(page.form("/login"), **{FIELD: name})


async def test_somebody_new_chooses_a_name_and_keeps_it(scene: Scene, browser: Browser) -> None:
    page = await arrive(scene, browser, "pick", "1", "Quentin")
    assert page.status == 200
    assert page.form("/auth/pick/login").fields[FIELD] == "quentin"
    assert await browser.hub_user() is None
    assert "quentin" not in await scene.hub.user_names()
    page = await choose(browser, page, " Q-the-first ")
    assert page.status == 302, page.text
    assert await browser.hub_user() == "q-the-first"
    await browser.sign_out()
    assert (await arrive(scene, browser, "pick", "1", "Quentin")).status == 302
    assert await browser.hub_user() == "q-the-first"


async def test_the_name_is_chosen_behind_the_prefix(scene: Scene, browser: Browser) -> None:
    page = await arrive(scene, browser, "other", "1", "olaf")
    assert "'other-'" in page.text
    await choose(browser, page, "admin")
    assert await browser.hub_user() == "other-admin"


@pytest.mark.row("V38", "V39")
@pytest.mark.parametrize(
    "taken",
    [
        "listed", "boss", "blocked", "mapped", "mapped-hub-wide", "with-role", "in-group", "a-service", "services",
        "harness", "chief", "present", "Boss", "ｂｏｓｓ", "b\u043ess", "red-x", "x/y", "", "..", "n" * 300, "a\u200bb",
    ],
)  # fmt: skip
async def test_a_name_that_stands_anywhere_is_not_free(
    scene: Scene, browser: Browser, other_browser: Browser, taken: str
) -> None:
    if taken == "present":
        await scene.hub.api("POST", "/users/present")
    page = await arrive(scene, browser, "pick", f"taken {taken[:50]}", "somebody")
    before = await scene.hub.user_names()
    page = await choose(browser, page, taken)
    assert page.status == 200
    assert page.soup.select_one("main [role=alert]") is not None
    assert await browser.hub_user() is None
    assert await scene.hub.user_names() == before
    assert (await choose(browser, page, f"free{abs(hash(taken))}")).status == 302, "one more try leads on"


@pytest.mark.row("V38")
async def test_a_taken_name_is_not_proposed_and_whose_it_is_not_told(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    await choose(other_browser, await arrive(scene, other_browser, "pick", "own", "vivian"), "vivian")
    page = await arrive(scene, browser, "pick", "own2", "vivian")
    assert page.form("/auth/pick/login").fields[FIELD] == ""
    assert "taken" in page.text


@pytest.mark.row("F19")
async def test_of_two_who_choose_one_name_at_once_the_second_chooses_again(
    scene: Scene, browser: Browser, other_browser: Browser
) -> None:
    first = await arrive(scene, browser, "pick", "twin1", "twin1")
    second = await arrive(scene, other_browser, "pick", "twin2", "twin2")
    assert (await choose(browser, first, "twin")).status == 302
    page = await choose(other_browser, second, "twin")
    assert page.status == 200
    assert "taken" in page.text
    assert await other_browser.hub_user() is None


async def test_names_are_not_tried_without_end(scene: Scene, browser: Browser) -> None:
    page = await arrive(scene, browser, "pick", "prober", "prober")
    for _ in range(10):
        page = await choose(browser, page, "boss")
        assert page.status == 200
    page = await choose(browser, page, "boss")
    assert page.status == 429
    assert scene.events()[-1]["reason"] == "too_many_attempts"


@pytest.mark.row("R09", "V28")
async def test_the_form_for_a_name_is_this_browsers(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    page = await arrive(scene, browser, "pick", "mine", "mine")
    form = page.form("/auth/pick/login")
    await other_browser.open("/hub/login")
    stolen = await other_browser.post(form.url, dict(form.fields) | {"_xsrf": other_browser.xsrf, FIELD: "stolen"})
    assert stolen.status == 400
    assert await other_browser.hub_user() is None
    assert "stolen" not in await scene.hub.user_names()


async def test_whom_the_administrator_wrote_down_needs_no_choice(scene: Scene, browser: Browser) -> None:
    assert (await arrive(scene, browser, "pick", "listed", "listed")).status == 302
    assert await browser.hub_user() == "listed"


async def test_a_provider_may_let_nobody_new_in(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    page = await arrive(scene, browser, "closed", "new", "new")
    assert page.status == 403
    assert scene.events()[-1]["reason"] == "first_login_refused"
    assert "Is that you?" not in page.text
    page = await arrive(scene, browser, "closed", "new2", "listed")
    assert scene.events()[-1]["reason"] == "first_login_refused", "whether a name is taken is nobody's business"
    assert (await arrive(scene, other_browser, "closed", "known", "known")).status == 302
    assert await other_browser.hub_user() == "closed-known"


async def test_who_may_only_connect_signs_in_another_way_first(scene: Scene, browser: Browser) -> None:
    page = await arrive(scene, browser, "joined", "j", "joan")
    assert page.status == 403
    assert scene.events()[-1]["reason"] == "first_login_link"
    assert "joined-joan" not in await scene.hub.user_names()
    page = await browser.open(page.link("Sign in the way you did before"))
    begun = await browser.request("GET", page.link("/auth/red/login"))
    scene.person("red", "j-red", "joan")
    page = await browser.follow(await browser.request("GET", scene.answer("red", begun)))
    assert "Is that you?" in page.text
    await browser.submit(page.form("/connections/offer"), answer="yes")
    await browser.sign_out()
    assert (await arrive(scene, browser, "joined", "j", "joan")).status == 302
    assert await browser.hub_user() == "red-joan"


async def test_who_may_not_even_connect_is_offered_nothing(scene: Scene, browser: Browser) -> None:
    page = await arrive(scene, browser, "shut", "s", "sue")
    assert page.status == 403
    assert "Is that you?" not in page.text
    assert "hubauth_offer" not in browser.client.cookies
    await arrive(scene, browser, "red", "sue", "sue")
    page = await browser.open("/hub/connections")
    with pytest.raises(LookupError):
        page.form("/connections/shut/connect")
    page = await browser.post("/hub/connections/shut/connect", {"_xsrf": browser.xsrf})
    assert (page.status, scene.events()[-1]["reason"]) == (409, "not_linkable")
