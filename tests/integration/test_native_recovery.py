"""Forgotten passwords, over HTTP with real mails: what a link does, to whom it goes, and what ends with the old one."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from harness import hubs
from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub
from harness.mail_scene import NAME, PASSWORD, MailScene, config
from harness.smtp import Sink, sink, text_of
from harness.waiting import until
from hubauth_native import endings

pytestmark = hubs.newest_only
NewBrowser = Callable[[Hub], Browser]

NEW = "an entirely other walk"


@pytest.fixture(scope="session")
def post() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def scene(shared_hub: StartHub, post: Sink) -> MailScene:
    return MailScene(shared_hub(config(post)), post)


@pytest.fixture
def browser(new_browser: NewBrowser, scene: MailScene) -> Browser:
    return new_browser(scene.hub)


@pytest.fixture
def other_browser(new_browser: NewBrowser, scene: MailScene) -> Browser:
    return new_browser(scene.hub)


async def use(browser: Browser, link: str, password: str = NEW) -> Page:
    """Open a link and press its button."""
    page = await browser.open(link)
    return await browser.follow(await browser.submit(page.form("reset"), password=password))


def token_in(link: str) -> str:
    return link.partition("token=")[2]


@pytest.mark.row("S02", "M05")
async def test_a_mailed_link_leads_to_a_new_password(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    scene.add("ann")
    link = await scene.mailed_link(browser, "ann")
    for _ in range(2):
        page = await other_browser.open(link)
        assert page.status == 200, "to look at a link does not use it"
        assert page.response.headers["Referrer-Policy"] == "no-referrer"
    done = await use(browser, link)
    assert "Your password is set" in done.text
    assert await browser.hub_user() is None, "nobody is signed in by a link"
    page = await scene.sign_in(browser, "ann")
    assert await browser.hub_user() is None, "the old password opens nothing"
    await scene.enter(browser, "ann", NEW)


@pytest.mark.row("S02", "6.6.2")
async def test_a_link_works_once_and_for_its_account(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    scene.add("ben")
    scene.add("bea")
    link = await scene.mailed_link(browser, "ben")
    first, second = await browser.open(link), await other_browser.open(link)
    await browser.submit(first.form("reset"), password=NEW, username="bea")
    again = await other_browser.submit(second.form("reset"), password="somebody else's walk")
    assert again.status == 410
    assert "has been used already" in again.text
    assert (await browser.open(link)).status == 410
    await scene.enter(browser, "ben", NEW)
    await scene.enter(other_browser, "bea")


@pytest.mark.row("S02")
async def test_a_newer_link_and_a_change_end_older_ones(scene: MailScene, browser: Browser) -> None:
    account = scene.add("cleo")
    old = await scene.mailed_link(browser, "cleo")
    new = await scene.mailed_link(browser, "cleo")
    assert (await browser.open(old)).status == 410
    await use(browser, new)
    assert scene.rows("SELECT * FROM hubauth_native_links WHERE account_id = ?", account.id) == []


@pytest.mark.row("S02", "6.4.1", "6.5.5")
async def test_a_link_runs_out_and_is_stored_as_a_digest(scene: MailScene, browser: Browser) -> None:
    account = scene.add("dora")
    asked_at = time.time()
    link = await scene.mailed_link(browser, "dora")
    [(expires_at,)] = scene.rows("SELECT expires_at FROM hubauth_native_links WHERE account_id = ?", account.id)
    assert asked_at < expires_at <= time.time() + 3600
    assert len(token_in(link)) == 43, "256 bits"
    await browser.open(link)
    assert scene.hub.files_with(token_in(link)) == [], "in no database and in no log"
    with sqlite3.connect(scene.hub.directory / "hubauth.sqlite", timeout=30) as store:
        store.execute("UPDATE hubauth_native_links SET expires_at = 1 WHERE account_id = ?", (account.id,))
    assert (await browser.open(link)).status == 410


@pytest.mark.row("S02")
async def test_what_a_request_names_as_its_host_is_in_no_mail(scene: MailScene, browser: Browser) -> None:
    scene.add("emil")
    await browser.open(scene.path("forgotten"))
    for number, header in enumerate(("Host", "X-Forwarded-Host")):
        headers = {header: "evil.test", "X-XSRFToken": browser.xsrf}
        page = await browser.post(scene.path("forgotten"), {"who": "emil"}, headers=headers)
        assert page.status == 303, page.text
        link = await scene.link_to("emil@people.test", number)
        assert link.startswith(f"{scene.hub.url}/hub/auth/{NAME}/reset?token=")
    assert not [mail for mail in scene.post.mails_to("emil@people.test") if "evil.test" in text_of(mail)]


@pytest.mark.row("S02", "V31", "V33", "6.3.7")
async def test_a_reset_ends_what_the_old_password_has_opened(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    account = scene.add("frida")
    await scene.enter(other_browser, "frida")
    server = await other_browser.server("frida")
    made = await scene.hub.api("POST", "/users/frida/tokens")
    token = made.json()["token"]
    assert (await scene.hub.api("GET", "/user", token=token)).status_code == 200
    page = await other_browser.open(scene.path("account"))
    typed = {"email": "frida@elsewhere.test", "proof": PASSWORD}
    await other_browser.submit(page.form("account/email"), **typed)
    change = await scene.link_to("frida@elsewhere.test")

    await use(browser, await scene.mailed_link(browser, "frida"))

    assert await other_browser.hub_user() is None
    own = server["environment"]["JUPYTERHUB_API_TOKEN"]
    for each in (token, own):
        assert (await scene.hub.api("GET", "/user", token=each)).status_code == 403
    await scene.ended(account)
    user = await scene.hub.user("frida")
    assert user is not None
    assert user["servers"] == {}
    page = await browser.open(change)
    assert page.status == 410, "the change of the address that was under way is over"
    notice = await scene.post.mail_to("frida@people.test", "was changed")
    assert NEW not in str(notice)
    assert "password_reset" in [event["kind"] for event in scene.events() if event.get("username") == "frida"]


@pytest.mark.row("S03", "6.4.2")
async def test_the_answer_is_the_same_for_everybody(scene: MailScene, browser: Browser) -> None:
    scene.add("gina")
    scene.add("gus", email_verified=False)
    scene.add("gert", email=None)
    scene.add("greta", status="inactive")
    seen = set()
    people = [
        "gina",
        "gina@people.test",
        "gus",
        "gus@people.test",
        "gert",
        "greta",
        "nobody",
        "no@body.test",
        "x" * 300,
    ]
    for who in people:
        page = await scene.ask(browser, who)
        headers = {name: value for name, value in page.response.headers.items() if name not in ("date", "set-cookie")}
        headers["location"] = str(page.location)
        shown = await browser.follow(page)
        seen.add((page.status, re.sub(r"_xsrf.*?>", "", shown.text), str(headers)))
    assert len(seen) == 1, seen
    await until(lambda: len(scene.events("password_reset_asked")) >= len(people))
    await until(lambda: len(scene.post.mails_to("gina@people.test")) >= 1)
    assert not [each for each in ("gus", "gert", "greta") if scene.post.mails_to(f"{each}@people.test")]


@pytest.mark.row("S02", "6.6.3")
async def test_asking_is_limited_for_anybody_and_for_nobody(scene: MailScene, browser: Browser) -> None:
    scene.add("hugo")
    answers = {}
    for who in ("hugo", "no-hugo"):
        pages = [await scene.ask(browser, each) for each in [who, who.upper(), f" {who}"] * 3]
        answers[who] = [page.status for page in pages]
        assert pages[-1].response.headers["Retry-After"].isdigit()
        assert "Too many attempts" in pages[-1].text
    assert answers["hugo"] == answers["no-hugo"]
    assert answers["hugo"][0] == 303
    assert answers["hugo"][-1] == 429
    await scene.enter(browser, "hugo")


@pytest.mark.row("6.6.3")
async def test_links_are_not_guessed(start_hub: StartHub, new_browser: NewBrowser, post: Sink) -> None:
    scene = MailScene(start_hub(config(post, limits={"link": {"address": "5/5m"}})), post)
    browser = new_browser(scene.hub)
    await browser.open(scene.path("forgotten"))
    guess = {"_xsrf": browser.xsrf, "token": "x" * 43, "password": NEW}
    answers = [(await browser.post(scene.path("reset"), guess)).status for _ in range(7)]
    assert answers[0] == 410
    assert answers[-1] == 429


@pytest.mark.row("P10", "S02")
async def test_a_reset_opens_an_account_that_others_have_shut(scene: MailScene, browser: Browser) -> None:
    scene.add("ines", failures=100)
    await scene.sign_in(browser, "ines")
    assert await browser.hub_user() is None
    await use(browser, await scene.mailed_link(browser, "ines"))
    await scene.enter(browser, "ines", NEW)


@pytest.mark.row("S02")
async def test_asking_locks_nobody_out(scene: MailScene, browser: Browser) -> None:
    scene.add("jana")
    await scene.mailed_link(browser, "jana")
    await scene.enter(browser, "jana")


async def test_a_password_that_is_too_weak_leaves_the_link_good(scene: MailScene, browser: Browser) -> None:
    scene.add("kurt")
    link = await scene.mailed_link(browser, "kurt")
    page = await browser.open(link)
    for weak in ("short", "password", ""):
        again = await browser.submit(page.form("reset"), password=weak)
        assert again.status == 400
        assert again.soup.select_one("[role=alert]")
    await use(browser, link)
    await scene.enter(browser, "kurt", NEW)


BAD = {
    "nothing": "",
    "long": "x" * 10_000,
    "longer": "x" * 50_000,
    "nul": "a\0b",
    "emoji": "\N{GRINNING FACE}" * 3,
    "right-to-left": "\u202egro.elpmaxe@nna",
    "markup": "<script>alert(1)</script>",
    "newline": "a\r\nBcc: b@c.test",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_what_makes_no_sense_is_refused_in_words(scene: MailScene, browser: Browser, bad: str) -> None:
    page = await browser.open(scene.path("forgotten"))
    page = await scene.ask(browser, bad)
    assert page.status in (303, 400, 403), page.text
    for path in ("reset", "first-password", "email-change", "email-undo"):
        page = await browser.open(scene.path(path), params={"token": bad})
        assert 400 <= page.status < 500, path
        page = await browser.post(scene.path(path), {"_xsrf": browser.xsrf, "token": bad, "password": bad})
        assert 400 <= page.status < 500, path
        assert "<script>alert" not in page.html


async def test_forms_that_are_not_whole_are_refused(scene: MailScene, browser: Browser) -> None:
    await browser.open(scene.path("forgotten"))
    xsrf = {"_xsrf": browser.xsrf}
    for path in ("forgotten", "reset", "first-password", "email-change", "email-undo"):
        for body in (b"", b"who=%ff%fe&token=%ff&password=%ff", b"who=a&who=b&token=a&token=b", b"\xff=\xff"):
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-XSRFToken": browser.xsrf}
            page = await browser.request("POST", scene.path(path), content=body, headers=headers)
            assert 400 <= page.status < 500, (path, body, page.status)
        page = await browser.post(scene.path(path), xsrf)
        assert 400 <= page.status < 500, path
        page = await browser.post(scene.path(path), {"token": "x", "who": "x"})
        assert page.status == 403, "without the token against forgery"


async def test_two_at_once_set_one_password(scene: MailScene, browser: Browser, new_browser: NewBrowser) -> None:
    account = scene.add("lotte")
    link = await scene.mailed_link(browser, "lotte")
    several = [new_browser(scene.hub) for _ in range(4)]
    pages = [await each.open(link) for each in several]
    chosen = [f"{NEW} number {number}" for number in range(4)]
    answers = await asyncio.gather(
        *(
            each.submit(page.form("reset"), password=word)
            for each, page, word in zip(several, pages, chosen, strict=True)
        )
    )
    statuses = [page.status for page in answers]
    assert sorted(statuses) == [303, 410, 410, 410]
    await scene.enter(browser, "lotte", chosen[statuses.index(303)])
    changes = scene.rows("SELECT act FROM hubauth_native_history WHERE account_id = ?", account.id)
    assert changes.count(("password_changed",)) == 1


@pytest.mark.row("V31")
async def test_what_a_command_has_written_down_ends_in_the_running_hub(scene: MailScene, browser: Browser) -> None:
    account = scene.add("mona")
    await scene.enter(browser, "mona")
    database = scene.database()
    database.write_now(lambda connection: endings.want(connection, NAME, account.id))
    database.close()
    await scene.ended(account)
    assert await browser.hub_user() is None


@pytest.mark.row("V31")
async def test_what_a_crash_has_left_undone_ends_after_the_restart(
    start_hub: StartHub, new_browser: NewBrowser, post: Sink
) -> None:
    scene = MailScene(start_hub(config(post)), post)
    browser = new_browser(scene.hub)
    account = scene.add("nora")
    await scene.enter(browser, "nora")
    made = await scene.hub.api("POST", "/users/nora/tokens")
    scene.hub.stop()
    database = scene.database()
    database.write_now(lambda connection: endings.want(connection, NAME, account.id))
    database.close()
    scene.hub.start()
    await scene.ended(account)
    assert await browser.hub_user() is None
    assert (await scene.hub.api("GET", "/user", token=made.json()["token"])).status_code == 403


async def test_without_a_mail_server_the_page_says_whom_to_ask(shared_hub: StartHub, new_browser: NewBrowser) -> None:
    scene = MailScene(shared_hub(config(None, mail_contact="Room 12")))
    browser = new_browser(scene.hub)
    page = await browser.open(scene.path("forgotten"))
    assert "Ask Room 12" in page.text
    with pytest.raises(LookupError):
        page.form("forgotten")
    assert (await scene.ask(browser, "anybody")).status == 200
