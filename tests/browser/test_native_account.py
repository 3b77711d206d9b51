"""The pages about one's own account in Chromium: forgotten password, new password, own data, links about addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub
from harness.mail_scene import NAME, PASSWORD, MailScene, config
from harness.smtp import Sink, sink

from .looking import BACKGROUNDS, DESK, PHONE, backgrounds, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

NEW = "an entirely other walk"
ACCOUNT = f"/hub/auth/{NAME}/account"


@pytest.fixture(scope="session")
def post() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def scene(shared_hub: hubs.StartHub, post: Sink) -> MailScene:
    return MailScene(shared_hub(config(post)), post)


async def enter(open_page: OpenPage, hub: Hub, name: str, password: str = PASSWORD, **options: object) -> Page:
    """Sign in, and go to one's own account."""
    page = await open_page(hub, f"/hub/auth/{NAME}/login?next={ACCOUNT}", **options)
    await page.locator("input[name=username]").fill(name)
    await page.locator("input[name=password]").fill(password)
    await page.locator("main button[type=submit]").first.click()
    await page.wait_for_url(f"**{ACCOUNT}")
    return page


@pytest.mark.row("M05")
async def test_from_a_forgotten_password_to_a_new_one(scene: MailScene, open_page: OpenPage, axe: str) -> None:
    scene.add("ann", full_name="Ann Eliza")
    page = await open_page(scene.hub, "/hub/login")
    await page.get_by_role("link", name="Forgot your password?").click()
    assert await findings(page, axe) == []
    await page.get_by_label("Username or e-mail address").fill("ann")
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_role("status")).to_contain_text("a link is on its way there")
    assert await findings(page, axe) == []

    await page.goto(await scene.link_to("ann@people.test"))
    await expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    assert await findings(page, axe) == []
    await page.get_by_label("New password", exact=True).fill("passwordpassword")
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await findings(page, axe) == []
    await page.get_by_label("New password", exact=True).fill(NEW)
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_role("status")).to_contain_text("Your password is set")
    assert await findings(page, axe) == []
    await page.goto(await scene.link_to("ann@people.test"))
    await expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()
    assert await findings(page, axe) == []
    await enter(open_page, scene.hub, "ann", NEW)


@pytest.mark.row("6.2.2", "6.2.3")
async def test_change_the_password_by_keyboard_alone(scene: MailScene, open_page: OpenPage) -> None:
    scene.add("ben")
    other = await enter(open_page, scene.hub, "ben")
    page = await enter(open_page, scene.hub, "ben")
    await press_tab_until(page, "input[name=current]")
    await page.keyboard.type("not it")
    await press_tab_until(page, "form[action$='account/password'] input[name=password]", most=3)
    await page.keyboard.type(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The current password is not right.")
    await press_tab_until(page, "input[name=current]")
    await page.keyboard.type(PASSWORD)
    await press_tab_until(page, "form[action$='account/password'] input[name=password]", most=3)
    await page.keyboard.type(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text("Your password is changed")
    await other.reload()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_page_of_connections_leads_there(scene: MailScene, open_page: OpenPage, axe: str) -> None:
    scene.add("greta")
    page = await enter(open_page, scene.hub, "greta")
    await page.get_by_role("link", name="Connections").click()
    await expect(page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()
    assert await findings(page, axe) == []
    await page.get_by_role("link", name="Password, address and security").click()
    await expect(page.get_by_role("heading", name="Your account")).to_be_visible()


async def test_where_everybody_has_an_account_the_navigation_leads_there(scene: MailScene, open_page: OpenPage) -> None:
    scene.add("hilde")
    page = await enter(open_page, scene.hub, "hilde")
    await page.get_by_role("link", name="Your account").click()
    await page.get_by_role("link", name="Second factor and passkeys").click()
    await page.get_by_role("link", name="Your account: password").click()
    await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    await page.locator("#logout").click()
    await expect(page.get_by_role("link", name="Your account")).to_have_count(0)


async def test_axe_finds_nothing_on_ones_own_account(scene: MailScene, open_page: OpenPage, axe: str) -> None:
    scene.add("cleo", full_name="Cleo of a Name that is rather long for a Phone to show in one line")
    page = await enter(open_page, scene.hub, "cleo")
    assert await findings(page, axe) == []
    await page.get_by_label("New e-mail address").fill("cleo@new.test")
    await page.locator("input[name=proof]").fill(PASSWORD)
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_role("status").first).to_contain_text("We have sent a link to cleo@new.test")
    assert await findings(page, axe) == []
    link = await scene.link_to("cleo@new.test")
    stranger = await open_page(scene.hub, link)
    await expect(stranger.get_by_label("Password of cleo", exact=True)).to_be_visible()
    assert await findings(stranger, axe) == []
    await page.goto(link)
    assert await findings(page, axe) == []
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("status")).to_contain_text("cleo@new.test is the address of cleo now")
    await page.goto(await scene.link_to("cleo@people.test"))
    await expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    assert await findings(page, axe) == []
    await page.goto(ACCOUNT)
    await page.context.clear_cookies(name="hubauth_recent")
    await page.reload()
    await expect(page.get_by_role("link", name="Sign in again with")).to_be_visible()
    assert await findings(page, axe) == []


async def test_a_phone_needs_no_sideways_scrolling(scene: MailScene, open_page: OpenPage) -> None:
    scene.add("dora", email="a-rather-long-name-of-somebody-at-work@a-rather-long-name-of-a-place.people.test")
    page = await enter(open_page, scene.hub, "dora", viewport=PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_without_scripts_everything_works(scene: MailScene, open_page: OpenPage) -> None:
    scene.add("emil")
    page = await enter(open_page, scene.hub, "emil", java_script_enabled=False)
    await page.locator("input[name=current]").fill(PASSWORD)
    await page.locator("form[action$='account/password'] input[name=password]").fill(NEW)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_role("status").first).to_contain_text("Your password is changed")


async def test_light_is_light_and_dark_is_dark(scene: MailScene, open_page: OpenPage, tmp_path: Path) -> None:
    """Leaves pictures for people to look at."""
    scene.add("frida", full_name="Frida Nord")
    page = await enter(open_page, scene.hub, "frida", viewport=DESK)
    assert await backgrounds(page, tmp_path) == BACKGROUNDS
    for name in ("forgotten", "done"):
        (tmp_path / name).mkdir()
        await page.goto(f"/hub/auth/{NAME}/{name}")
        assert await backgrounds(page, tmp_path / name) == BACKGROUNDS
    await page.get_by_role("main").get_by_role("link", name="Your account", exact=True).wait_for()
    await page.goto(f"/hub/auth/{NAME}/forgotten")
    await page.get_by_label("Username or e-mail address").fill("frida")
    await page.get_by_role("button", name="Send the link").click()
    (tmp_path / "reset").mkdir()
    await page.goto(await scene.link_to("frida@people.test"))
    assert await backgrounds(page, tmp_path / "reset") == BACKGROUNDS
