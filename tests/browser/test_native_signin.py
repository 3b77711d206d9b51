"""Signing in to an account of the hub's own in Chromium: in light and dark, on a phone, by keyboard, through axe."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub
from harness.mail_scene import PASSWORD, MailScene

from ..integration.native_hub import config
from .conftest import STRICT
from .looking import BACKGROUNDS, PHONE, backgrounds, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

OPTIONS: dict[str, Any] = {
    "label": "House accounts",
    "signup": "approval",
    "terms_text": "Be kind.\n" + "Keep your password to yourself.\n" * 12,
    "terms_version": "2",
}
OTHERS = {"guests": {"type": "authenticator", "authenticator_class": "dummy", "allow_all": True, "label": "Guests"}}
POLICY = f"""
c.JupyterHub.tornado_settings = {{"headers": {{"Content-Security-Policy": {STRICT + "; connect-src 'self'"!r}}}}}
"""
NEW = "coral staple 52 battery"


@pytest.fixture
def hub(shared_hub: hubs.StartHub) -> Hub:
    return shared_hub(config(None, others=OTHERS, **OPTIONS) + POLICY)


def add(hub: Hub, **values: Any) -> str:
    """Somebody with an account, by name."""
    username = f"p{uuid.uuid4().hex[:10]}"
    MailScene(hub).add(username, **values)
    return username


async def type_in(page: Page, username: str, password: str = PASSWORD) -> None:
    await page.get_by_label("Username or e-mail").fill(username)
    await page.locator("#hubauth-local-password").fill(password)
    await page.get_by_role("button", name="Sign in with House accounts").click()


async def test_axe_finds_nothing_from_the_form_to_the_hub(
    hub: Hub, open_page: OpenPage, axe: str, tmp_path: Path
) -> None:
    username = add(hub, must_change=True, terms_version="1")
    page = await open_page(hub, "/hub/login")
    await expect(page.get_by_role("link", name="Create an account")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "form") == BACKGROUNDS

    await type_in(page, username, "wrong")
    await expect(page.get_by_role("alert")).to_contain_text("not right")
    await expect(page.get_by_label("Username or e-mail")).to_have_value(username)
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "wrong") == BACKGROUNDS

    await type_in(page, username)
    await expect(page.get_by_text("Your password must be changed")).to_be_visible()
    assert await findings(page, axe) == []
    await page.get_by_label("New password", exact=True).fill("short")
    await page.get_by_label("New password again", exact=True).fill("short")
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "password") == BACKGROUNDS
    await page.get_by_label("New password", exact=True).fill(NEW)
    await page.get_by_label("New password again", exact=True).fill(NEW)
    await page.get_by_role("button", name="Set password").click()

    await expect(page.get_by_text("Keep your password to yourself.").first).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "terms") == BACKGROUNDS
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Go on").click()
    await page.wait_for_url("**/hub/home")


async def test_who_must_wait_is_told_how_long(hub: Hub, open_page: OpenPage, axe: str, tmp_path: Path) -> None:
    username = add(hub)
    page = await open_page(hub, "/hub/login")
    for _ in range(5):
        await type_in(page, username, "wrong")
        await expect(page.get_by_role("alert")).to_contain_text("not right")
    await type_in(page, username, "wrong")
    await expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path) == BACKGROUNDS


async def test_the_ways_on_are_reached_by_keyboard_and_fit_a_phone(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login", viewport=PHONE)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    await press_tab_until(page, ".native-below a >> nth=0")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/forgotten")
    await page.go_back()
    await page.get_by_role("link", name="Create an account").click()
    await page.wait_for_url("**/signup")


async def test_without_scripts_it_works_too(hub: Hub, open_page: OpenPage) -> None:
    username = add(hub, terms_version="2")
    page = await open_page(hub, "/hub/login", java_script_enabled=False)
    await type_in(page, username)
    await page.wait_for_url("**/hub/home")
