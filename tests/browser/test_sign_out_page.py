"""The way out in Chromium: by the hub's own link at once, from another site only after a question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.hub import Hub

from .looking import findings
from .test_connections_page import as_guest

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]


@pytest.mark.row("7.4.4")
async def test_a_link_of_another_site_asks_first_and_the_hubs_own_does_not(
    hub: Hub, open_page: OpenPage, axe: str
) -> None:
    page = await as_guest(open_page, hub, "leaver")
    await page.goto(f"data:text/html,<a href='{hub.url}/hub/logout'>a prize</a>")
    await page.get_by_role("link", name="a prize").click()
    await expect(page.get_by_role("heading", name="Sign out?")).to_be_visible()
    assert await findings(page, axe) == []

    await page.get_by_role("link", name="Stay signed in").click()
    await expect(page.locator("#logout")).to_be_visible()
    await page.go_back()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/hub/login")

    page = await as_guest(open_page, hub, "leaver")
    await page.locator("#logout").click()
    await page.wait_for_url("**/hub/login")
