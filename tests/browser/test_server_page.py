"""The page about connected accounts in a user's server, in Chromium: axe, light and dark, a phone, its own policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from hubauth_singleuser import Connection
from hubauth_singleuser.extension.page import POLICY, STATES, render

from .looking import PHONE, findings, press_tab_until

ShowPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.asyncio(loop_scope="session")


def connections() -> list[Connection]:
    """One account in each state, with names as long as they come."""
    return [
        Connection.parse(
            {
                "provider": f"provider_{number}",
                "label": f"Provider {number}",
                "username": "ann" * 10 * number,
                "state": state,
                "expires_at": 1_900_000_000.0,
                "scopes": ["repo", "https://www.example.org/auth/a.scope.that.is.an.address"],
                "resources": [],
                "git_urls": ["https://github.com", "https://forge.example/git/team"],
            }
        )
        for number, state in enumerate(STATES, start=1)
    ]


@pytest_asyncio.fixture(loop_scope="session")
async def show(browser: Browser) -> AsyncIterator[ShowPage]:
    """`await show(html, **options)` -> the page as a server would send it; a blocked part of it fails the test."""
    contexts, complaints = [], []

    async def show(html: str, **options: Any) -> Page:
        context = await browser.new_context(**options)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text))

        async def answer(route: Route) -> None:
            headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
            await route.fulfill(body=html, headers=headers)

        await page.route("**/hubauth/", answer)
        await page.goto("http://server.test/user/ann/hubauth/")
        return page

    yield show
    for context in contexts:
        await context.close()
    assert not complaints


async def test_axe_finds_nothing(show: ShowPage, axe: str) -> None:
    page = await show(render(connections(), "", "/hub/connections"))
    assert await findings(page, axe) == []
    page = await show(render([], "The hub does not answer, try again.", "/hub/connections"))
    assert await findings(page, axe) == []


async def test_a_phone_needs_no_sideways_scrolling(show: ShowPage) -> None:
    page = await show(render(connections(), "", "/hub/connections"), viewport=PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_the_keyboard_reaches_the_hub(show: ShowPage) -> None:
    page = await show(render(connections(), "", "/hub/connections"))
    await press_tab_until(page, "a[href='/hub/connections']")


async def test_light_and_dark_differ(show: ShowPage) -> None:
    pages = [await show(render([], "", "/hub/connections"), color_scheme=scheme) for scheme in ("light", "dark")]
    colours = [await page.locator("body").evaluate("body => getComputedStyle(body).color") for page in pages]
    assert colours == ["rgb(28, 32, 36)", "rgb(232, 234, 237)"]
