"""The pages about native accounts for those who look after them, in Chromium."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub
from integration.native_scene import PASSWORD, TEXT, Staffed

from .looking import BACKGROUNDS, DESK, PHONE, backgrounds, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

USERS = "/hub/auth/local/users"
STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'"


@pytest.fixture(scope="session")
def people() -> set[str]:
    """Hubs that have their people."""
    return set()


@pytest.fixture
def hub(shared_hub: hubs.StartHub, people: set[str]) -> Hub:
    """A hub with some accounts."""
    hub = shared_hub(f"{TEXT}\n# A hub of these tests alone: they count.\n")
    if hub.url not in people:
        people.add(hub.url)
        scene = Staffed(hub)
        scene.add("ada", full_name="Ada Brandt", admin=True, last_sign_in_at=1.79e9)
        scene.add("ben", full_name="Ben Okafor", email=None, failures=4, last_failure_at=1.79e9)
        scene.add("a-name-that-is-rather-long-for-a-phone", email="somebody.with.a.long.address@department.example.org")
        scene.add("zoe", status="inactive", status_reason="on leave", inactive_until=4e9)
        scene.add_many(60)
    return hub


async def as_boss(open_page: OpenPage, hub: Hub, then: str = USERS, **options: Any) -> Page:
    """Sign in as an administrator, and go on to a page."""
    page = await open_page(hub, f"/hub/auth/staff/login?next={then}", **options)
    await page.locator("input[name=username]").fill("boss")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(f"**{then}")
    return page


async def test_axe_finds_nothing_in_any_look(hub: Hub, open_page: OpenPage, axe: str, tmp_path: Path) -> None:
    """Leaves screenshots for people to look at."""
    page = await as_boss(open_page, hub)

    async def look_at(name: str) -> None:
        assert await findings(page, axe) == [], name
        await page.set_viewport_size(PHONE)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        await page.set_viewport_size(DESK)

    await page.goto(f"{USERS}?size=9")
    await look_at("list")
    assert await backgrounds(page, tmp_path) == BACKGROUNDS
    await page.goto(f"{USERS}?q=ada")
    await page.get_by_role("link", name="ada", exact=True).click()
    await expect(page.get_by_role("heading", name="ada")).to_be_visible()
    await look_at("account")
    await page.get_by_role("button", name="Deactivate").click()
    await expect(page.get_by_label("Reason")).to_be_visible()
    await look_at("sure")
    await page.goto(f"{USERS}?q=ben")
    await page.get_by_role("checkbox", name="Select ben").check()
    await page.get_by_role("button", name="New password link").click()
    await expect(page.get_by_label("Link for ben")).to_be_visible()
    await look_at("link")
    await page.goto(USERS)
    await page.get_by_role("button", name="Invite").click()
    await expect(page.get_by_label("Invitation")).to_be_visible()
    await page.goto(f"{USERS}?q=nobody")
    await page.get_by_role("button", name="Make account").evaluate("button => button.form.noValidate = true")
    await page.get_by_role("button", name="Make account").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.context.clear_cookies(name="hubauth_recent")
    await page.goto(f"{USERS}?size=2")
    await expect(page.get_by_text("You signed in a while ago")).to_be_visible()


async def test_several_are_approved_by_keyboard_alone(hub: Hub, open_page: OpenPage) -> None:
    page = await as_boss(open_page, hub, f"{USERS}?status=pending")
    await page.goto(f"{USERS}?status=pending&q=student0&size=5")
    passed = await press_tab_until(page, "#native-all")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    rows = [round(top / 20) for top in passed]
    assert (rows, outline) == (sorted(rows), "solid")
    await page.keyboard.press("Space")
    await expect(page.locator("#native-selected")).to_have_text("(5)")
    await press_tab_until(page, "input[aria-label='Select student04']")
    await page.keyboard.press("Space")
    await expect(page.locator("#native-selected")).to_have_text("(4)")
    await press_tab_until(page, "button[value=approve]")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("4 accounts are approved")
    await page.goto(f"{USERS}?q=student0&sort=name")
    await expect(page.get_by_role("row", name="student04").get_by_text("Waits for approval")).to_be_visible()
    await expect(page.get_by_role("row", name="student03").get_by_text("Active")).to_be_visible()


async def test_without_scripts_everything_works(hub: Hub, open_page: OpenPage) -> None:
    page = await as_boss(open_page, hub, java_script_enabled=False)
    await expect(page.get_by_text("page 1 of 2")).to_be_visible()
    await page.get_by_role("link", name="Next page").click()
    await expect(page.get_by_text("page 2 of 2")).to_be_visible()
    await page.get_by_label("Search names and addresses").fill("student 5")
    await page.get_by_role("button", name="Search").click()
    for number in (50, 51):
        await page.get_by_role("checkbox", name=f"Select student{number}").check()
    await page.get_by_role("button", name="Refuse").click()
    await page.get_by_label("Reason").fill("no course this term")
    await page.get_by_role("button", name="Refuse").click()
    await expect(page.get_by_role("status")).to_contain_text("2 accounts are refused")


async def test_a_strict_policy_for_scripts_and_forms_is_kept(shared_hub: hubs.StartHub, open_page: OpenPage) -> None:
    strict = f"c.JupyterHub.tornado_settings = {{'headers': {{'Content-Security-Policy': {STRICT!r}}}}}\n"
    hub = shared_hub(TEXT + strict)
    Staffed(hub).add("ada")
    page = await as_boss(open_page, hub)
    await page.get_by_role("checkbox", name="Select all on this page").check()
    await expect(page.locator("#native-selected")).to_have_text("(1)")


async def test_the_way_leads_from_every_page_for_those_who_may(hub: Hub, open_page: OpenPage) -> None:
    page = await as_boss(open_page, hub, "/hub/home")
    await page.get_by_role("link", name="Accounts").click()
    await expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    other = await open_page(hub, "/hub/auth/staff/login?next=/hub/home")
    await other.locator("input[name=username]").fill("somebody")
    await other.locator("input[name=password]").fill(PASSWORD)
    await other.locator("main button[type=submit]").click()
    await expect(other.get_by_role("link", name="Connections")).to_be_visible()
    await expect(other.get_by_role("link", name="Accounts")).to_have_count(0)


@pytest.mark.parametrize("width", [PHONE["width"], 600])
async def test_what_a_table_says_is_said_at_every_width(hub: Hub, open_page: OpenPage, width: int) -> None:
    page = await as_boss(open_page, hub, viewport={"width": width, "height": 700})
    await page.goto(f"{USERS}?q=zoe")
    await expect(page.get_by_text("Inactive until 2096")).to_be_visible()
