"""How the browser tests look at a page: in which light, through axe, by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Page

DESK = {"width": 1000, "height": 800}
PHONE = {"width": 320, "height": 640}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": DESK},
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"color_scheme": "light", "viewport": PHONE},
    "phone dark": {"color_scheme": "dark", "viewport": PHONE},
}
"""How people see a page."""


SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Until the page has heard of a change of light and was drawn again."""


async def every_look(page: Page) -> AsyncIterator[str]:
    """Show the page that is open in one look after the other, the plain one last. Nothing moves meanwhile."""
    for name, look in reversed(LOOKS.items()):
        await page.emulate_media(color_scheme=look["color_scheme"], reduced_motion="reduce")
        await page.set_viewport_size(look["viewport"])
        await page.evaluate(SETTLED)
        yield name


LOOKED_FOR = {"resultTypes": ["violations", "incomplete"], "preload": False}
"""What passes takes axe as long to describe as what does not; styles and videos of other places are not looked at."""
COLOURS = LOOKED_FOR | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What of a page is another one in the dark: nothing else is looked at twice."""


async def findings(page: Page, axe: str) -> list[str]:
    """What axe objects to in any look, and what it cannot decide about colours."""
    await page.evaluate(axe)
    found: list[str] = []
    async for look in every_look(page):
        options = COLOURS if "dark" in look else LOOKED_FOR
        result: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
        rules = [*result["violations"], *result["incomplete"]]
        found += [f"{rule['id']}: {look}: {node['html']}" for rule in rules for node in rule["nodes"]]
    return found


BACKGROUNDS = {name: "rgb(33, 37, 41)" if "dark" in name else "rgb(255, 255, 255)" for name in LOOKS}
"""What a page of the hub is drawn on."""


async def backgrounds(page: Page, pictures: Path) -> dict[str, str]:
    """What the page is drawn on in every look; leaves a picture of each, named after it."""
    seen: dict[str, str] = {}
    async for look in every_look(page):
        await page.screenshot(path=pictures / f"{look}.png", full_page=True, animations="disabled")
        seen[look] = await page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    return seen


async def press_tab_until(page: Page, selector: str, most: int = 40) -> list[float]:
    """Press Tab until the element has the focus; returns how far down the page the focus was on the way."""
    wanted = page.locator(selector)
    await wanted.wait_for()
    passed: list[float] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.closest('main') !== null"):
            passed.append(await page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
        if await wanted.evaluate("element => element === document.activeElement"):
            return passed
    raise AssertionError(f"the keyboard does not reach {selector}")
