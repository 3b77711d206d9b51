"""The hub that the tests start is a real one: somebody signs in, gets a server, and two browsers are two people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, every_version
from harness.process import answers

pytestmark = every_version

DUMMY = {"JupyterHub": {"authenticator_class": "dummy"}, "DummyAuthenticator": {"password": "pw", "allow_all": True}}

TELL = """
import json, os, signal
child, own = str(signal.getsignal(signal.SIGCHLD)), os.getsid(0) == os.getpid()
print("found", json.dumps([sys.argv, sys.path, os.getcwd(), dict(os.environ), child, own]), flush=True)
"""


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


async def test_a_hub_that_starts_warm_finds_what_it_finds_when_it_starts_cold(
    make_hub: Callable[..., Hub], tmp_path: Path
) -> None:
    hub = make_hub(TELL, {"PYTHONPATH": str(tmp_path), "SOMETHING": "else"})
    for start in (hub.process.start, hub.process.start_warm):
        start()
        hub.process.wait_until(lambda: answers(f"{hub.url}/hub/health"))
        hub.stop()
    found = [line for line in hub.log.splitlines() if line.startswith("found ")]
    assert len(found) == 2
    assert found[0] == found[1]
    assert "SOMETHING" in found[0]


async def test_hub_that_cannot_start_tells_why(make_hub: Callable[..., Hub]) -> None:
    log = make_hub("raise SystemExit('no such luck')").start_and_fail()
    assert "no such luck" in log
