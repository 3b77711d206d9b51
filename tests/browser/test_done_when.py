"""The whole of it, as a newcomer meets it: the real demo, a real browser, a server that the hub starts, real git.

Sign in at one source, connect another for its repositories, start a server, clone what is private there, wait until the
token has run out, and pull.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from harness.demo import Demo
from harness.git import git

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

LIFETIME = 10
"""Seconds for which a token is good: no shorter than git may take on a slow machine, twice over."""

PATIENCE = 240.0
"""Seconds for one step, the start of a JupyterLab among them."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"), "--token-lifetime", str(LIFETIME))
    try:
        demo.wait_until_ready()
        yield demo
    finally:
        demo.child.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=demo.url, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    yield await context.new_page()
    await context.close()


class Forge:
    """What the Code Forge of a demo knows."""

    def __init__(self, demo: Demo) -> None:
        self.repository = demo.data / "forge" / "notes.git"
        self._log = demo.data / "sources.log"
        self._userinfo = urljoin(demo.clone_url, "/userinfo")

    @property
    def renewals(self) -> int:
        """How often it was asked for a new token in exchange for a refresh token."""
        return self._log.read_text().count(" Code Forge: refresh_token of ben-codes\n")

    def accepts(self, token: str) -> bool:
        """Whether an access token is good now."""
        answer = httpx.get(self._userinfo, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert answer.status_code in {200, 401}
        return answer.status_code == 200

    def commit(self, message: str) -> None:
        """Somebody else's commit arrives."""
        here = ("-C", str(self.repository))
        commit = git(*here, "commit-tree", "-p", "main", "-m", message, "main^{tree}").strip()
        git(*here, "update-ref", "refs/heads/main", commit)


class Terminal:
    """A terminal in JupyterLab. What a command prints goes into a file, because the screen is a picture."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self._page = page
        self._demo = demo
        self._typed = 0

    async def run(self, command: str) -> str:
        """Type a command, and wait for its end; what it printed. Raises AssertionError if it failed."""
        self._typed += 1
        said, done = (self._demo.directory / f"{kind}-{self._typed}" for kind in ("said", "done"))
        await self._page.get_by_role("textbox", name="Terminal input").focus()
        await self._page.keyboard.type(f"( {command} ) > {said} 2>&1; echo $? > {said}.code; mv {said}.code {done}\n")
        await until(self._demo, done.exists)
        assert done.read_text() == "0\n", said.read_text()
        return said.read_text()


async def until(demo: Demo, condition: object) -> None:
    """Wait for a condition, as long as the demo runs."""
    await asyncio.to_thread(demo.child.wait_until, condition, PATIENCE)


async def sign_in(page: Page) -> None:
    await page.goto("/hub/login")
    await page.get_by_role("link", name="University").click()
    await page.get_by_role("button", name="Ben Okafor").click()
    await expect(page).to_have_url("/hub/home")


async def connect_forge(page: Page) -> None:
    await page.get_by_role("link", name="Connections").click()
    await page.get_by_role("checkbox", name="repository").check()
    await page.get_by_role("button", name="Connect Code Forge").click()
    await expect(page.get_by_text("The hub also asks for: repository.")).to_be_visible()
    await page.get_by_role("button", name="Ben Okafor").click()
    await expect(page.get_by_text("Code Forge is connected.")).to_be_visible()
    await expect(page.get_by_text("ben-codes")).to_be_visible()


async def open_terminal(page: Page, demo: Demo) -> Terminal:
    await page.get_by_role("link", name="Home").click()
    await page.get_by_role("button", name="Start My Server").click()
    await page.wait_for_url("**/user/ben/lab**")
    await page.locator(".jp-LauncherCard[title='Start a new terminal session']").click()
    return Terminal(page, demo)


def handed_out(demo: Demo) -> str:
    """The token that ben's server gets now; it is not renewed for that while it is good."""
    told = demo.server("ben").environ()
    answer = httpx.get(
        f"{told['JUPYTERHUB_API_URL']}/hubauth/users/ben/credentials/forge",
        params={"min_ttl": 0},
        headers={"Authorization": f"token {told['JUPYTERHUB_API_TOKEN']}"},
        trust_env=False,
    )
    return str(answer.raise_for_status().json()["access_token"])


def holding(text: str, folder: Path) -> list[Path]:
    """Files below a folder that hold a text."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


async def test_private_repository_stays_open_after_the_token_has_run_out(page: Page, demo: Demo) -> None:
    forge = Forge(demo)
    await sign_in(page)
    await connect_forge(page)
    terminal = await open_terminal(page, demo)
    await terminal.run(f"GIT_TERMINAL_PROMPT=0 git clone {demo.clone_url}")
    notes = demo.data / "home" / "ben" / "notes"
    assert (notes / "README.md").read_text().startswith("# Notes")

    first, before = handed_out(demo), forge.renewals
    forge.commit("Second notes")
    await until(demo, lambda: not forge.accepts(first))
    await terminal.run("cd notes && GIT_TERMINAL_PROMPT=0 git pull")
    assert git("-C", str(notes), "log", "-1", "--format=%s").strip() == "Second notes"
    assert forge.renewals == before + 1
    second = handed_out(demo)
    assert second != first
    assert forge.accepts(second)
    assert forge.renewals == before + 1

    assert [holding(token, demo.directory) for token in (first, second)] == [[], []]
