"""The sign-in page in Chromium: by keyboard, without scripts, in light and dark, on a phone, through axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub
from harness.parts import ROOT

from .looking import BACKGROUNDS, PHONE, backgrounds, findings, press_tab_until

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.asyncio(loop_scope="session")

NEXT = "/hub/token?from=the%20start&x=1"


async def fail_at_guests(page: Page) -> None:
    """Send a wrong password from the sign-in page."""
    await page.locator("#hubauth-guests-username").fill("carol")
    await page.locator("#hubauth-guests-password").fill("wrong")
    await page.locator("#hubauth-guests-password").press("Enter")
    await expect(page.locator("#error-hubauth-guests")).to_be_visible()


async def test_axe_finds_nothing_on_the_sign_in_page(hub: Hub, open_page: OpenPage, axe: str) -> None:
    page = await open_page(hub, "/hub/login")
    assert await findings(page, axe) == []

    await fail_at_guests(page)
    assert await findings(page, axe) == []


@pytest.mark.parametrize("path", ["/hub/auth/guests/login", "/hub/auth/uni/callback?error=access_denied"])
async def test_axe_finds_nothing_on_a_forms_own_page_and_on_the_refused_page(
    hub: Hub, open_page: OpenPage, axe: str, path: str
) -> None:
    page = await open_page(hub, path)

    assert await findings(page, axe) == []


@hubs.newest_only
async def test_axe_is_awake(hub: Hub, open_page: OpenPage, axe: str) -> None:
    page = await open_page(hub, "/hub/login")
    wrong = "<input><img src=/hub/logo><p style='color: #444'>for the light alone</p>"
    await page.evaluate("wrong => { document.querySelector('main').innerHTML = wrong }", wrong)

    found = await findings(page, axe)
    assert {finding.partition(":")[0] for finding in found} >= {"label", "image-alt"}
    dim = {finding.split(": ")[1] for finding in found if finding.startswith("color-contrast") and "alone" in finding}
    assert dim == {"dark", "phone dark"}


@pytest.mark.parametrize("path", ["/hub/login", "/hub/auth/guests/login", "/hub/auth/uni/callback"])
async def test_a_phone_needs_no_sideways_scrolling(hub: Hub, open_page: OpenPage, path: str) -> None:
    page = await open_page(hub, path, viewport=PHONE)

    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@hubs.newest_only
async def test_icons_follow_light_and_dark(hub: Hub, open_page: OpenPage) -> None:
    colours = [
        await (await open_page(hub, "/hub/login", color_scheme=scheme))
        .locator("a[href*='/auth/uni/'] svg path")
        .evaluate("path => getComputedStyle(path).fill")
        for scheme in ("light", "dark")
    ]

    assert colours[0] == "rgb(33, 37, 41)"
    assert colours[1] == "rgb(248, 249, 250)"


@hubs.newest_only
async def test_the_order_is_that_of_the_configuration(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    texts = await page.locator(".hubauth > a, .hubauth > section > h2").all_inner_texts()

    assert [text.strip() for text in texts] == [
        "Sign in with Example University",
        "Guest accounts",
        "Sign in with GitHub",
        "Staff directory",
    ]


async def test_sign_in_with_a_form_by_keyboard_alone(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, f"/hub/login?next={quote(NEXT)}")
    await press_tab_until(page, "#hubauth-guests-username")
    await page.keyboard.type("dora")
    await press_tab_until(page, "#hubauth-guests-password", most=1)
    await page.keyboard.type("welcome")
    await press_tab_until(page, "form[action*='/guests/'] button[type=submit]", most=2)
    await page.keyboard.press("Enter")

    await page.wait_for_url(f"**{NEXT}")
    await expect(page.locator("#login_widget")).to_contain_text("guests-dora")


async def test_sign_in_with_a_button_by_keyboard_alone(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, f"/hub/login?next={quote(NEXT)}")
    await press_tab_until(page, "a[href*='/auth/uni/']")
    await page.keyboard.press("Enter")
    await press_tab_until(page, "button[value='u-1']")
    await page.keyboard.press("Enter")

    await page.wait_for_url(f"**{NEXT}")
    await expect(page.locator("#login_widget")).to_contain_text("ada")


async def test_the_keyboard_goes_from_top_to_bottom_and_the_focus_shows(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    passed = await press_tab_until(page, "form[action*='/staff/'] button[type=submit]")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")

    assert len(passed) > 6
    assert passed == sorted(passed)
    assert outline == "solid"


async def test_a_wrong_password_stays_on_the_page_and_the_focus_goes_to_the_password(
    hub: Hub, open_page: OpenPage
) -> None:
    page = await open_page(hub, "/hub/login")
    await fail_at_guests(page)

    await expect(page.locator("#hubauth-guests-username")).to_have_value("carol")
    await expect(page.locator("#hubauth-guests-password")).to_be_focused()
    await expect(page.locator("#hubauth-guests-password")).to_have_value("")
    await expect(page.locator("form[action*='/staff/'] input[name=username]")).to_have_value("")
    await expect(page.get_by_role("alert")).to_have_count(1)


@pytest.mark.row("R06")
async def test_a_refused_person_reads_why_and_can_go_on(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    await page.get_by_role("link", name="Sign in with Example University").click()
    await page.get_by_role("button", name="Ben Okafor").click()

    await expect(page.get_by_role("alert")).to_contain_text("does not let you in")
    await expect(page).to_have_url(f"{hub.url}/hub/auth/uni/callback")  # without what the source answered
    await page.get_by_role("link", name="Other ways to sign in").click()
    await expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


@hubs.newest_only
@pytest.mark.row("X20")
async def test_whoever_cancels_at_the_source_is_told_so(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/auth/uni/login")
    await page.get_by_role("button", name="Cancel").click()

    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("link", name="Try again with Example University")).to_be_visible()


@hubs.newest_only
async def test_a_password_can_be_shown(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    password = page.locator("#hubauth-guests-password")
    reveal = page.locator("section", has=password).get_by_role("button", name="Show Password")

    await reveal.click()
    await expect(password).to_have_attribute("type", "text")
    await expect(reveal).to_have_attribute("aria-pressed", "true")
    await reveal.click()
    await expect(password).to_have_attribute("type", "password")


class TestWithoutJavaScript:
    """The hub's own pages ask for JavaScript; ours do without."""

    @hubs.newest_only
    async def test_sign_in_with_a_form(self, hub: Hub, open_page: OpenPage) -> None:
        page = await open_page(hub, "/hub/login?next=/hub/token", java_script_enabled=False)
        await expect(page.locator(".hubauth-reveal").first).to_be_hidden()
        await page.locator("#hubauth-guests-username").fill("emil")
        await page.locator("#hubauth-guests-password").fill("welcome")
        await page.get_by_role("button", name="Sign in with Guest accounts").click()

        await expect(page.locator("#login_widget")).to_contain_text("guests-emil")

    @hubs.newest_only
    async def test_sign_in_with_a_button(self, hub: Hub, open_page: OpenPage) -> None:
        page = await open_page(hub, "/hub/login?next=/hub/token", java_script_enabled=False)
        await page.get_by_role("link", name="Sign in with GitHub").click()
        await page.get_by_role("button", name="Ada Brandt").click()

        await expect(page.locator("#login_widget")).to_contain_text("forge-ada")


@hubs.newest_only
class TestUnderRoughConditions:
    """A provider that cannot start, a label full of markup, a strict Content-Security-Policy."""

    @pytest.mark.row("V11")
    async def test_a_label_with_markup_is_text(
        self, rough_hub: Hub, open_page: OpenPage, label_with_markup: str
    ) -> None:
        page = await open_page(rough_hub, "/hub/login")

        assert await page.title() == "Sign in - JupyterHub"
        await expect(page.get_by_role("button", name=f"Sign in with {label_with_markup}")).to_be_visible()

    @pytest.mark.row("V11")
    async def test_our_script_and_style_do_not_stand_in_the_page(self, rough_hub: Hub, open_page: OpenPage) -> None:
        page = await open_page(rough_hub, "/hub/login")
        await page.locator(".hubauth-reveal").first.click()

        await expect(page.locator("#hubauth-guests-password")).to_have_attribute("type", "text")
        assert await page.locator(".hubauth").evaluate("element => getComputedStyle(element).display") == "flex"

    @pytest.mark.row("F16")
    async def test_a_provider_that_cannot_start_says_so_and_leads_nowhere(
        self, rough_hub: Hub, open_page: OpenPage
    ) -> None:
        page = await open_page(rough_hub, "/hub/login")

        await expect(page.locator(".hubauth-unavailable")).to_contain_text("corp", ignore_case=True)
        assert await page.locator("a[href*='/auth/corp/']").count() == 0
        await expect(page.get_by_role("link", name="Sign in with GitHub")).to_be_visible()

    async def test_axe_finds_nothing(self, rough_hub: Hub, open_page: OpenPage, axe: str) -> None:
        page = await open_page(rough_hub, "/hub/login")

        assert await findings(page, axe) == []


@hubs.newest_only
@pytest.mark.parametrize("base", ["templates/login.html", "hubauth-login.html"])
async def test_an_administrators_login_page_wins(
    shared_hub: hubs.StartHub, hub_config: str, open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory, base: str
) -> None:
    folder = tmp_path_factory.mktemp("templates")
    override = '{% extends "BASE" %}{% block announcement %}<p>Maintenance on Friday</p>{% endblock %}'
    (folder / "login.html").write_text(override.replace("BASE", base))
    hub = shared_hub(f"{hub_config}\nc.JupyterHub.template_paths = [{str(folder)!r}]\n")
    page = await open_page(hub, "/hub/login?next=/hub/token")

    await expect(page.get_by_text("Maintenance on Friday")).to_be_visible()
    await page.get_by_role("link", name="Sign in with GitHub").click()
    await page.get_by_role("button", name="Ada Brandt").click()
    await expect(page.locator("#login_widget")).to_contain_text("forge-ada")


@pytest.mark.row("V11")
async def test_a_form_that_is_too_old_says_so_and_offers_the_way_on(hub: Hub, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    await page.locator("form[action*='/guests/'] input[name=_xsrf]").evaluate("input => { input.value = 'long ago' }")
    await page.locator("#hubauth-guests-username").fill("fay")
    await page.locator("#hubauth-guests-password").fill("welcome")
    await page.locator("#hubauth-guests-password").press("Enter")

    await expect(page.get_by_role("alert")).to_contain_text("too old")
    await page.get_by_role("link", name="Back to the sign-in page").click()
    await expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


@hubs.newest_only
async def test_light_is_light_and_dark_is_dark(hub: Hub, open_page: OpenPage, tmp_path: Path) -> None:
    """Leaves screenshots for people to look at; HUBAUTH_SCREENSHOT=1 renews the one in the README."""
    page = await open_page(hub, "/hub/login")
    assert await backgrounds(page, tmp_path) == BACKGROUNDS
    if os.environ.get("HUBAUTH_SCREENSHOT") == "1":
        shutil.copy(tmp_path / "light.png", ROOT / "docs" / "images" / "sign-in.png")
