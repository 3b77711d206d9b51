"""Signing up in Chromium: in light and dark, on a phone, by keyboard, without scripts, through axe."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub
from harness.smtp import Sink, link_in, sink

from .conftest import STRICT
from .looking import BACKGROUNDS, PHONE, backgrounds, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

HERE = "/hub/auth/local/signup"
PASSWORD = "zebra lantern 47 quartz"
OPTIONS: dict[str, Any] = {
    "type": "native",
    "label": "House accounts",
    "argon2_unsafe": True,
    "argon2_memory_cost": 8,
    "argon2_time_cost": 1,
    "limits": {kind: {"account": "", "address": "", "overall": ""} for kind in ("sign_up", "verify", "sign_in")},
    "signup": "approval",
    "self_approval_domains": ["uni.example"],
    "terms_text": "Be kind.\n" + "Do not mine anything, and keep your password to yourself.\n" * 12,
    "terms_url": "https://hub.example/terms",
    "terms_version": "2026-01",
}
CONFIG = """
c.JupyterHub.public_url = HUB_URL + "/"
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {{"local": {options!r}}}
c.JupyterHub.tornado_settings = {{"headers": {{"Content-Security-Policy": {policy!r}}}}}
"""
POLICY = f"{STRICT}; connect-src 'self'"
"""A policy that forbids what stands in the page itself."""


@pytest.fixture(scope="session")
def post() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def hub(shared_hub: hubs.StartHub, post: Sink) -> Hub:
    return shared_hub(CONFIG.format(options=OPTIONS | post.options(), policy=POLICY))


def name() -> str:
    return f"p{uuid.uuid4().hex[:10]}"


async def fill(page: Page, username: str, *, email: str = "", password: str = PASSWORD, accept: bool = True) -> None:
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password", exact=True).fill(password)
    if accept:
        await page.get_by_role("checkbox").check()


async def send(page: Page) -> None:
    await page.get_by_role("button", name="Ask for an account").click()


async def test_axe_finds_nothing_from_the_form_to_the_open_account(
    hub: Hub, open_page: OpenPage, axe: str, post: Sink, tmp_path: Path
) -> None:
    page = await open_page(hub, HERE)
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "form") == BACKGROUNDS

    await fill(page, "admin")
    await send(page)
    await expect(page.get_by_role("alert")).to_contain_text("reserved")
    await expect(page.get_by_label("Username")).to_be_focused()
    await expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    assert await findings(page, axe) == []

    username = name()
    address = f"{username}@uni.example"
    await fill(page, username, email=address)
    await send(page)
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "mail") == BACKGROUNDS

    await page.goto(link_in(await post.mail_to(address)))
    await expect(page.get_by_role("heading", name="Confirm your address")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "address") == BACKGROUNDS

    await page.get_by_role("button", name="Yes, open my account").click()
    await expect(page.get_by_role("status")).to_contain_text("Your address is confirmed")
    await expect(page.get_by_role("heading", name="Your account is ready")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path / "ready") == BACKGROUNDS


async def test_axe_finds_nothing_where_somebody_waits_or_comes_too_late(
    hub: Hub, open_page: OpenPage, axe: str
) -> None:
    page = await open_page(hub, HERE)
    await fill(page, name())
    await send(page)
    await expect(page.get_by_role("heading", name="Your application waits")).to_be_visible()
    assert await findings(page, axe) == []
    for path, heading in (
        ("verify?token=x", "This link does not work any more"),
        ("invite?token=x", "This link does not work any more"),
    ):
        await page.goto(f"/hub/auth/local/{path}")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert await findings(page, axe) == []
    stranger = await open_page(hub, f"{HERE}/status")
    await expect(stranger.get_by_role("heading", name="No application")).to_be_visible()
    assert await findings(stranger, axe) == []


async def test_by_keyboard_alone(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    await page.get_by_role("link", name="Create an account").click()
    await expect(page.get_by_label("Username")).to_be_focused()
    await page.keyboard.type(name())
    await press_tab_until(page, "input[name=password]")
    await page.keyboard.type(PASSWORD)
    passed = await press_tab_until(page, "input[name=terms]")
    assert passed == sorted(passed)
    await page.keyboard.press("Space")
    await press_tab_until(page, "main button[type=submit]", most=2)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Your application waits")).to_be_visible()


async def test_a_phone_needs_no_sideways_scrolling(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, HERE, viewport=PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    username = "a-name-that-is-rather-long-for-a-phone-" + name()
    await fill(page, username, email=f"{username}@elsewhere.example")
    await send(page)
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_without_scripts_the_password_is_asked_for_twice(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, HERE, java_script_enabled=False)
    username = name()
    await fill(page, username)
    await page.get_by_label("The same password again", exact=True).fill("another one")
    await send(page)
    await expect(page.get_by_role("alert")).to_contain_text("differ")
    await fill(page, username)
    await page.get_by_label("The same password again", exact=True).fill(PASSWORD)
    await send(page)
    await expect(page.get_by_role("heading", name="Your application waits")).to_be_visible()


@pytest.mark.row("6.2.6", "6.2.7")
async def test_the_password_can_be_shown_and_pasted_and_is_new_to_password_managers(
    hub: Hub, open_page: OpenPage
) -> None:
    page = await open_page(hub, HERE)
    field = page.get_by_label("Password", exact=True)
    await expect(field).to_have_attribute("type", "password")
    await expect(field).to_have_attribute("autocomplete", "new-password")
    await expect(page.get_by_label("The same password again", exact=True)).to_have_count(0)
    await field.focus()
    await page.evaluate(
        "document.execCommand('insertText', false, 'pasted ' + 'long '.repeat(40))",
    )
    await page.get_by_role("button", name="Show Password").click()
    await expect(field).to_have_attribute("type", "text")
    assert len(await field.input_value()) == 207
