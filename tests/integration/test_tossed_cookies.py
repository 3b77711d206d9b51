"""Cookies that another host of the same domain has set: host-only ones, where the hub's own are such."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub
from hostile_idp.server import HostileIdP
from hubauth_core.web.session import HOST_ONLY, MADE_WITH, OFFER, RECENT

from .scene import Rejection, Scene, config

NewBrowser = Callable[[Hub], Browser]
HARDENED = "c.JupyterHub.cookie_host_prefix_enabled = True\n"
LINKED = {"blue": {"first_login": "link"}}


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(shared_hub(config(idps, LINKED) + HARDENED), idps)


@pytest.fixture
def new(new_browser: NewBrowser, scene: Scene) -> Callable[[], Browser]:
    """Browsers that send what is for https alone over http as well, as the real ones do with this machine."""

    def browser() -> Browser:
        made = new_browser(scene.hub)

        async def send_them_all(response: httpx.Response) -> None:
            for cookie in made.client.cookies.jar:
                cookie.secure = False

        made.client.event_hooks = {"response": [send_them_all]}
        return made

    return browser


def toss(source: Browser, target: Browser) -> None:
    """Put our cookies of one browser into another one, as a host beside the hub can: under no host-only name."""
    for cookie in list(source.client.cookies.jar):
        if "hubauth" in cookie.name:
            name = cookie.name.removeprefix(HOST_ONLY)
            target.client.cookies.set(name, cookie.value or "", domain="127.0.0.1", path=cookie.path)


@pytest.mark.row("R03", "X17", "V28")
async def test_a_sign_in_that_another_browser_began_signs_nobody_in(scene: Scene, new: Callable[[], Browser]) -> None:
    theirs, mine = new(), new()
    scene.person("red", "tossing", "tossing")
    back = scene.answer("red", await scene.leave(theirs, "red"))
    toss(theirs, mine)
    async with Rejection(scene, mine, "state_unknown"):
        assert (await mine.request("GET", back)).status == 400
    assert (await theirs.request("GET", back)).status == 302
    assert await theirs.hub_user() == "red-tossing"


@pytest.mark.row("R09")
async def test_an_offer_of_another_browser_is_none(scene: Scene, new: Callable[[], Browser]) -> None:
    theirs, mine = new(), new()
    scene.person("blue", "tossed", "tossed")
    assert (await scene.sign_in(theirs, "blue")).status == 403
    scene.person("red", "ann", "ann")
    await scene.sign_in(mine, "red")
    toss(theirs, mine)
    assert "tossed" not in (await mine.open("/hub/connections")).text
    scene.person("red", "bob", "bob")
    await scene.sign_in(theirs, "red")
    assert "tossed" in (await theirs.open("/hub/connections")).text
    ours = {each.name for each in theirs.client.cookies.jar if "hubauth" in each.name}
    assert ours == {HOST_ONLY + RECENT, HOST_ONLY + MADE_WITH, HOST_ONLY + OFFER}, "what is over is dropped"
