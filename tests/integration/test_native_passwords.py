"""Passwords at a real hub: what the meter is told, what the form takes, and two hundred people at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from harness import hubs
from harness.browser import HEADERS, Browser
from harness.hub import Hub
from harness.hubs import StartHub

pytestmark = hubs.newest_only
NewBrowser = Callable[[Hub], Browser]

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "local": {
        "type": "native",
        "username_prefix": "",
        "signup": "open",
        "context_words": ["Quokkaversity"],
        "hash_queue": 60,
        "limits": {
            "sign_in": {"address": "", "overall": ""},
            "sign_up": {"address": "", "overall": ""},
            "strength": {"address": "40/m"},
        },
    },
}
"""
"""With hashes that cost what they cost at a real hub."""

GOOD = "a snail rode past me"
METER = "/hub/auth/local/password-strength"


@pytest.fixture
def hub(shared_hub: StartHub) -> Hub:
    return shared_hub(CONFIG)


@pytest.fixture
async def browser(new_browser: NewBrowser, hub: Hub) -> Browser:
    """A browser at the form of an applicant."""
    browser = new_browser(hub)
    await browser.open("/hub/auth/local/signup")
    return browser


async def sign_up(browser: Browser, name: str, password: str) -> tuple[int, str]:
    """Send the form; the status, and what the person reads."""
    page = await browser.open("/hub/auth/local/signup")
    sent = await browser.submit(page.form("signup"), username=name, password=password, password_again=password)
    page = await browser.follow(sent)
    return sent.status, page.text


@pytest.mark.row("6.2.4")
@pytest.mark.parametrize("password", ["kV8qLw", "quokkaversity2026", "passwordpassword", "annabel annabel", GOOD])
async def test_the_form_says_what_the_meter_says(browser: Browser, password: str) -> None:
    answer = await browser.post(METER, {"_xsrf": browser.xsrf, "password": password, "username": "annabel"})
    assert answer.status == 200
    shown = answer.response.json()
    status, text = await sign_up(browser, "annabel", password)
    if shown["ok"]:
        assert status == 303
    else:
        assert shown["words"] in text
        assert password not in text


@pytest.mark.parametrize("password", [None, "", "\0", "x" * 10_000, "🐈" * 300, "‮" * 20, "x" * 20_000])
async def test_the_meter_has_an_answer_to_everything(browser: Browser, password: str | None) -> None:
    fields = {} if password is None else {"password": password}
    answer = await browser.post(METER, {"_xsrf": browser.xsrf, **fields})
    assert answer.status in (200, 400, 403)
    assert not answer.response.json().get("ok")


async def test_the_meter_answers_its_own_pages_alone(browser: Browser) -> None:
    assert (await browser.post(METER, {"password": GOOD})).status == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert (await browser.post(METER, {"_xsrf": browser.xsrf, "password": GOOD}, headers=foreign)).status == 403
    assert (await browser.request("GET", METER, params={"password": GOOD})).status == 405


@pytest.mark.parametrize("raw", [b"password=%ff%fe", b"password=a&password=b"])
async def test_a_malformed_form_is_refused(browser: Browser, raw: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    content = b"_xsrf=" + browser.xsrf.replace("|", "%7C").encode() + b"&" + raw
    answer = await browser.request("POST", METER, content=content, headers=headers)
    assert 400 <= answer.status < 500


async def test_the_meter_can_be_asked_too_often(browser: Browser) -> None:
    asked = [await browser.post(METER, {"_xsrf": browser.xsrf, "password": "x"}) for _ in range(60)]
    refused = [each for each in asked if each.status == 429]
    assert refused
    assert int(refused[0].response.headers["Retry-After"]) > 0


@pytest.mark.row("S01")
async def test_two_hundred_sign_ins_at_once_neither_stop_the_hub_nor_each_other(hub: Hub, browser: Browser) -> None:
    form = (await browser.open("/hub/login")).form("/auth/local/login")
    limits = httpx.Limits(max_connections=220, max_keepalive_connections=220)
    cookies = browser.client.cookies
    async with httpx.AsyncClient(
        base_url=hub.direct_url, cookies=cookies, headers=HEADERS, limits=limits, timeout=120, trust_env=False
    ) as people:

        async def sign_in(number: int) -> int:
            fields = {**form.fields, "username": f"nobody{number}", "password": GOOD}
            address = form.url.replace(hub.url, hub.direct_url)
            return (await people.post(address, data=fields, headers={"Sec-Fetch-Site": "same-origin"})).status_code

        trying = asyncio.gather(*(sign_in(number) for number in range(200)))
        while not trying.done():
            assert (await people.get("/hub/health")).status_code == 200
        answers = Counter(await trying)
    assert set(answers) <= {403, 503}
    assert answers[403] >= 60
    assert answers[503]
    status, text = await sign_up(browser, "afterwards", GOOD)
    assert status == 303, text
