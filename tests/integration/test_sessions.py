"""Sessions on a real hub: how they begin, how long they last, how people leave."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from tornado.web import create_signed_value, decode_signed_value

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp import HostileIdP

from .scene import Scene, config

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


class Administrator:
    """A program with the rights of an administrator over people's sessions and identities."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def ask(self, method: str, path: str, token: str = "token-of-keeper") -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": f"token {token}"}
            return await client.request(method, f"{self.hub.direct_url}/hub/api/hubauth{path}", headers=headers)


KEEPER = """
c.JupyterHub.services += [
    {"name": "keeper", "api_token": "token-of-keeper"}, {"name": "other", "api_token": "token-of-other"}
]
scopes = ["custom:hubauth:identities:read", "custom:hubauth:identities:disconnect", "custom:hubauth:sessions:end"]
c.JupyterHub.load_roles += [
    {"name": "keeper", "scopes": scopes, "services": ["keeper"]},
    {"name": "one", "scopes": [f"{scope}!user=red-adm-one" for scope in scopes], "services": ["other"]},
]
"""


@pytest.fixture
def kept(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(shared_hub(config(idps, {"red": {"admin_users": ["adm-boss"]}}) + KEEPER), idps)


@newest_only
@pytest.mark.row("7.4.5", "M18")
async def test_an_administrator_ends_the_sessions_of_one_and_of_all(kept: Scene, new_browser: NewBrowser) -> None:
    keeper, one, two = Administrator(kept.hub), new_browser(kept.hub), new_browser(kept.hub)
    for browser, name in ((one, "adm-one"), (two, "adm-two")):
        kept.person("red", name, name)
        await kept.sign_in(browser, "red")
    token = (await kept.hub.api("POST", "/users/red-adm-one/tokens")).json()["token"]
    assert (await keeper.ask("DELETE", "/users/red-adm-two/sessions", "token-of-other")).status_code == 404
    assert (await keeper.ask("DELETE", "/sessions", "token-of-other")).status_code == 403
    assert (await keeper.ask("DELETE", "/users/red-adm-one/sessions", token)).status_code == 403
    assert (await keeper.ask("DELETE", "/users/nobody/sessions")).status_code == 404
    assert (await keeper.ask("DELETE", "/users/red-adm-one/sessions?also=x")).status_code == 400
    assert await one.hub_user() == "red-adm-one"
    answer = await keeper.ask("DELETE", "/users/red-adm-one/sessions")
    assert answer.json() == {"user": "red-adm-one", "ended": ["sessions"]}
    assert (await one.hub_user(), await two.hub_user()) == (None, "red-adm-two")
    api = {"Authorization": f"token {token}"}
    assert (await one.request("GET", "/hub/api/user", headers=api)).status == 200
    answer = await keeper.ask("DELETE", "/users/red-adm-one/sessions?also=tokens")
    assert answer.json()["ended"] == ["sessions", "tokens"]
    assert (await one.request("GET", "/hub/api/user", headers=api)).status == 403
    assert (await keeper.ask("DELETE", "/sessions")).json()["ended"] == ["sessions"]
    assert await two.hub_user() is None
    kept.person("red", "adm-boss", "adm-boss")
    await kept.sign_in(one, "red")
    assert (await keeper.ask("DELETE", "/users/red-adm-boss/sessions")).json()["error"] == "admins_only"
    await keeper.ask("DELETE", "/sessions")
    assert await one.hub_user() == "red-adm-boss", "whose sessions take an administrator"
    assert [event["actor"] for event in kept.events() if event["kind"] == "sessions_ended"] == ["service:keeper"] * 4


@newest_only
@pytest.mark.row("M19")
async def test_identities_are_listed_and_disconnected_by_programs(kept: Scene, new_browser: NewBrowser) -> None:
    keeper, browser = Administrator(kept.hub), new_browser(kept.hub)
    for provider in ("red", "blue"):
        kept.person(provider, "adm-3", "adm-three")
    await kept.sign_in(browser, "red")
    await kept.connect(browser, "blue")
    listed = (await keeper.ask("GET", "/users/red-adm-three/identities")).json()["identities"]
    assert [(each["provider"], each["subject"], each["home"]) for each in listed] == [
        ("red", "adm-3", True),
        ("blue", "adm-3", False),
    ]
    path = "/users/red-adm-three/identities"
    assert (await keeper.ask("DELETE", f"{path}/blue", "token-of-other")).status_code == 404
    assert (await keeper.ask("DELETE", f"{path}/red")).status_code == 409
    assert (await keeper.ask("DELETE", f"{path}/green")).status_code == 404
    assert (await keeper.ask("DELETE", f"{path}/blue")).json()["disconnected"]["provider"] == "blue"
    assert await browser.hub_user() is None
    assert kept.identities_of("red-adm-three") == ["red:adm-3"]


@newest_only
@pytest.mark.row("10.3.1")
async def test_a_cookie_ends_nothing_there(kept: Scene, new_browser: NewBrowser) -> None:
    browser = new_browser(kept.hub)
    kept.person("red", "adm-4", "adm-four")
    await kept.sign_in(browser, "red")
    for path in ("users/red-adm-four/sessions", "sessions", "users/red-adm-four/identities/red"):
        page = await browser.request("DELETE", f"/hub/api/hubauth/{path}", headers={"X-XSRFToken": browser.xsrf})
        assert page.status == 403
    assert await browser.hub_user() == "red-adm-four"
