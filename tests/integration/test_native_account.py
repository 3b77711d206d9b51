"""One's own account: another password, another address, and what both end, over HTTP with real mails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness import hubs
from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub
from harness.mail_scene import PASSWORD, MailScene, config
from harness.smtp import Sink, sink, text_of
from harness.waiting import until

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


async def change(scene: MailScene, browser: Browser, what: str, **typed: str) -> Page:
    """Fill in one of the two forms: what it answers."""
    page = await browser.open(scene.path("account"))
    return await browser.submit(page.form(f"account/{what}"), **typed)


async def press(browser: Browser, link: str, **typed: str) -> Page:
    """Open a link about an address, and press its button."""
    page = await browser.open(link)
    return await browser.follow(await browser.submit(page.form("email-"), **typed))


@pytest.mark.row("6.2.2", "M05", "M09", "V31", "6.3.7", "7.4.3")
async def test_a_change_ends_everything_but_this_browser(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    account = scene.add("ann")
    await scene.enter(browser, "ann")
    await scene.enter(other_browser, "ann")
    server = await other_browser.server("ann")
    made = await scene.hub.api("POST", "/users/ann/tokens")
    page = await browser.open(scene.path("account"))
    assert "all your API tokens end, and your running servers stop" in page.text
    page = await browser.follow(await change(scene, browser, "password", current=PASSWORD, password=NEW))
    assert "Your password is changed" in page.text
    assert await browser.hub_user() == "ann"
    assert await other_browser.hub_user() is None
    for token in (made.json()["token"], server["environment"]["JUPYTERHUB_API_TOKEN"]):
        assert (await scene.hub.api("GET", "/user", token=token)).status_code == 403
    await scene.ended(account)
    user = await scene.hub.user("ann")
    assert user is not None
    assert user["servers"] == {}
    notice = await scene.post.mail_to("ann@people.test", "was changed")
    assert NEW not in str(notice)
    assert [event["kind"] for event in scene.events(name="ann")][-1] == "password_changed"
    page = await browser.follow(await change(scene, browser, "password", current=NEW, password=f"{NEW} again"))
    assert "Your password is changed" in page.text, "this browser has proved just now who it is"
    await scene.enter(other_browser, "ann", f"{NEW} again")


@pytest.mark.row("6.2.3", "P10")
async def test_a_change_takes_the_current_password(scene: MailScene, browser: Browser) -> None:
    account = scene.add("ben")
    await scene.enter(browser, "ben")
    for wrong in ("not it", "", "x" * 10_000):
        page = await change(scene, browser, "password", current=wrong, password=NEW)
        assert (page.status, "The current password is not right." in page.text) == (403, True)
    assert scene.account("ben").failures == 3
    scene.set(account, failures=100)
    page = await change(scene, browser, "password", current=PASSWORD, password=NEW)
    assert page.status == 403, "what is shut at the sign-in is shut here"
    scene.set(account, failures=99)
    assert (await change(scene, browser, "password", current=PASSWORD, password=NEW)).status == 303
    assert scene.account("ben").failures == 0


@pytest.mark.row("6.2.3")
async def test_guesses_at_the_current_password_are_limited(scene: MailScene, browser: Browser) -> None:
    scene.add("bill")
    await scene.enter(browser, "bill")
    pages = [await change(scene, browser, "password", current="not it", password=NEW) for _ in range(12)]
    assert pages[0].status == 403
    assert pages[-1].status == 429
    assert pages[-1].response.headers["Retry-After"].isdigit()


@pytest.mark.row("M06")
async def test_who_signed_in_long_ago_signs_in_again(scene: MailScene, browser: Browser) -> None:
    scene.add("cleo")
    await scene.enter(browser, "cleo")
    browser.client.cookies.delete("hubauth_recent")
    page = await change(scene, browser, "password", current=PASSWORD, password=NEW)
    assert page.status == 403
    assert page.link("Sign in again with").endswith("anew=1")
    page = await change(scene, browser, "email", email="new@people.test", proof=PASSWORD)
    assert page.status == 403
    assert not scene.post.mails_to("new@people.test")


async def test_the_page_is_for_people_with_an_account(scene: MailScene, browser: Browser) -> None:
    page = await browser.open(scene.path("account"))
    assert page.path == "/hub/login"
    for what in ("password", "email"):
        await browser.open("/hub/login")
        page = await browser.post(scene.path(f"account/{what}"), {"_xsrf": browser.xsrf})
        assert page.status == 403


@pytest.mark.row("V23")
async def test_no_password_is_not_an_empty_one(scene: MailScene, browser: Browser, other_browser: Browser) -> None:
    account = scene.add("dora")
    await scene.enter(browser, "dora")
    scene.set(account, password_hash=None)
    for empty in ("", "None", " "):
        await scene.sign_in(other_browser, "dora", empty)
        assert await other_browser.hub_user() is None
    page = await browser.open(scene.path("account"))
    assert "current" not in page.form("account/password").fields
    page = await browser.follow(await change(scene, browser, "password", password=NEW))
    assert "Your password is changed" in page.text
    await scene.enter(other_browser, "dora", NEW)


@pytest.mark.row("V33", "6.3.7")
async def test_a_new_address_counts_once_it_is_confirmed(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    scene.add("emil")
    await scene.enter(browser, "emil")
    page = await browser.follow(await change(scene, browser, "email", email="emil@new.test", proof=PASSWORD))
    assert "We have sent a link to emil@new.test" in page.text
    link = await scene.link_to("emil@new.test")
    await scene.post.mail_to("emil@people.test", "was asked for")
    assert (await other_browser.open(link)).status == 200
    assert scene.account("emil").email == "emil@people.test", "to look at the link changes nothing"
    page = await press(other_browser, link, proof=PASSWORD)
    assert "emil@new.test is the address of emil now" in page.text
    assert (scene.account("emil").email, scene.account("emil").email_verified) == ("emil@new.test", True)
    assert (await other_browser.open(link)).status == 410
    await scene.post.mail_to("emil@people.test", "was changed")
    assert [event["kind"] for event in scene.events(name="emil")][-2:] == ["email_change_asked", "email_changed"]


@pytest.mark.row("6.6.2")
async def test_nobody_confirms_an_address_for_an_account_of_somebody_else(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    account = scene.add("erna")
    scene.add("victim")
    await scene.enter(browser, "erna")
    await scene.enter(other_browser, "victim")
    await change(scene, browser, "email", email="victim@new.test", proof=PASSWORD)
    link = await scene.link_to("victim@new.test")
    for proof in ("", "what the victim thinks it is"):
        page = await press(other_browser, link, proof=proof)
        assert (page.status, "The current password is not right." in page.text) == (403, True)
    assert scene.account("erna").email == "erna@people.test"
    scene.set(account, password_hash=None)
    page = await press(other_browser, link)
    assert (page.status, "Sign in with this browser first" in page.text) == (403, True)
    page = await press(browser, link)
    assert "victim@new.test is the address of erna now" in page.text


@pytest.mark.row("V33")
async def test_a_change_under_way_ends_with_a_newer_one_and_with_the_password(
    scene: MailScene, browser: Browser
) -> None:
    scene.add("frida")
    await scene.enter(browser, "frida")
    await change(scene, browser, "email", email="frida@one.test", proof=PASSWORD)
    first = await scene.link_to("frida@one.test")
    await change(scene, browser, "email", email="frida@two.test", proof=PASSWORD)
    second = await scene.link_to("frida@two.test")
    assert (await browser.open(first)).status == 410
    assert (await browser.open(second)).status == 200
    scene.add("fritz")
    await change(scene, browser, "email", email="fritz@people.test", proof=PASSWORD)
    assert (await browser.open(second)).status == 410, "also where the newer one leads nowhere"
    await change(scene, browser, "email", email="frida@two.test", proof=PASSWORD)
    second = await scene.link_to("frida@two.test", 1)
    assert (await browser.open(second)).status == 200
    assert (await change(scene, browser, "password", current=PASSWORD, password=NEW)).status == 303
    assert (await browser.open(second)).status == 410
    assert scene.account("frida").email == "frida@people.test"


@pytest.mark.row("S02")
async def test_a_changed_address_ends_links_to_a_new_password(
    scene: MailScene, browser: Browser, other_browser: Browser
) -> None:
    account = scene.add("gina")
    await scene.enter(browser, "gina")
    reset = await scene.mailed_link(other_browser, "gina")
    await change(scene, browser, "email", email="gina@new.test", proof=PASSWORD)
    await press(browser, await scene.link_to("gina@new.test"))
    assert (await other_browser.open(reset)).status == 410
    assert scene.rows("SELECT purpose FROM hubauth_native_links WHERE account_id = ?", account.id) == []
    await scene.ask(other_browser, "gina@people.test")
    await scene.ask(other_browser, "gina@new.test")
    assert "/reset?" in await scene.link_to("gina@new.test", 1)
    assert len([link for link in scene.links_to("gina@people.test") if "/reset?" in link]) == 1


@pytest.mark.row("S03")
async def test_an_address_of_somebody_else_is_answered_alike(scene: MailScene, browser: Browser) -> None:
    scene.add("hugo")
    scene.add("hanna")
    await scene.enter(browser, "hugo")
    shown = []
    for email in ("hanna@people.test", "hugo@free.test"):
        page = await change(scene, browser, "email", email=email, proof=PASSWORD)
        text = (await browser.follow(page)).text.replace(email, "")
        shown.append((page.status, page.location, text))
    assert shown[0] == shown[1]
    told = await scene.post.mail_to("hanna@people.test")
    assert "nobody can use your address" in text_of(told)
    assert "token=" not in text_of(told)


@pytest.mark.row("6.2.3")
async def test_a_new_address_takes_the_current_password(scene: MailScene, browser: Browser) -> None:
    scene.add("ines")
    await scene.enter(browser, "ines")
    page = await change(scene, browser, "email", email="ines@new.test", proof="not it")
    assert (page.status, "The current password is not right." in page.text) == (403, True)
    assert 'value="ines@new.test"' in page.html, "what was typed is there to be corrected"
    assert not scene.post.mails_to("ines@new.test")


async def test_a_thief_cannot_keep_the_owner_out_by_changing_the_address(
    scene: MailScene, browser: Browser, other_browser: Browser, new_browser: NewBrowser
) -> None:
    account = scene.add("jana")
    thief = new_browser(scene.hub)
    await scene.enter(thief, "jana")
    for number in (1, 2):
        await change(scene, thief, "email", email=f"thief{number}@evil.test", proof=PASSWORD)
        await press(thief, await scene.link_to(f"thief{number}@evil.test"))
    await change(scene, thief, "password", current=PASSWORD, password="the walk of a thief")
    undo = await scene.link_to("jana@people.test")
    page = await press(browser, undo)
    assert "Now choose a new password" in page.text
    assert scene.account("jana").email == "jana@people.test"
    assert await thief.hub_user() is None
    await scene.sign_in(thief, "jana", "the walk of a thief")
    assert await thief.hub_user() is None
    await browser.submit(page.form("reset"), password=NEW)
    await scene.ended(account)
    await scene.enter(browser, "jana", NEW)
    page = await other_browser.open(await scene.link_to("thief1@evil.test", 1))
    assert page.status == 410, "what the thief has changed is not for the thief to take back"
    acts = [act for (act,) in scene.rows("SELECT act FROM hubauth_native_history WHERE account_id = ?", account.id)]
    assert acts.count("email_changed") == 2
    assert "email_change_undone" in acts


async def test_an_address_that_was_taken_meanwhile_is_not_given_twice(scene: MailScene, browser: Browser) -> None:
    scene.add("kurt")
    await scene.enter(browser, "kurt")
    await change(scene, browser, "email", email="both@want.test", proof=PASSWORD)
    link = await scene.link_to("both@want.test")
    scene.add("karl", email="both@want.test")
    page = await press(browser, link)
    assert page.status == 410
    assert scene.account("kurt").email == "kurt@people.test"


BAD = {
    "nothing": "",
    "no address": "lotte",
    "long": "x" * 10_000,
    "longer": "x" * 100_000,
    "nul": "a\0@b.test",
    "header": "a@b.test\r\nBcc: c@d.test",
    "two": "a@b.test, c@d.test",
    "right-to-left": "\u202etset.b@a",
    "emoji": "\N{GRINNING FACE}@b.test",
    "markup": '"><script>alert(1)</script>@b.test',
}


async def test_what_makes_no_sense_is_refused_in_words(scene: MailScene, browser: Browser) -> None:
    account = scene.add("lotte")
    await scene.enter(browser, "lotte")
    for bad in BAD.values():
        page = await change(scene, browser, "email", email=bad, proof=PASSWORD)
        assert 400 <= page.status < 500, bad[:40]
        assert "<script>alert" not in page.html
        page = await change(scene, browser, "password", current=PASSWORD, password=bad[:6])
        assert 400 <= page.status < 500, bad[:40]
    for what in ("password", "email"):
        for body in (b"", b"email=%ff&proof=%ff&current=%ff", b"email=a&email=b&current=a&current=b", b"\xff=\xff"):
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-XSRFToken": browser.xsrf}
            page = await browser.request("POST", scene.path(f"account/{what}"), content=body, headers=headers)
            assert 400 <= page.status < 500, (what, body)
        page = await browser.post(scene.path(f"account/{what}"), {"email": "x@y.test"})
        assert page.status == 403, "without the token against forgery"
    assert scene.account("lotte").password_hash == account.password_hash
    assert await browser.hub_user() == "lotte"


async def test_without_a_mail_server_the_password_can_be_changed_still(
    shared_hub: StartHub, new_browser: NewBrowser
) -> None:
    scene = MailScene(shared_hub(config(None)))
    browser = new_browser(scene.hub)
    scene.add("mona")
    await scene.enter(browser, "mona")
    page = await browser.open(scene.path("account"))
    with pytest.raises(LookupError):
        page.form("account/email")
    page = await browser.post(scene.path("account/email"), {"_xsrf": browser.xsrf, "email": "a@b.test"})
    assert page.status == 404
    assert "This hub sends no mails" in page.text
    assert (await change(scene, browser, "password", current=PASSWORD, password=NEW)).status == 303
    await until(lambda: scene.account("mona").failures == 0)
