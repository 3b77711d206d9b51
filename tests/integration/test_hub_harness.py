"""The hub that the tests start is a real one: somebody signs in, gets a server, and two browsers are two people."""

from __future__ import annotations

from collections.abc import Callable

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, every_version

pytestmark = every_version

DUMMY = {"JupyterHub": {"authenticator_class": "dummy"}, "DummyAuthenticator": {"password": "pw", "allow_all": True}}


async def test_two_browsers_are_two_people(shared_hub: StartHub, new_browser: Callable[[Hub], Browser]) -> None:
    hub = shared_hub(DUMMY)
    ann, ben = new_browser(hub), new_browser(hub)
    page = await ann.sign_in_with_form("", "ann", "pw", next_url="/hub/token")
    assert (page.status, page.path) == (200, "/hub/token")
    assert await ann.hub_user() == "ann"
    assert await ben.hub_user() is None


async def test_signed_in_user_gets_a_server(shared_hub: StartHub, new_browser: Callable[[Hub], Browser]) -> None:
    hub = shared_hub(DUMMY)
    browser = new_browser(hub)
    await browser.sign_in_with_form("", "carl", "pw")
    server = await browser.server("carl")
    assert server["user"] == "carl"


async def test_restart_keeps_the_session(start_hub: StartHub, new_browser: Callable[[Hub], Browser]) -> None:
    hub = start_hub(DUMMY)
    browser = new_browser(hub)
    await browser.sign_in_with_form("", "dora", "pw")
    hub.restart()
    assert await browser.hub_user() == "dora"
    assert "User logged in: dora" in hub.log


async def test_hub_that_cannot_start_tells_why(make_hub: Callable[..., Hub]) -> None:
    log = make_hub("raise SystemExit('no such luck')").start_and_fail()
    assert "no such luck" in log
