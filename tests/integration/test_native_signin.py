"""Signing in to accounts of the hub's own, over HTTP: who gets in, what everybody else is told, limits that hold."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.mail_scene import NAME, PASSWORD, MailScene
from hostile_idp.server import HostileIdP

from .native_hub import config
from .scene import Scene

NewBrowser = Callable[[Hub], Browser]
LIMITS: Mapping[str, Any] = {"limits": {"sign_in": {"account": "5/h", "address": "100000/m", "overall": "100000/m"}}}
LOGIN = f"/hub/auth/{NAME}/login"
NEW = "another walk, along the river"


@pytest.fixture
def scene(shared_hub: StartHub) -> MailScene:
    """A hub that other tests use too; people are the test's own."""
    return MailScene(shared_hub(config(None, **LIMITS)))


@pytest.fixture
def visitor(new_browser: NewBrowser, scene: MailScene) -> Callable[[], Browser]:
    """`visitor()`: one more browser that shares nothing with any other."""
    return lambda: new_browser(scene.hub)


def name() -> str:
    """A name that no other test has; all are of one length."""
    return f"p{uuid.uuid4().hex[:10]}"


async def attempt(browser: Browser, username: str, password: str, **headers: str) -> Page:
    """Send the form of the sign-in page, and stay where that leads."""
    page = await browser.open("/hub/login", headers=headers)
    fields = dict(page.form(LOGIN).fields) | {"username": username, "password": password}
    return await browser.post(LOGIN, fields, headers=headers)


def answer(page: Page, username: str) -> tuple[Any, ...]:
    """All of an answer, without what is new in each: the form's token, the cookies' values, the name that was typed."""
    html = page.html.replace(username, "NAME")
    html = re.sub(r'(name="_xsrf" value=|xsrf_token: )"[^"]*"', r'\1"TOKEN"', html)
    left_out = {"date", "etag", "set-cookie"}
    headers = sorted((key, value) for key, value in page.response.headers.items() if key not in left_out)
    cookies = sorted(each.partition("=")[0] for each in page.response.headers.get_list("set-cookie"))
    return page.status, headers, cookies, html


async def test_a_name_and_a_password_sign_in_and_the_address_does_too(
    scene: MailScene, visitor: Callable[[], Browser]
) -> None:
    ann = name()
    account = scene.add(ann)
    for typed in (ann, ann.upper(), f"{ann}@PEOPLE.test"):
        browser = visitor()
        page = await scene.sign_in(browser, typed)
        assert page.status == 200
        assert await browser.hub_user() == ann
    event = scene.events("login")[-1]
    assert (event["subject"], event["hub_user"]) == (account.id, ann)
    assert scene.account(ann).last_sign_in_at is not None


@pytest.mark.row("S03", "6.3.8", "M07")
async def test_the_answer_to_whatever_is_wrong_is_the_same_to_the_byte(
    scene: MailScene, visitor: Callable[[], Browser]
) -> None:
    ann, waits, closed, lost = (name() for _ in range(4))
    scene.add(ann)
    scene.add(waits, status="pending")
    scene.add(closed, status="inactive")
    scene.add(lost, password=None)
    attempts = [(ann, "wrong"), (name(), PASSWORD), (waits, PASSWORD), (closed, PASSWORD), (lost, PASSWORD)]
    answers = [answer(await attempt(visitor(), who, password), who) for who, password in attempts]
    assert answers[0][0] == 403
    for each in answers[1:]:
        assert each == answers[0]


@newest_only
@pytest.mark.row("S04", "6.3.1", "V09", "S03")
async def test_who_guesses_is_made_to_wait_also_after_a_restart(start_hub: StartHub, new_browser: NewBrowser) -> None:
    scene = MailScene(start_hub(config(None, **LIMITS)))
    ann, nobody = name(), name()
    scene.add(ann)
    browser = new_browser(scene.hub)
    for who in (ann, nobody):
        pages = [await attempt(browser, who, "wrong") for _ in range(6)]
        assert [page.status for page in pages] == [403] * 5 + [429]
        assert int(pages[-1].response.headers["Retry-After"]) >= 1
        assert "Wait for" in pages[-1].text
    known, unknown = [await attempt(browser, who, "wrong") for who in (ann, nobody)]
    assert (known.status, known.text) == (unknown.status, unknown.text.replace(nobody, ann))
    scene.hub.restart()
    # A new hub that has forgotten would let five in; this one, at most whoever has waited for it.
    pages = [await attempt(new_browser(scene.hub), ann, "wrong") for _ in range(3)]
    assert pages[-1].status == 429


@newest_only
@pytest.mark.row("S04")
async def test_an_address_is_what_the_hub_believes_and_not_what_a_header_says(
    start_hub: StartHub, new_browser: NewBrowser
) -> None:
    limits = {"sign_in": {"address": "3/h", "account": "1000/m"}}
    scene = MailScene(start_hub(config(None, limits=limits)))
    statuses = []
    for number in range(6):
        headers = {"X-Forwarded-For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"}
        statuses.append((await attempt(new_browser(scene.hub), name(), "wrong", **headers)).status)
    assert statuses == [403] * 3 + [429] * 3


@newest_only
@pytest.mark.row("S04", "6.1.1")
async def test_the_owner_gets_in_during_an_attack_with_a_browser_that_is_known(
    scene: MailScene, visitor: Callable[[], Browser]
) -> None:
    ann, browser = name(), visitor()
    scene.add(ann)
    await scene.enter(browser, ann)
    await browser.sign_out()
    for _ in range(8):
        await attempt(visitor(), ann, "wrong")  # from the same address, and so as the owner's pair with it
    assert (await attempt(visitor(), ann, PASSWORD)).status == 429
    await scene.enter(browser, ann)


@newest_only
@pytest.mark.row("V40")
async def test_another_spelling_the_address_or_another_page_is_the_same_account(
    scene: MailScene, visitor: Callable[[], Browser]
) -> None:
    ann, zoe = name(), name()
    scene.add(ann)
    scene.add(zoe)
    spellings = [ann, ann.upper(), f"{ann}@people.test", f" {ann}", f"{ann}@PEOPLE.TEST"]
    assert [(await attempt(visitor(), each, "wrong")).status for each in spellings] == [403] * 5
    browser = visitor()
    await scene.enter(browser, zoe)
    page = await browser.open("/hub/connections")
    linking = [form for form in page.forms if "/connect" in form.url]
    page = await browser.open(f"{LOGIN}?anew=1")
    page = await browser.submit(page.form(LOGIN), username=ann, password=PASSWORD)
    assert page.status == 429
    assert not linking or (await browser.submit(linking[0])).status < 500


BAD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "nothing-typed": b"username=&password=",
    "no-password": b"username=ann",
    "no-username": b"password=secret",
    "no-utf8": b"username=%FF%FE&password=%C3%28",
    "raw-bytes": b"username=\xff\xfe&password=\x80",
    "nul": b"username=a%00b&password=%00",
    "surrogate": b"username=%ED%A0%80&password=%ED%A0%80",
    "emoji": "username=👩‍🚀&password=👩‍🚀".encode(),
    "right-to-left": "username=‮nna&password=‮x".encode(),
    "long-name": b"username=" + b"x" * 10_000 + b"&password=secret",
    "long-password": b"username=ann&password=" + b"x" * 10_000,
    "huge-password": b"username=ann&password=" + b"x" * 1_000_000,
    "twice": b"username=ann&username=zoe&password=secret",
    "password-twice": b"username=ann&password=a&password=b",
    "stranger-fields": b"username=ann&password=a&account=1&step=terms&passkey=%7B%7D",
    "foreign-state": b"username=ann&password=a&state=" + b"s" * 43,
    "no-form": b'{"username": "ann", "password": "a"}',
}


@newest_only
@pytest.mark.row("V09")
@pytest.mark.parametrize("case", BAD_BODIES)
async def test_a_form_that_no_page_of_ours_sends_is_refused_clearly(
    scene: MailScene, visitor: Callable[[], Browser], case: str
) -> None:
    browser = visitor()
    await browser.open("/hub/login")
    body = b"_xsrf=" + browser.xsrf.replace("|", "%7C").encode() + b"&" + BAD_BODIES[case]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    page = await browser.request("POST", LOGIN, content=body, headers=headers)
    assert 400 <= page.status < 500, page.text
    assert page.soup.h1 is not None
    assert "Traceback" not in page.text
    assert await browser.hub_user() is None


@newest_only
async def test_forms_sent_at_once_all_get_an_answer(scene: MailScene, visitor: Callable[[], Browser]) -> None:
    ann, browser = name(), visitor()
    scene.add(ann)
    page = await browser.open("/hub/login")
    form = page.form(LOGIN)
    sent = [browser.submit(form, username=ann, password=PASSWORD) for _ in range(8)]
    statuses = sorted(page.status for page in await asyncio.gather(*sent))
    assert statuses[0] == 302
    assert set(statuses) <= {302, 403, 429}, "signed in, a form of the time before, or too many"
    assert await browser.hub_user() == ann


@newest_only
async def test_a_password_that_must_change_is_changed_on_the_way_in(
    scene: MailScene, visitor: Callable[[], Browser]
) -> None:
    ann, browser = name(), visitor()
    scene.add(ann, must_change=True)
    page = await scene.sign_in(browser, ann)
    assert await browser.hub_user() is None
    page = await browser.submit(page.form(LOGIN), new_password="short", new_password_again="short")
    assert page.soup.select_one("[role=alert]") is not None
    page = await browser.follow(await browser.submit(page.form(LOGIN), new_password=NEW, new_password_again=NEW))
    assert await browser.hub_user() == ann, page.text
    assert not scene.account(ann).must_change
    assert (await attempt(visitor(), ann, PASSWORD)).status == 403
    await scene.enter(visitor(), ann, NEW)


@newest_only
async def test_terms_that_have_changed_are_accepted_on_the_way_in(
    shared_hub: StartHub, new_browser: NewBrowser
) -> None:
    scene = MailScene(shared_hub(config(None, **LIMITS, terms_text="Be kind to <others>.", terms_version="2")))
    ann, browser = name(), new_browser(scene.hub)
    scene.add(ann, terms_version="1")
    page = await scene.sign_in(browser, ann)
    assert "Be kind to <others>." in page.text
    page = await browser.submit(page.form(LOGIN))
    assert "Tick the box" in page.text
    await browser.follow(await browser.submit(page.form(LOGIN), terms="2"))
    assert await browser.hub_user() == ann
    assert scene.account(ann).terms_version == "2"


async def test_who_is_deactivated_is_out_at_once_and_stays_out(
    scene: MailScene, visitor: Callable[[], Browser]
) -> None:
    ann, browser = name(), visitor()
    account = scene.add(ann)
    await scene.enter(browser, ann)
    token = (await scene.hub.api("POST", f"/users/{ann}/tokens")).json()["token"]
    assert (await scene.hub.api("GET", "/user", token=token)).status_code == 200
    await deactivate(scene, account.id)
    assert await browser.hub_user() is None
    assert (await scene.hub.api("GET", "/user", token=token)).status_code == 403
    assert (await attempt(visitor(), ann, PASSWORD)).status == 403


@newest_only
@pytest.mark.row("V30", "M12")
async def test_beside_another_source_nothing_is_joined_by_an_address(
    shared_hub: StartHub, new_browser: NewBrowser, idps: dict[str, HostileIdP]
) -> None:
    native, scene = both(shared_hub, idps)
    victim = name()
    native.add("mallory", email=f"{victim}@people.test", email_verified=False)
    attacker, owner = new_browser(native.hub), new_browser(native.hub)
    await native.sign_in(attacker, "mallory")
    scene.person("red", victim, victim, email=f"{victim}@people.test", email_verified=True)
    assert (await scene.sign_in(owner, "red")).status == 302
    assert await owner.hub_user() != await attacker.hub_user()
    assert (await attempt(new_browser(native.hub), f"{victim}@people.test", PASSWORD)).status == 403


@newest_only
@pytest.mark.row("V17")
async def test_an_account_connects_with_another_source_and_closes_that_way_too(
    shared_hub: StartHub, new_browser: NewBrowser, idps: dict[str, HostileIdP]
) -> None:
    native, scene = both(shared_hub, idps)
    ann = name()
    account = native.add(ann)
    browser = new_browser(native.hub)
    await native.sign_in(browser, ann)
    hub_name = await browser.hub_user()
    scene.person("red", f"red {ann}", f"red-{ann}")
    assert (await scene.connect(browser, "red")).status == 302
    other = new_browser(native.hub)
    assert (await scene.sign_in(other, "red")).status == 302
    assert await other.hub_user() == hub_name
    await deactivate(native, account.id)
    assert await other.hub_user() is None
    assert (await scene.sign_in(new_browser(native.hub), "red")).status == 403


@newest_only
async def test_somebody_from_another_source_connects_an_account(
    shared_hub: StartHub, new_browser: NewBrowser, idps: dict[str, HostileIdP]
) -> None:
    native, scene = both(shared_hub, idps)
    ann, browser = name(), new_browser(native.hub)
    native.add(ann)
    scene.person("red", f"id {ann}", ann)
    assert (await scene.sign_in(browser, "red")).status == 302
    red = await browser.hub_user()
    page = await browser.open("/hub/connections")
    page = await browser.follow(await browser.submit(page.form(f"/connections/{NAME}/connect")))
    wrong = await browser.submit(page.form(LOGIN), username=ann, password="wrong")
    assert wrong.status == 403
    page = await browser.follow(await browser.submit(wrong.form(LOGIN), username=ann, password=PASSWORD))
    assert page.status == 200, page.text
    other = new_browser(native.hub)
    await native.sign_in(other, ann)
    assert await other.hub_user() == red


async def deactivate(scene: MailScene, account_id: str) -> None:
    """An administrator closes an account."""
    act = {"act": "deactivate", "accounts": [account_id], "reason": "left"}
    done = await scene.hub.api("POST", f"/hubauth/providers/{NAME}/acts", json=act)
    assert done.status_code == 200, done.text


def both(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> tuple[MailScene, Scene]:
    """A hub with accounts of its own beside two OpenID providers."""
    red = {"type": "oidc", "issuer": idps["red"].issuer, "client_id": "hub", "client_secret": "s", "allow_all": True}
    hub = shared_hub(config(None, others={"red": red}, username_prefix="", **LIMITS))
    return MailScene(hub), Scene(hub, idps)
