"""`hubauth demo`, what a newcomer sees first: a real hub, identity providers, forms, an end without leftovers."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.browser import Browser, Page
from harness.demo import COMMAND, Demo

pytestmark = pytest.mark.timeout(300)  # several real hubs and a JupyterLab, one after the other


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Demo]]:
    started: list[Demo] = []

    def start() -> Demo:
        started.append(Demo(tmp_path))
        return started[-1]

    yield start
    for demo in started:
        demo.child.stop()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    try:
        demo.wait_until_ready()
        yield demo
    finally:
        demo.child.stop()


async def choose(browser: Browser, provider: str, username: str) -> Page:
    """Press the provider's button, choose a person on its page, and come back."""
    page = await browser.follow(await browser.begin(provider, next_url="/hub/home"))
    [button] = [each for each in page.soup.select("button[name=person]") if username in re.split(r"\W+", each.text)]
    return await browser.follow(await browser.submit(page.form(), person=str(button["value"])))


def assert_all_gone(family: list[psutil.Process]) -> None:
    gone, left = psutil.wait_procs(family, timeout=5)
    assert left == []
    assert gone


async def test_sign_in_page_offers_two_providers_and_forms(demo: Demo) -> None:
    async with Browser(demo.url) as browser:
        page = await browser.open("/hub/login")
    assert page.link("University").startswith(f"{demo.url}/hub/auth/university/login")
    assert page.link("City Library").startswith(f"{demo.url}/hub/auth/library/login")
    for name in ("guests", "house"):
        assert {"username", "password"} <= page.form(f"/auth/{name}/login").fields.keys()


@pytest.mark.row("V39")
async def test_both_providers_lead_to_the_hub_and_namesakes_stay_apart(demo: Demo) -> None:
    async with Browser(demo.url) as university, Browser(demo.url) as library:
        assert (await choose(university, "university", "ben")).path == "/hub/home"
        assert (await choose(library, "library", "ben")).path == "/hub/home"
        assert [await university.hub_user(), await library.hub_user()] == ["ben", "library-ben"]


async def test_form_leads_to_the_hub_and_a_wrong_password_does_not(demo: Demo) -> None:
    async with Browser(demo.url) as browser:
        page = await browser.sign_in_with_form("guests", "guest", "wrong")
        assert page.status == 403
        assert await browser.hub_user() is None
        await browser.sign_in_with_form("guests", "guest", "welcome")
        assert await browser.hub_user() == "guests-guest"


async def test_form_lets_in_nobody_but_the_guest(demo: Demo) -> None:
    async with Browser(demo.url) as browser:
        page = await browser.sign_in_with_form("guests", "eve", "welcome")
        assert page.status == 403
        assert await browser.hub_user() is None


@pytest.mark.row("6.3.2")
async def test_somebody_makes_an_account_and_the_administrator_sees_it(demo: Demo) -> None:
    password = "violet otter under seven bridges"
    async with Browser(demo.url) as browser, Browser(demo.url) as ada:
        await browser.sign_in_with_form("house", "eve", password)
        assert await browser.hub_user() is None, "there is no account out of the box"
        page = await browser.open((await browser.open("/hub/login")).link("Create an account"))
        form = page.form("/signup")
        typed = {name: password for name in form.fields if "password" in name or name == "repeated"}
        await browser.follow(await browser.submit(form, username="eve", **typed))
        if await browser.hub_user() is None:
            await browser.sign_in_with_form("house", "eve", password)
        assert await browser.hub_user() == "house-eve"
        page = await choose(ada, "university", "ada")
        assert "eve" in (await ada.open(page.link("Accounts of House"))).text


async def test_person_who_is_not_on_the_list_is_turned_away(demo: Demo) -> None:
    async with Browser(demo.url) as browser:
        page = await choose(browser, "library", "zoe")
        assert page.status == 403
        assert await browser.hub_user() is None


def test_screen_says_how_to_get_an_account_of_the_hubs_own(demo: Demo) -> None:
    assert "choose 'Create an account' below that form" in demo.child.log


def test_screen_names_the_people_and_warns_whose_rights_notebooks_have(demo: Demo) -> None:
    assert all(name in demo.child.log for name in ("Ada Brandt", "Dana Reyes", "password 'welcome'"))
    assert "everybody on this machine can sign in here" in demo.child.log.lower()


def test_screen_says_how_the_private_repository_is_reached(demo: Demo) -> None:
    steps = demo.child.log.partition("Code Forge")[2]
    assert all(name in steps for name in ("ben-codes", "'repository'", "good for 300 seconds", "git pull"))
    refused = subprocess.run(
        ["git", "ls-remote", demo.clone_url],
        env={"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "could not read Username" in refused.stderr  # it is there, and asks


async def test_sign_in_ends_in_jupyterlab_and_ctrl_c_leaves_nothing(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.wait_until_ready()
    async with Browser(demo.url) as browser:
        await choose(browser, "university", "ada")
        page = await browser.start_server("ada")
    assert page.path == "/user/ada/lab"
    assert "JupyterLab" in page.html
    family = demo.family
    assert any("jupyterhub.singleuser" in process.cmdline() for process in family)
    assert demo.interrupt() == 0
    assert_all_gone(family)
    assert "Traceback" not in demo.child.log
    assert [path.name for path in demo.directory.iterdir()] == ["output"], "the temporary directory is still there"


def test_ctrl_c_while_it_starts_leaves_nothing(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.child.wait_until(lambda: demo.runs("configurable_http_proxy"))
    family = demo.family
    assert demo.interrupt() == 0
    assert_all_gone(family)
    assert "Traceback" not in demo.child.log


def test_hub_that_ends_by_itself_ends_the_demo_with_its_last_words(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.wait_until_ready()
    family = demo.family
    [hub] = psutil.Process(demo.child.pid).children()
    hub.kill()
    assert demo.child.wait_for_end() == 1
    assert_all_gone(family)
    assert "JupyterHub ended by itself" in demo.child.log
    assert "JupyterHub is now running at" in demo.child.log
    assert "Traceback" not in demo.child.log


def test_port_in_use_is_a_message_with_a_way_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([*COMMAND, "--port", str(port)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {port} is in use by another program" in done.stderr
    assert "hubauth demo --port" in done.stderr
    assert "Traceback" not in done.stderr
