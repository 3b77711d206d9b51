"""Sessions on a real hub: how they begin, how long they last, how people leave."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tornado.web import create_signed_value, decode_signed_value

from harness.browser import Browser
from harness.hub import Hub

from .scene import Scene

NewBrowser = Callable[[Hub], Browser]
HUB_COOKIE = "jupyterhub-hub-login"
FROM_ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


def secret_of(scene: Scene) -> bytes:
    return bytes.fromhex((scene.hub.directory / "jupyterhub_cookie_secret").read_text().strip())


def aged(scene: Scene, cookie: str, days: float) -> str:
    """The hub's cookie, as the hub set it so many days ago."""
    secret = secret_of(scene)
    value = decode_signed_value(secret, HUB_COOKIE, cookie.strip('"'))
    assert value
    return create_signed_value(secret, HUB_COOKIE, value, clock=lambda: time.time() - days * 86400).decode()


@pytest.mark.row("7.2.3", "P11")
async def test_a_session_is_a_long_random_secret_in_a_hardened_cookie(scene: Scene, browser: Browser) -> None:
    scene.person("red", "s-1", "sess-one")
    page = await scene.sign_in(browser, "red")
    [cookie] = [each for each in page.response.headers.get_list("set-cookie") if each.startswith(f"{HUB_COOKIE}=")]
    assert "HttpOnly" in cookie
    value = decode_signed_value(secret_of(scene), HUB_COOKIE, (browser.cookie(HUB_COOKIE) or "").strip('"'))
    assert value is not None
    assert len(value) >= 32  # hexadecimal, of uuid4 or more


@pytest.mark.row("7.3.2", "P11")
async def test_a_session_ends_after_its_time_whatever_is_done_in_it(scene: Scene, browser: Browser) -> None:
    scene.person("red", "s-2", "sess-two")
    await scene.sign_in(browser, "red")
    cookie = browser.cookie(HUB_COOKIE)
    assert cookie
    for days, user in ((13.9, "red-sess-two"), (14.1, None)):
        old = {"Cookie": f"{HUB_COOKIE}={aged(scene, cookie, days)}"}
        page = await browser.request("GET", "/hub/login", headers=old)
        assert not any(each.startswith(f'{HUB_COOKIE}="2|') for each in page.response.headers.get_list("set-cookie"))
        browser.client.cookies.clear()
        answer = await browser.request("GET", "/hub/home", headers=old)
        assert (answer.status == 200) is (user is not None)


@pytest.mark.row("7.2.4")
async def test_a_sign_in_makes_a_session_of_its_own(scene: Scene, browser: Browser) -> None:
    scene.person("red", "s-3", "sess-three")
    await scene.sign_in(browser, "red")
    first = browser.cookie("jupyterhub-session-id")
    await scene.sign_in(browser, "red")
    second = browser.cookie("jupyterhub-session-id")
    assert None not in (first, second)
    assert first != second
    assert await browser.hub_user() == "red-sess-three"
    scene.person("red", "s-4", "sess-four")
    await scene.sign_in(browser, "red")
    assert browser.cookie("jupyterhub-session-id") not in (first, second)
    assert await browser.hub_user() == "red-sess-four"


async def test_another_site_cannot_sign_anybody_out(scene: Scene, browser: Browser) -> None:
    scene.person("red", "s-5", "sess-five")
    await scene.sign_in(browser, "red")
    page = await browser.request("GET", "/hub/logout", headers=FROM_ELSEWHERE)
    assert (page.status, "Another site has sent you here" in page.text) == (200, True)
    assert await browser.hub_user() == "red-sess-five"
    forged = await browser.post("/hub/logout", {}, headers=FROM_ELSEWHERE)
    assert forged.status == 403
    assert await browser.hub_user() == "red-sess-five"
    await browser.submit(page.form("/hub/logout"))
    assert await browser.hub_user() is None


@pytest.mark.row("C41", "C42")
@pytest.mark.parametrize("query", ["", "?state=", "?state=another", "?state=a&state=b"])
async def test_nobody_comes_back_from_a_sign_out_that_was_not_begun(scene: Scene, browser: Browser, query: str) -> None:
    page = await browser.open(f"/hub/auth/red/logged-out{query}")
    assert (page.status, "logout_state" in page.text) == (400, True)


@pytest.mark.row("7.4.4")
@pytest.mark.parametrize("path", ["/hub/connections", "/hub/auth/red/logged-out", "/hub/home"])
async def test_every_page_shows_the_way_out(scene: Scene, browser: Browser, path: str) -> None:
    scene.person("red", "s-6", "sess-six")
    await scene.sign_in(browser, "red")
    page = await browser.open(path)
    assert page.link("/hub/logout")


@pytest.mark.row("7.6.2")
async def test_looking_at_a_page_signs_nobody_in(scene: Scene, browser: Browser) -> None:
    for path in ("/hub/", "/hub/login", "/hub/home", "/hub/auth/red/callback", "/hub/connections"):
        page = await browser.open(path)
        assert page.location is None
        assert not page.url.startswith(scene["red"].issuer)
        assert await browser.hub_user() is None
