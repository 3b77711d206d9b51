"""Existing JupyterHub authenticators as providers of a real hub, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from oauthlib import oauth1

from harness import hubs
from harness.browser import Browser, Page
from harness.hub import Hub
from hostile_idp.server import HostileIdP
from hostile_idp.tokens import ABSENT

CONFIG = Path(__file__).with_name("wrapped_config.py").read_text()
KEYS = {"JUPYTERHUB_CRYPT_KEY": "5a" * 32}

IdPs = dict[str, HostileIdP]


@pytest.fixture
def text(idps: IdPs) -> str:
    return f"HOUSES = { {name: idp.issuer for name, idp in idps.items()}!r}\n{CONFIG}"


@pytest.fixture
def hub(shared_hub: hubs.StartHub, text: str) -> Hub:
    return shared_hub(text, environment=KEYS)


@pytest.fixture
def browser(new_browser: Callable[[Hub], Browser], hub: Hub) -> Browser:
    return new_browser(hub)


@pytest.fixture
def other_browser(new_browser: Callable[[Hub], Browser], hub: Hub) -> Browser:
    return new_browser(hub)


def person(idp: HostileIdP, subject: str, username: str) -> None:
    idp.userinfo = {"sub": subject, "preferred_username": username, "email": f"{username}@example.org"}


async def leave(browser: Browser, provider: str, next_url: str = "") -> Page:
    """From the button to the redirect to the source."""
    page = await browser.begin(provider, next_url=next_url)
    assert page.location is not None
    assert f"/hub/auth/{provider}/oauth_login" in page.location
    return await browser.request("GET", page.location)


def answer(idp: HostileIdP, page: Page, **changes: object) -> str:
    assert page.location
    assert page.location.startswith(f"{idp.issuer}/authorize")
    return f"{page.query['redirect_uri']}?{urlencode(idp.sign_in(page.location, **changes), doseq=True)}"


async def sign_in(browser: Browser, idp: HostileIdP, provider: str, next_url: str = "") -> Page:
    return await browser.request("GET", answer(idp, await leave(browser, provider, next_url)))


async def test_all_ways_in_stand_on_the_page(hub: Hub, browser: Browser) -> None:
    page = await browser.open("/hub/login")
    assert page.status == 200
    for provider in ("dummy", "pam", "witness"):
        assert {"username", "password"} <= set(page.form(f"/auth/{provider}/login").fields)
    for provider in ("red", "blue", "header", "rogue", "pages"):
        assert page.link(f"/auth/{provider}/login")
    assert "The red house" in page.text


@pytest.mark.row("C01", "V39", "B4", "R07")
async def test_two_wrapped_oauthenticators_at_once_in_one_browser(hub: Hub, browser: Browser, idps: IdPs) -> None:
    person(idps["red"], "1", "tess")
    person(idps["blue"], "1", "tess")
    red, blue = await leave(browser, "red", "/hub/token"), await leave(browser, "blue")
    assert red.query["redirect_uri"] == f"{hub.url}/hub/auth/red/oauth_callback"
    assert blue.query["redirect_uri"] == f"{hub.url}/hub/auth/blue/oauth_callback"
    end = await browser.request("GET", answer(idps["red"], red))
    assert end.status == 302, end.text
    assert end.location == f"{hub.url}/hub/token"
    assert await browser.hub_user() == "red-tess"
    await browser.request("GET", answer(idps["blue"], blue))
    assert await browser.hub_user() == "blue-tess"


@pytest.mark.row("R01")
async def test_answer_of_one_provider_at_the_other(browser: Browser, idps: IdPs, hub: Hub) -> None:
    asked = idps["blue"].count("/token") + idps["red"].count("/token")
    await leave(browser, "blue")
    stolen = answer(idps["red"], await leave(browser, "red")).replace("/auth/red/", "/auth/blue/")
    page = await browser.request("GET", stolen)
    assert page.status == 400
    assert idps["blue"].count("/token") + idps["red"].count("/token") == asked
    assert await browser.hub_user() is None


@pytest.mark.row("V36", "V16")
async def test_renamed_at_the_source_and_the_name_taken_over(
    browser: Browser, other_browser: Browser, idps: IdPs
) -> None:
    person(idps["red"], "w36", "renee")
    await sign_in(browser, idps["red"], "red")
    person(idps["red"], "w36", "renee-new")
    await sign_in(browser, idps["red"], "red")
    assert await browser.hub_user() == "red-renee"
    person(idps["red"], "w36-stranger", "renee")
    page = await sign_in(other_browser, idps["red"], "red")
    assert page.status == 403
    assert "taken" in page.text
    assert page.link("/auth/red/login")
    assert await other_browser.hub_user() is None


@pytest.mark.row("B3", "R06", "F01")
async def test_a_source_that_fails_shows_no_code_and_no_token(hub: Hub, browser: Browser, idps: IdPs) -> None:
    person(idps["red"], "x", "xaver")
    idps["red"].tokens = {"access_token": ABSENT, "canary": "c4n4ry"}
    callback = answer(idps["red"], await leave(browser, "red"))
    page = await browser.request("GET", callback)
    assert page.status == 503
    assert "The red house does not answer" in page.text
    assert "c4n4ry" not in page.html
    assert page.response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.response.headers["Cache-Control"]
    assert await browser.hub_user() is None


async def test_next_that_leaves_the_hub_is_dropped(hub: Hub, browser: Browser, idps: IdPs) -> None:
    person(idps["red"], "n", "nora")
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "/hub/%0d%0ahome"):
        page = await browser.request("GET", "/hub/auth/red/oauth_login?" + urlencode({"next": evil}))
        end = await browser.request("GET", answer(idps["red"], page))
        assert end.status == 302
        assert end.location is not None
        assert end.location.startswith(hub.url)


@pytest.mark.row("V13")
async def test_a_next_that_wrapped_code_does_not_look_at_stays_on_the_hub(hub: Hub, browser: Browser) -> None:
    form = (await browser.open("/hub/auth/pages/own/login")).form("own/login")
    await browser.submit(form, username="nick", password="pw")
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "/hub/\r\nhome"):
        page = await browser.request("GET", "/hub/auth/pages/own/login?" + urlencode({"to": evil}))
        assert page.status == 302, page.text
        assert page.location is not None
        assert page.location.startswith(f"{hub.url}/")


@pytest.mark.row("B4")
async def test_forms_side_by_side_each_with_its_own_rules(hub: Hub, browser: Browser, other_browser: Browser) -> None:
    await browser.sign_in_with_form("dummy", "ann", "pw")
    assert await browser.hub_user() == "dummy-ann", "the hub's username_map reached the wrapped one"
    await other_browser.sign_in_with_form("pam", "daemon", "password of daemon")
    assert await other_browser.hub_user() == "pam-daemon"


async def test_a_form_in_markup_of_its_own(browser: Browser) -> None:
    for badge, status in [("b-1", 403), ("b-7", 302)]:
        page = await browser.open("/hub/login")
        end = await browser.submit(page.form("/auth/badges/login"), username="bea", badge=badge)
        assert end.status == status, end.text
    assert await browser.hub_user() == "badges-bea"


async def test_wrong_password_and_not_allowed_are_told_apart(browser: Browser) -> None:
    """The hub's own `allow_all` does not reach the wrapped ones."""
    page = await browser.sign_in_with_form("pam", "daemon", "guess")
    assert page.status == 403
    assert "Invalid username or password" in page.text
    page = await browser.sign_in_with_form("pam", "nobody", "password of nobody")
    assert page.status == 403
    assert "does not let you in" in page.text
    page = await browser.sign_in_with_form("dummy", "blocked", "pw")
    assert page.status == 403
    assert await browser.hub_user() is None


async def test_admins_are_told_by_their_own_names(hub: Hub, browser: Browser, other_browser: Browser) -> None:
    await browser.sign_in_with_form("dummy", "chief", "pw")
    model = await hub.user("dummy-chief")
    assert model is not None
    assert model["admin"], "the wrapped one's own admin"
    await other_browser.sign_in_with_form("dummy", "boss", "pw")
    model = await hub.user("dummy-boss")
    assert model is not None
    assert model["admin"], "an admin of the hub by hub name"
    assert await other_browser.sign_out()
    await other_browser.sign_in_with_form("witness", "boss", "pw")
    model = await hub.user("witness-boss")
    assert model is not None
    assert not model["admin"]


@pytest.mark.row("X17", "V11")
async def test_a_form_from_elsewhere_signs_nobody_in(browser: Browser) -> None:
    data = {"username": "ann", "password": "pw"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Mode": "no-cors"}):
        page = await browser.post("/hub/auth/dummy/login", data, headers=headers)
        assert page.status == 403
    assert await browser.hub_user() is None


async def test_calls_about_a_user_reach_the_source_with_its_own_name(hub: Hub, browser: Browser) -> None:
    await browser.sign_in_with_form("witness", "wanda", "pw")
    assert "witness add_user wanda\n" in hub.log
    server = await browser.server("witness-wanda")
    assert server["environment"]["FROM_THE_SOURCE"] == "wanda"
    assert server["environment"]["STATE"] == "at sign-in"
    await hub.api("DELETE", "/users/witness-wanda/server")
    await asyncio.to_thread(hub.process.wait_until, lambda: "witness post_spawn_stop wanda\n" in hub.log)
    assert (await hub.api("DELETE", "/users/witness-wanda")).status_code == 204
    assert "witness delete_user wanda\n" in hub.log


@pytest.mark.row("F12")
async def test_after_a_restart_refresh_finds_what_the_source_kept(
    start_hub: hubs.StartHub, text: str, new_browser: Callable[[Hub], Browser], idps: IdPs
) -> None:
    hub = start_hub(text, environment=KEYS)
    people = [new_browser(hub) for _ in range(3)]
    await people[0].sign_in_with_form("witness", "rita", "pw")
    await people[0].server("witness-rita")
    await people[1].sign_in_with_form("witness", "dropped", "pw")
    person(idps["red"], "r", "ruth")
    await sign_in(people[2], idps["red"], "red")
    token = idps["red"].last("/userinfo").headers["Authorization"]
    assert not hub.files_with(token.removeprefix("Bearer ")), "the token lies open"
    asked = idps["red"].count("/userinfo")
    hub.restart()
    assert hub.log.count("witness add_user rita\n") == 2, "known users are announced at start"
    assert await people[0].hub_user() == "witness-rita"
    assert "witness refresh_user rita before the server\n" in hub.log
    assert await people[1].hub_user() is None
    assert await people[2].hub_user() == "red-ruth"
    assert idps["red"].count("/userinfo") == asked + 1
    assert idps["red"].last("/userinfo").headers["Authorization"] == token


async def test_sign_in_by_a_header_of_the_request(hub: Hub, browser: Browser, other_browser: Browser) -> None:
    page = await browser.begin("header", next_url="/hub/token")
    assert page.location
    end = await browser.request("GET", page.location, headers={"X-Remote-User": "Hanna"})
    assert end.location == f"{hub.url}/hub/token"
    assert await browser.hub_user() == "header-hanna"
    assert (await other_browser.request("GET", page.location)).status == 403


@pytest.mark.parametrize("path", ["own/login", "second", "third?victim=dummy-victor"])
async def test_code_that_goes_past_our_rules_signs_nobody_in(
    hub: Hub, browser: Browser, other_browser: Browser, path: str
) -> None:
    await other_browser.sign_in_with_form("dummy", "victor", "pw")
    page = await browser.request("GET", f"/hub/auth/rogue/{path}")
    assert page.status == 500
    assert await browser.hub_user() is None
    assert await hub.user("root") is None


@pytest.mark.row("V11")
async def test_a_sign_in_page_of_its_own(hub: Hub, browser: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    page = await browser.open("/hub/auth/pages/login?" + urlencode({"next": "/hub/token"}))
    assert page.path == "/hub/auth/pages/own/login"
    shown = await browser.open("/hub/auth/pages/own/login?" + urlencode({"username": evil}))
    assert "<script>alert(1)" not in shown.html
    end = await browser.submit(page.form("own/login"), username="paula", password="pw")
    assert end.location == f"{hub.url}/hub/token", end.text
    assert await browser.hub_user() == "pages-paula"
    who = (await browser.request("GET", "/hub/auth/pages/who")).response
    assert who.json() == {"user": "pages-paula", "class": "OwnPages", "same": True}
    cookies = who.headers.get_list("set-cookie")
    assert len([each for each in cookies if "source-pages-" in each and "Path=/hub/auth/pages/" in each]) == 2


def launch(url: str, secret: str, **fields: str) -> dict[str, str]:
    """The form with which a learning platform opens the hub, signed as LTI 1.1 wants it."""
    fields |= {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "resource_link_id": "course"}
    client = oauth1.Client("campus", secret, signature_type=oauth1.SIGNATURE_TYPE_BODY)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _, _, body = client.sign(url, "POST", urlencode(fields), headers)
    return dict(parse_qsl(body))


async def test_a_learning_platform_opens_the_hub(hub: Hub, browser: Browser, other_browser: Browser) -> None:
    button = await browser.begin("lti")
    assert button.status == 403
    assert "open this hub from there" in button.text
    url = f"{hub.url}/hub/auth/lti/lti/launch"
    person = {"user_id": "4711", "lis_person_sourcedid": "Lea"}
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    page = await browser.post(url, launch(url, "campus-secret", **person), headers=cross_site)
    assert page.status == 302, page.text
    assert await browser.hub_user() == "lti-lea"
    forged = await other_browser.post(url, launch(url, "another-secret", **person), headers=cross_site)
    assert forged.status in range(400, 500)
    assert await other_browser.hub_user() is None


@pytest.mark.row("V10")
async def test_signing_out_reaches_the_wrapped_one_and_ends_on_its_page(hub: Hub, browser: Browser) -> None:
    await browser.sign_in_with_form("leaver", "lou", "pw")
    end = await browser.sign_out()
    assert "leaving lou {'kept': 'to leave'}\n" in hub.log
    assert (end.path, end.html) == ("/hub/auth/leaver/logout", "goodbye")
    assert await browser.hub_user() is None


@pytest.mark.row("V10")
async def test_a_wrapped_logout_page_signs_out_at_the_hub(hub: Hub, browser: Browser, idps: IdPs) -> None:
    person(idps["red"], "o", "otto")
    await sign_in(browser, idps["red"], "red")
    page = await browser.request("GET", "/hub/auth/red/logout")
    assert page.location == f"{hub.url}/hub/logout"
    await browser.request("GET", page.location)
    assert await browser.hub_user() is None


@pytest.mark.row("M10")
async def test_a_form_of_a_wrapped_one_carries_a_link_and_a_page_of_its_own_does_not(
    hub: Hub, browser: Browser, idps: IdPs
) -> None:
    person(idps["red"], "lena", "lena")
    await sign_in(browser, idps["red"], "red")
    page = await browser.open("/hub/connections")
    assert "not to be connected: The blue house, header, rogue" in page.text
    with pytest.raises(LookupError):
        page.form("/connections/blue/connect")
    assert (await browser.post("/hub/connections/blue/connect", {"_xsrf": browser.xsrf})).status == 409
    form = await browser.submit(page.form("/connections/witness/connect"))
    done = await browser.submit(form.form("/auth/witness/login"), username="lena-there", password="any")
    assert "witness is connected." in (await browser.follow(done)).text
    assert "witness add_user lena-there" in hub.log
    await browser.sign_out()
    await browser.sign_in_with_form("witness", "lena-there", "any")
    assert await browser.hub_user() == "red-lena"
