"""The field for a new password in Chromium: meter, show and hide, paste, without scripts, in light and dark, axe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub

from .conftest import STRICT
from .looking import BACKGROUNDS, backgrounds, findings

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "local": {
        "type": "native",
        "username_prefix": "",
        "signup": "open",
        "limits": {"strength": {"address": ""}, "sign_up": {"address": "", "overall": ""}},
    },
}
"""
NOTHING_INSIDE = f"""
c.JupyterHub.tornado_settings = {{"headers": {{"Content-Security-Policy": {STRICT!r} + "; connect-src 'self'"}}}}
"""
"""A policy that forbids what stands in the page itself, the hub's own scripts too."""
HERE = "/hub/auth/local/signup"
GOOD = "a snail rode past me"


@pytest.fixture
def hub(shared_hub: hubs.StartHub) -> Hub:
    return shared_hub(CONFIG)


@pytest.fixture
def strict_hub(shared_hub: hubs.StartHub) -> Hub:
    return shared_hub(CONFIG + NOTHING_INSIDE)


async def test_the_meter_tells_what_the_server_will_say(strict_hub: Hub, open_page: OpenPage) -> None:
    hub = strict_hub
    page = await open_page(hub, HERE)
    password, meter = page.get_by_label("Password", exact=True), page.get_by_role("meter")
    said = page.locator(".native-password").get_by_role("status")
    await expect(meter).to_be_hidden()

    await page.get_by_label("Username").fill("annabel")
    await password.press_sequentially("annabel annabel")
    await expect(said).to_contain_text("made of your name")
    await expect(meter).to_have_accessible_name("Strength of the password")
    refused = await said.inner_text()

    await password.fill(GOOD)
    await expect(said).to_have_text("Very strong.")
    assert await meter.evaluate("meter => meter.value") == 4

    await password.fill("")
    await expect(meter).to_be_hidden()
    await expect(said).to_have_text("")

    await password.fill("annabel annabel")
    await password.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text(refused)


@pytest.mark.row("P08", "6.2.7")
async def test_a_password_can_be_pasted_whole(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, HERE)
    long = (GOOD * 13)[:250]
    await page.get_by_label("Username").fill(long)
    await page.get_by_label("Username").press("Control+a")
    await page.get_by_label("Username").press("Control+c")
    password = page.get_by_label("Password", exact=True)
    await password.press("Control+v")
    assert await password.input_value() == long


@pytest.mark.row("P08", "6.2.6", "6.2.7")
async def test_it_hides_what_is_typed_until_asked_and_managers_know_it(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, HERE)
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_have_attribute("type", "password")
    await expect(password).to_have_attribute("autocomplete", "new-password")
    show = page.get_by_role("button", name="Show Password")
    await show.click()
    await expect(password).to_have_attribute("type", "text")
    await expect(show).to_have_attribute("aria-pressed", "true")
    await show.click()
    await expect(password).to_have_attribute("type", "password")


async def test_without_scripts_the_server_says_why(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, HERE, java_script_enabled=False)
    await page.get_by_label("Username").fill("berta")
    for label in ("Password", "The same password again"):
        await page.get_by_label(label, exact=True).fill("passwordpassword")
    await page.get_by_role("meter").wait_for(state="hidden")
    await page.locator("main button[type=submit]").click()
    await expect(page.get_by_role("alert")).to_contain_text("easy to guess")


async def test_a_hub_that_does_not_answer_leaves_the_form_alone(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, HERE)
    await page.route("**/password-strength", lambda route: route.fulfill(status=429, body="{}"))
    password = page.get_by_label("Password", exact=True)
    async with page.expect_response("**/password-strength"):
        await password.fill(GOOD)
    await expect(page.get_by_role("meter")).to_be_hidden()


@pytest.mark.parametrize("password", ["annabel", GOOD])
async def test_axe_finds_nothing(hub: Hub, open_page: OpenPage, axe: str, password: str, tmp_path: Path) -> None:
    page = await open_page(hub, HERE)
    await page.get_by_label("Password", exact=True).fill(password)
    await expect(page.get_by_role("meter")).to_be_visible()
    assert await findings(page, axe) == []
    assert await backgrounds(page, tmp_path) == BACKGROUNDS
