"""`hubauth native` beside a running hub: what it writes, the hub acts on; what it prints, no log has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from harness import hubs
from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub

pytestmark = hubs.newest_only

PASSWORD = "violet otter under seven bridges"
CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {"local": {
    "type": "native", "argon2_memory_cost": 64, "argon2_time_cost": 1, "argon2_unsafe": True,
}}
"""


def command(hub: Hub, *words: str) -> str:
    """What `hubauth native ...` prints where the hub runs."""
    done = hub.command("native", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def path_in(output: str) -> str:
    """The path of a one-time link, where the hub does not know its public address."""
    [path] = re.findall(r"^\s+(/hub/auth/local/\S+)$", output, re.MULTILINE)
    return str(path)


async def choose_password(browser: Browser, link: str) -> None:
    page = await browser.open(link)
    form = next(each for each in page.forms if any("password" in field for field in each.fields))
    await browser.follow(
        await browser.submit(form, **{field: PASSWORD for field in form.fields if "password" in field})
    )


@pytest.mark.row("6.3.2")
async def test_from_the_first_administrator_to_their_end(
    start_hub: StartHub, new_browser: Callable[[Hub], Browser]
) -> None:
    hub = start_hub(CONFIG)
    browser, twice = new_browser(hub), new_browser(hub)

    async def is_out() -> bool:
        return await browser.hub_user() is None

    async def is_gone() -> bool:
        return "boss" not in await hub.user_names()

    assert hub.log.count("hubauth native create-admin") == 1
    assert await hub.user_names() == set(), "there is nobody out of the box"

    link = path_in(command(hub, "create-admin", "boss"))
    await choose_password(browser, link)
    assert hub.files_with(link.partition("token=")[2]) == []
    assert (await twice.open(link)).status == 410
    await browser.sign_in_with_form("local", "boss", PASSWORD)
    assert await browser.hub_user() == "boss"
    assert (await hub.user("boss") or {})["admin"]
    await new_browser(hub).sign_in_with_form("local", "boss", "wrong")
    command(hub, "create", "zoe")
    command(hub, "deactivate", "boss", "--yes", "--reason", "a test")
    await _until(is_out)
    await browser.sign_in_with_form("local", "boss", PASSWORD)
    assert await browser.hub_user() is None

    command(hub, "reactivate", "boss")
    await browser.sign_in_with_form("local", "boss", PASSWORD)
    assert await browser.hub_user() == "boss"
    command(hub, "delete", "boss", "--yes")
    await _until(is_gone)
    assert await browser.hub_user() is None

    hub.stop()
    link = path_in(command(hub, "create-admin", "next"))
    hub.start()
    assert hub.log.count("hubauth native create-admin") == 1, "somebody is an administrator by now"
    await choose_password(browser, link)
    await browser.sign_in_with_form("local", "next", PASSWORD)
    assert await browser.hub_user() == "next"


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    """Another process tells nobody when it has acted; it can only be asked."""
    async with asyncio.timeout(60):
        while not await done():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
