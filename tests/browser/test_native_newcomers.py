"""Between administrators and newcomers, in Chromium with real mails: an invitation, and an application."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
from playwright.async_api import Page, expect

from harness import hubs
from harness.mail_scene import NAME, PASSWORD, MailScene, config
from harness.smtp import Sink, sink, text_of

from .looking import findings

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), hubs.newest_only]

USERS = f"/hub/auth/{NAME}/users"
INSIDE = re.compile(r"^(?!.*/login)")


@pytest.fixture(scope="session")
def post() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def scene(shared_hub: hubs.StartHub, post: Sink) -> MailScene:
    return MailScene(shared_hub(config(post, notify_admins=["admins"], notify_every=0.0)), post)


async def enter(page: Page, name: str) -> None:
    """Sign in on the sign-in page."""
    await page.get_by_label("Username or e-mail").fill(name)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.locator("main button[type=submit]").first.click()


async def as_administrator(scene: MailScene, open_page: OpenPage, name: str) -> Page:
    scene.add(name, admin=True)
    page = await open_page(scene.hub, f"/hub/login?next={USERS}")
    await enter(page, name)
    await expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    return page


async def test_an_invitation_by_mail_leads_into_the_hub(scene: MailScene, open_page: OpenPage, axe: str) -> None:
    boss = await as_administrator(scene, open_page, "boss")
    await boss.get_by_label("E-mail address (without one").fill("ivy@people.test")
    await boss.get_by_role("button", name="Invite").click()
    await expect(boss.get_by_role("status")).to_contain_text("on its way to ivy@people.test")
    assert await findings(boss, axe) == []

    page = await open_page(scene.hub, await scene.link_to("ivy@people.test"))
    await expect(page.get_by_text("ivy@people.test")).to_be_visible()
    assert await findings(page, axe) == []
    await page.get_by_label("Username").fill("ivy")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("heading", name="Your account is ready")).to_be_visible()
    await page.get_by_role("link", name="Sign in").click()
    await enter(page, "ivy@people.test")
    await page.wait_for_url(INSIDE)
    await page.goto("/hub/home")
    await expect(page.locator("#login_widget")).to_contain_text("ivy")

    await boss.reload()
    await expect(boss.get_by_role("link", name="ivy")).to_be_visible()
    await expect(boss.get_by_role("heading", name="Open invitations")).to_have_count(0)


async def test_an_administrator_is_told_of_an_applicant_and_the_applicant_of_the_answer(
    scene: MailScene, open_page: OpenPage
) -> None:
    boss = await as_administrator(scene, open_page, "chief")
    page = await open_page(scene.hub, "/hub/login")
    await page.get_by_role("link", name="Create an account").click()
    await page.get_by_label("Username").fill("jon")
    await page.get_by_label("E-mail address").fill("jon@people.test")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Ask for an account").click()
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    await page.goto(await scene.link_to("jon@people.test"))
    await page.get_by_role("button", name="Yes, confirm my address").click()
    await expect(page.get_by_role("heading", name="Your application waits")).to_be_visible()

    told = text_of(await scene.post.mail_to("chief@people.test", "waits for your approval"))
    await boss.goto(next(word for word in told.split() if USERS in word))
    await boss.get_by_role("checkbox", name="Select jon").check()
    await boss.get_by_role("button", name="Approve").click()
    await expect(boss.get_by_role("status")).to_contain_text("1 account is approved")

    told = text_of(await scene.post.mail_to("jon@people.test", "approved"))
    await page.goto(next(word for word in told.split() if word.startswith("http")))
    await enter(page, "jon")
    await page.wait_for_url(INSIDE)
    await page.goto("/hub/home")
    await expect(page.locator("#login_widget")).to_contain_text("jon")
