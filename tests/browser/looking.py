"""How the browser tests look at a page: in which light, through axe, by keyboard."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

DESK = {"width": 1000, "height": 800}
PHONE = {"width": 320, "height": 640}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": DESK},
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"color_scheme": "light", "viewport": PHONE},
    "phone dark": {"color_scheme": "dark", "viewport": PHONE, "reduced_motion": "reduce"},
}
"""How people see a page: options of a browser context."""


async def findings(page: Page, axe: str) -> list[str]:
    """What axe objects to, and what it cannot decide about colours."""
    await page.evaluate(axe)
    result: dict[str, Any] = await page.evaluate("axe.run(document)")
    return [
        f"{rule['id']}: {node['html']}"
        for rule in [*result["violations"], *result["incomplete"]]
        for node in rule["nodes"]
    ]


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
