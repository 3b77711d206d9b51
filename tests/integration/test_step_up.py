"""Asking a source for more: what is offered and nothing else, and never less than what was granted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP
from hostile_idp.tokens import ABSENT

from .scene import Scene, config

OFFERED = {"blue": {"offered_scopes": ["repo", "gist"]}}
KEYS = {"JUPYTERHUB_CRYPT_KEY": "5a" * 32}
CONNECT = "/hub/connections/blue/connect"


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(shared_hub(config(idps, OFFERED), environment=KEYS), idps)


@pytest.fixture
def browser(new_browser: Callable[[Hub], Browser], scene: Scene) -> Browser:
    return new_browser(scene.hub)


async def enter(scene: Scene, browser: Browser, name: str) -> None:
    """Sign in at red, with somebody of the same name ready at blue."""
    scene.person("red", name, name)
    assert (await scene.sign_in(browser, "red")).status == 302
    scene.person("blue", f"{name}-blue", name)
    await browser.open("/hub/connections")


async def ask(browser: Browser, *scopes: str) -> Page:
    """Press "Connect" with these boxes ticked, whether there are such boxes or not."""
    fields: dict[str, object] = {"_xsrf": browser.xsrf, "scope": list(scopes)}
    return await browser.post(CONNECT, fields)  # type: ignore[arg-type]  # a field that comes several times


def asked_for(page: Page) -> set[str]:
    """What the source is asked for beside who somebody is."""
    return set(page.query["scope"].split()) - {"openid", "profile", "email"}


async def test_a_sign_in_asks_for_more_only_if_it_is_offered(scene: Scene, browser: Browser) -> None:
    assert asked_for(await browser.request("GET", "/hub/auth/blue/login")) == set()
    page = await browser.request("GET", "/hub/auth/blue/login?scope=repo+admin&scope=gist")
    assert asked_for(page) == {"repo", "gist"}
    assert asked_for(await browser.request("GET", "/hub/auth/red/login?scope=repo")) == set()


async def test_a_link_asks_for_what_was_ticked_and_is_offered(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "tick")
    assert asked_for(await ask(browser)) == set()
    assert asked_for(await ask(browser, "repo", "admin")) == {"repo"}


async def test_what_was_granted_is_kept_when_less_is_asked_for_later(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "keep")
    await browser.request("GET", scene.answer("blue", await ask(browser, "repo")))
    page = await browser.open("/hub/connections?connect=blue&scope=repo")
    assert "repo" in page.soup.select(".hubauth-facts")[1].get_text()
    assert "asks for something" not in page.text, "it is granted already"
    await browser.sign_out()
    await scene.sign_in(browser, "blue")
    page = await browser.open("/hub/connections")
    assert "repo" in page.soup.select(".hubauth-facts")[1].get_text(), "a sign-in with less took it away"
    assert asked_for(await ask(browser, "gist")) == {"repo", "gist"}


async def test_what_needs_a_new_sign_in_gets_it_with_one_press(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "dead")
    scene["blue"].tokens = {"expires_in": 0, "refresh_token": ABSENT}
    await browser.request("GET", scene.answer("blue", await ask(browser, "repo")))
    browser.client.cookies.delete("hubauth_recent")
    page = await browser.open("/hub/connections")
    assert "Needs a new sign-in" in page.text
    again = next(form for form in page.forms if form.url.endswith(CONNECT))
    scene["blue"].tokens = {}
    page = await browser.submit(again)
    assert asked_for(page) == {"repo"}
    page = await browser.follow(await browser.request("GET", scene.answer("blue", page)))
    assert "Needs a new sign-in" not in page.text
    assert scene.events()[-1]["kind"] == "reconnected"


@pytest.mark.row("R09")
async def test_what_was_disconnected_elsewhere_meanwhile_is_not_renewed(
    scene: Scene, browser: Browser, new_browser: Callable[[Hub], Browser]
) -> None:
    await enter(scene, browser, "meanwhile")
    await browser.request("GET", scene.answer("blue", await ask(browser)))
    begun, elsewhere = await ask(browser), new_browser(scene.hub)
    await enter(scene, elsewhere, "meanwhile")
    await elsewhere.post("/hub/connections/blue/disconnect", {"_xsrf": elsewhere.xsrf})
    assert scene.identities_of("red-meanwhile") == ["red:meanwhile"]
    page = await browser.request("GET", scene.answer("blue", begun))
    assert page.status == 403
    assert scene.identities_of("red-meanwhile") == ["red:meanwhile"]


async def test_who_signs_in_again_is_asked_by_the_source_whoever_it_knows(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "anew")
    browser.client.cookies.delete("hubauth_recent")
    page = await browser.open("/hub/connections")
    page = await browser.request("GET", page.link("Sign in again with The red house"))
    assert page.query["prompt"] == "login"
    assert "prompt" not in (await browser.request("GET", "/hub/auth/red/login")).query


async def test_what_a_source_grants_beside_is_not_asked_for(scene: Scene, browser: Browser) -> None:
    await enter(scene, browser, "much")
    granted = [f"https://source.example/auth/permission-{number:03}" for number in range(60)]  # no cookie holds them
    scene["blue"].tokens = {"scope": " ".join(["repo", *granted])}
    await browser.request("GET", scene.answer("blue", await ask(browser, "repo")))
    assert granted[-1] in (await browser.open("/hub/connections")).text
    assert asked_for(await ask(browser, "gist")) == {"repo", "gist"}


@newest_only
async def test_more_than_a_cookie_holds_is_refused_with_a_sentence(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: Callable[[Hub], Browser]
) -> None:
    offered = [f"https://source.example/auth/permission-{number:03}" for number in range(60)]
    scene = Scene(start_hub(config(idps, {"blue": {"offered_scopes": offered}}), KEYS), idps)
    browser = new_browser(scene.hub)
    await enter(scene, browser, "more")
    page = await ask(browser, *offered)
    assert (page.status, scene.events()[-1]["reason"]) == (400, "too_large")
    assert asked_for(await ask(browser, *offered[:3])) == set(offered[:3])
