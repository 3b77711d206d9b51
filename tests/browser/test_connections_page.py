"""The page of connections in Chromium: by keyboard, without scripts, in light and dark, on a phone, through axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub
from harness.parts import ROOT

from .looking import BACKGROUNDS, PHONE, backgrounds, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = "/hub/connections"


async def as_guest(open_page: OpenPage, hub: Hub, name: str, then: str = HERE, **options: Any) -> Page:
    """Sign in with the form of the guests, and go on to a page."""
    page = await open_page(hub, f"/hub/auth/guests/login?next={then}", **options)
    await page.locator("input[name=username]").fill(name)
    await page.locator("input[name=password]").fill("welcome")
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(f"**{then}")
    return page


async def connect_staff(page: Page, name: str) -> None:
    """Connect an account of the staff directory, whose form asks for a name and a password."""
    await page.get_by_role("button", name="Connect Staff directory").click()
    await page.locator("input[name=username]").fill(name)
    await page.locator("input[name=password]").fill("secret")
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(f"**{HERE}")


async def test_axe_finds_nothing_on_the_way_to_a_connection_and_back(hub: Hub, open_page: OpenPage, axe: str) -> None:
    page = await as_guest(open_page, hub, "axe")
    assert await findings(page, axe) == []

    await page.get_by_role("button", name="Connect Staff directory").click()
    await expect(page.get_by_role("heading", name="Connect Staff directory")).to_be_visible()
    assert await findings(page, axe) == []

    await page.goto(f"{HERE}?connect=forge&scope=repo&scope=nonsense")
    assert await findings(page, axe) == []
    await connect_staff(page, "axe")
    await expect(page.get_by_role("status")).to_contain_text("Staff directory is connected")
    assert await findings(page, axe) == []

    await page.context.clear_cookies(name="hubauth_recent")
    await page.get_by_role("button", name="Disconnect Staff directory").click()
    await expect(page.get_by_role("alert")).to_contain_text("You signed in too long ago")
    assert await findings(page, axe) == []


@hubs.newest_only
async def test_axe_finds_nothing_where_somebody_is_asked_who_they_are(hub: Hub, open_page: OpenPage, axe: str) -> None:
    other = await open_page(hub, "/hub/auth/forge/login")
    await other.get_by_role("button", name="First Twin").click()
    page = await open_page(hub, "/hub/auth/forge/login")
    await page.get_by_role("button", name="Second Twin").click()
    await expect(page.get_by_role("heading", name="Is that you?")).to_be_visible()
    assert await findings(page, axe) == []

    await page.get_by_role("link", name="Sign in the way you did before").click()
    await page.locator("#hubauth-guests-username").fill("twin")
    await page.locator("#hubauth-guests-password").fill("welcome")
    await page.locator("#hubauth-guests-password").press("Enter")
    await page.wait_for_url(f"**{HERE}")
    await expect(page.get_by_text("Connect that account to your account guests-twin here?")).to_be_visible()
    assert await findings(page, axe) == []

    await page.get_by_role("button", name="No, leave it").click()
    await expect(page.get_by_role("status")).to_contain_text("Nothing was connected")


@hubs.newest_only
async def test_axe_finds_nothing_where_an_administrator_looks_at_others(
    hub: Hub, open_page: OpenPage, axe: str
) -> None:
    name = "looked-at"
    person = await as_guest(open_page, hub, name)
    await connect_staff(person, name)
    page = await open_page(hub, f"/hub/auth/uni/login?next={HERE}")
    await page.get_by_role("button", name="Ada Brandt").click()
    await page.get_by_label("Hub username").fill(f"guests-{name}")
    assert await findings(page, axe) == []

    await page.get_by_role("button", name="Show connections").click()
    await expect(page.get_by_role("heading", name=f"Connections of guests-{name}")).to_be_visible()
    assert await findings(page, axe) == []

    await page.get_by_role("button", name="Let Staff directory decide").click()
    await expect(page.get_by_role("status")).to_contain_text("Staff directory decides about this user from now on")
    await page.get_by_role("button", name="Disconnect Guest accounts").click()
    await expect(page.get_by_role("status")).to_contain_text("all sessions of this user have ended")


async def test_a_phone_needs_no_sideways_scrolling(hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, hub, "phone", viewport=PHONE)
    await connect_staff(page, "a-name-that-is-rather-long-for-a-phone")

    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_connect_and_disconnect_by_keyboard_alone(hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, hub, "keys")
    await press_tab_until(page, "form[action$='/staff/connect'] button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/connect")
    await page.keyboard.type("keys-at-work")
    await press_tab_until(page, "input[name=password]", most=1)
    await page.keyboard.type("secret")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Staff directory is connected")

    passed = await press_tab_until(page, "form[action$='/staff/disconnect'] button")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert passed == sorted(passed)
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Staff directory is disconnected")
    await expect(page.get_by_role("button", name="Connect Staff directory")).to_be_visible()


@hubs.newest_only
async def test_a_wrong_password_stays_on_the_form_of_the_link(hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, hub, "wrong")
    await page.get_by_role("button", name="Connect Staff directory").click()
    await page.locator("input[name=username]").fill("wrong")
    await page.locator("input[name=password]").fill("not it")
    await page.locator("main button[type=submit]").click()
    await expect(page.get_by_role("heading", name="Connect Staff directory")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("Invalid username or password")
    await page.locator("input[name=password]").fill("secret")
    await page.locator("main button[type=submit]").click()

    await expect(page.get_by_role("status")).to_contain_text("Staff directory is connected")
    await expect(page.locator("#login_widget")).to_contain_text("guests-wrong")


async def allow(page: Page, reader: str) -> None:
    """At the library: be that reader."""
    await page.get_by_role("button", name=reader).click()
    await page.wait_for_url(f"**{HERE}")


@hubs.newest_only
@pytest.mark.row("10.7.3")
async def test_permissions_are_asked_for_step_by_step_and_shown(hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, hub, "steps", then=f"{HERE}?connect=forge")
    await page.get_by_role("button", name="Connect GitHub").click()
    await allow(page, "Reader 1")
    forge = page.locator(".hubauth-section", has=page.get_by_role("heading", name="GitHub"))
    await expect(forge.locator("dl")).to_contain_text("openid profile")
    await expect(forge.locator("dl")).not_to_contain_text("repo")

    await page.goto(f"{HERE}?connect=forge&scope=repo")
    await expect(page.get_by_role("checkbox", name="repo")).to_be_checked()
    await page.get_by_role("button", name="Allow at GitHub").click()
    await allow(page, "Reader 1")
    await expect(forge.locator("dl")).to_contain_text("repo")
    await forge.locator("summary").click()
    await expect(page.get_by_role("checkbox", name="repo")).to_have_count(0)
    await expect(page.get_by_role("checkbox", name="gist")).not_to_be_checked()


@hubs.newest_only
async def test_without_scripts_everything_works(hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, hub, "plain", java_script_enabled=False)
    await page.get_by_role("checkbox", name="gist").check()
    await page.get_by_role("button", name="Connect GitHub").click()
    await allow(page, "Reader 2")
    forge = page.locator(".hubauth-section", has=page.get_by_role("heading", name="GitHub"))
    await expect(forge.locator("dl")).to_contain_text("gist")
    await page.get_by_role("button", name="Disconnect GitHub").click()

    await expect(page.get_by_role("status")).to_contain_text("GitHub is disconnected")


@hubs.newest_only
@pytest.mark.row("V11")
async def test_a_strict_policy_for_forms_lets_people_go_on_to_the_source(rough_hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, rough_hub, "strict")
    await page.get_by_role("button", name="Connect GitHub").click()
    await allow(page, "Reader 3")

    await expect(page.get_by_role("status")).to_contain_text("GitHub is connected")


async def test_every_page_of_the_hub_leads_there(hub: Hub, open_page: OpenPage) -> None:
    page = await as_guest(open_page, hub, "nav", then="/hub/home")
    await page.get_by_role("link", name="Connections").click()

    await expect(page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()


@hubs.newest_only
async def test_light_is_light_and_dark_is_dark(hub: Hub, open_page: OpenPage, tmp_path: Path) -> None:
    """Leaves screenshots for people to look at; HUBAUTH_SCREENSHOT=1 renews the one of the how-to."""
    page = await as_guest(open_page, hub, "seen", then=f"{HERE}?connect=forge")
    await page.get_by_role("button", name="Connect GitHub").click()
    await allow(page, "Reader 4")
    assert await backgrounds(page, tmp_path) == BACKGROUNDS
    if os.environ.get("HUBAUTH_SCREENSHOT") == "1":
        shutil.copy(tmp_path / "light.png", ROOT / "docs" / "images" / "connect-accounts.png")
