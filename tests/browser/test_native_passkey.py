"""Second factors in Chromium: a virtual authenticator for passkeys, an app's QR code, by keyboard, on a phone, axe."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.async_api import CDPSession, Page, expect

from harness import hubs
from harness.hub import Hub
from harness.mail_scene import NAME, PASSWORD, MailScene
from integration.native_hub import config

from .conftest import STRICT
from .looking import every_look, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

LIMITS = {kind: {"account": "", "address": "", "overall": ""} for kind in ("sign_in", "second_factor", "password")}
POLICY = f"""
c.JupyterHub.public_url = HUB_URL.replace("127.0.0.1", "localhost")
c.JupyterHub.tornado_settings = {{"headers": {{"Content-Security-Policy": {STRICT!r} + "; connect-src 'self'"}}}}
"""
"""A policy that forbids what stands in the page itself."""
KEYS = {"JUPYTERHUB_CRYPT_KEY": "5a" * 32}
SECURITY = f"/hub/auth/{NAME}/security"


@pytest.fixture
def scene(shared_hub: hubs.StartHub) -> MailScene:
    return MailScene(shared_hub(config(None, limits=LIMITS, remember_browser_days=7) + POLICY, environment=KEYS))


@pytest.fixture
def strict(shared_hub: hubs.StartHub) -> MailScene:
    """A hub that wants a second factor of everybody."""
    text = config(None, limits=LIMITS, second_factor="required") + POLICY
    return MailScene(shared_hub(text, environment=KEYS))


def at(hub: Hub, path: str) -> str:
    """A page at the name of this machine; a number has no passkeys."""
    return hub.url.replace("127.0.0.1", "localhost") + path


def name() -> str:
    return f"p{uuid.uuid4().hex[:10]}"


async def authenticator(page: Page, **more: Any) -> tuple[CDPSession, str]:
    """A device that makes passkeys, and whose owner agrees to all."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    about = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = about | {"isUserVerified": True, "automaticPresenceSimulation": True} | more
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, made["authenticatorId"]


async def type_password(page: Page, hub: Hub, username: str, then: str = "/hub/home") -> None:
    await page.goto(at(hub, f"/hub/login?next={then}"))
    await page.locator("input[name=username]").fill(username)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")


async def sign_out(page: Page, hub: Hub) -> None:
    await page.goto(at(hub, "/hub/logout"))
    await page.goto(at(hub, "/hub/home"))
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def begin_to_add(page: Page) -> None:
    await page.get_by_role("button", name="Add a second factor").click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Add a second factor")).to_be_visible()


async def secret_on(page: Page) -> str:
    return (await page.locator(".native-secret").inner_text()).replace(" ", "")


@pytest.mark.row("M17")
async def test_a_passkey_is_added_used_beside_the_password_and_alone(scene: MailScene, open_page: OpenPage) -> None:
    username, hub = name(), scene.hub
    scene.add(username)
    page = await open_page(hub, at(hub, "/hub/login"))
    await authenticator(page)
    await type_password(page, hub, username, SECURITY)
    await begin_to_add(page)
    await page.get_by_label("A name for it").fill("this laptop")
    await page.get_by_role("button", name="Add a passkey instead").click()
    await expect(page.get_by_role("heading", name="this laptop")).to_be_visible()
    await expect(page.get_by_role("status").first).to_contain_text("Added")

    await sign_out(page, hub)
    await type_password(page, hub, username)
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    await page.get_by_role("button", name="Use a passkey").click()
    await page.wait_for_url("**/hub/home")

    await sign_out(page, hub)
    await press_tab_until(page, "button[name=use][value=passkey]")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/hub/home")

    await page.goto(at(hub, SECURITY))
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_role("heading", name="this laptop")).to_have_count(0)


async def test_a_device_without_a_passkey_keeps_the_person_on_the_page(scene: MailScene, open_page: OpenPage) -> None:
    page = await open_page(scene.hub, at(scene.hub, "/hub/login"))
    await authenticator(page, hasUserVerification=False, isUserVerified=False)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()


@pytest.mark.row("6.3.3")
async def test_an_app_is_added_during_a_sign_in_that_needs_one(
    strict: MailScene, open_page: OpenPage, axe: str
) -> None:
    username, hub = name(), strict.hub
    strict.add(username)
    page = await open_page(hub, at(hub, "/hub/login"))
    await type_password(page, hub, username)
    await expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    await expect(page.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(10)
    secret = await secret_on(page)
    await page.get_by_label("The code that the app shows now").fill("000000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not what the app shows")
    assert await secret_on(page) == secret
    assert await findings(page, axe) == []
    await page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(secret).now())
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/hub/home")


async def test_without_scripts_there_is_an_app(scene: MailScene, open_page: OpenPage) -> None:
    username, hub = name(), scene.hub
    scene.add(username)
    page = await open_page(hub, at(hub, "/hub/login"), java_script_enabled=False)
    await expect(page.get_by_role("button", name="passkey")).to_have_count(0)
    await type_password(page, hub, username, SECURITY)
    await begin_to_add(page)
    await expect(page.get_by_role("button", name="passkey")).to_have_count(0)
    secret = await secret_on(page)
    await page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(secret).now())
    await page.get_by_role("button", name="Add the app").click()
    await expect(page.get_by_role("heading", name="Authenticator app")).to_be_visible()
    await sign_out(page, hub)
    await type_password(page, hub, username)
    await page.get_by_label("Code from your authenticator app").fill(pyotp.TOTP(secret).at(int(time.time()) + 30))
    await page.get_by_label("Do not ask in this browser for 7 days").check()
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/hub/home")
    await sign_out(page, hub)
    await type_password(page, hub, username)
    await page.wait_for_url("**/hub/home")


async def test_axe_finds_nothing_in_any_look(scene: MailScene, open_page: OpenPage, axe: str, tmp_path: Path) -> None:
    """Leaves screenshots for people to look at."""
    username, hub = name(), scene.hub
    scene.add(username)
    page = await open_page(hub, at(hub, "/hub/login"))
    await authenticator(page)

    async def look_at(what: str, heading: str) -> None:
        await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        assert await findings(page, axe) == [], what
        async for look in every_look(page):
            width = page.viewport_size["width"] if page.viewport_size else 0
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, (what, look)
            await page.screenshot(path=tmp_path / f"{what}-{look}.png", full_page=True, animations="disabled")

    await look_at("sign-in", "Sign in")
    await type_password(page, hub, username, SECURITY)
    await look_at("empty", "Sign-in security")
    await page.get_by_role("button", name="Add a second factor").click()
    await look_at("proof", "Is that you?")
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    await look_at("add", "Add a second factor")
    secret = await secret_on(page)
    await page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(secret).now())
    await page.get_by_label("A name for it").fill("a phone with a rather long name that somebody typed in full")
    await page.get_by_role("button", name="Add the app").click()
    await begin_to_add(page)
    await page.get_by_role("button", name="Add a passkey instead").click()
    await expect(page.get_by_role("heading", name="Passkey")).to_be_visible()
    await look_at("list", "Sign-in security")
    await page.get_by_role("button", name="Make new recovery codes").click()
    await look_at("proof-again", "Is that you?")
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    await look_at("codes", "New recovery codes")
    await sign_out(page, hub)
    await type_password(page, hub, username)
    await look_at("step", "One more step")
    await page.get_by_role("button", name="Use a recovery code").click()
    await expect(page.get_by_label("Recovery code")).to_be_visible()
    await look_at("recovery", "One more step")
