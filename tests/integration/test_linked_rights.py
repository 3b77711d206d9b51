"""What a linked account gives: a way in with the main account's rights, for as long as that one is let in itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.browser import Browser, Page
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .scene import Scene, config

pytestmark = newest_only

NewBrowser = Callable[[Hub], Browser]
PREFIXES: Mapping[str, Mapping[str, Any]] = {"red": {"username_prefix": "red-"}, "blue": {"username_prefix": "blue-"}}


@pytest.fixture
def scene(start_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(start_hub(config(idps, PREFIXES)), idps)


@pytest.fixture
def browser(new_browser: NewBrowser, scene: Scene) -> Browser:
    return new_browser(scene.hub)


async def linked(scene: Scene, browser: Browser) -> None:
    """`ann` of red has connected `bea` of blue, and has signed out."""
    scene.person("red", "1", "ann")
    await scene.sign_in(browser, "red")
    scene.person("blue", "2", "bea")
    assert (await scene.connect(browser, "blue")).status == 302
    await browser.sign_out()


def restart(scene: Scene, **options: Mapping[str, Any]) -> None:
    """Start the hub again with further options of its providers."""
    scene.hub.stop()
    file = scene.hub.directory / "jupyterhub_config.py"
    text = file.read_text().partition("# Changed.\n")[0] + "# Changed.\n"
    for provider, changes in options.items():
        text += f"c.HubAuthenticator.providers[{provider!r}].update({dict(changes)!r})\n"
    file.write_text(text)
    scene.hub.start()


async def by_blue(scene: Scene, browser: Browser) -> Page:
    scene.person("blue", "2", "bea")
    return await scene.sign_in(browser, "blue")


async def who(browser: Browser) -> tuple[str, bool] | None:
    """Name and whether an administrator."""
    page = await browser.request("GET", "/hub/api/user")
    return (page.response.json()["name"], page.response.json()["admin"]) if page.status == 200 else None


def reason(scene: Scene) -> str:
    found: str = scene.events()[-1].get("reason", "")
    return found


@pytest.mark.row("V05", "V17", "M10")
async def test_it_stops_while_the_main_account_is_blocked(scene: Scene, browser: Browser) -> None:
    await linked(scene, browser)
    restart(scene, red={"blocked_users": ["ann"]})
    assert (await by_blue(scene, browser)).status == 403
    assert reason(scene) == "home_refused"
    assert await who(browser) is None
    restart(scene)
    assert (await by_blue(scene, browser)).status == 302
    assert await who(browser) == ("red-ann", False)


@pytest.mark.row("V17", "M10")
async def test_it_stops_once_the_main_account_was_turned_away_until_that_is_let_in(
    scene: Scene, browser: Browser, new_browser: NewBrowser
) -> None:
    await linked(scene, browser)
    assert (await by_blue(scene, browser)).status == 302
    restart(scene, red={"blocked_users": ["old-name"]})
    scene.person("red", "1", "old-name")  # at the source they are called so by now, which nothing here knows yet
    assert (await scene.sign_in(new_browser(scene.hub), "red")).status == 403
    restart(scene)
    assert await who(browser) is None, "the session has outlived the refusal"
    assert (await by_blue(scene, browser)).status == 403
    assert reason(scene) == "home_refused"
    assert (await scene.sign_in(browser, "red")).status == 302
    await browser.sign_out()
    assert (await by_blue(scene, browser)).status == 302


async def test_it_stops_where_the_main_accounts_provider_is_gone_and_goes_on_where_it_is_only_broken(
    scene: Scene, browser: Browser
) -> None:
    await linked(scene, browser)
    restart(scene, red={"enabled": False})
    assert (await by_blue(scene, browser)).status == 403
    assert reason(scene) == "home_removed"
    text = (scene.hub.directory / "jupyterhub_config.py").read_text()
    (scene.hub.directory / "jupyterhub_config.py").write_text(
        text.replace("# Changed.", "c.HubAuthenticator.on_broken_provider = 'disable'\n# Changed.")
    )
    restart(scene, red={"no_such_option": 1})
    assert (await by_blue(scene, browser)).status == 302
    assert await who(browser) == ("red-ann", False)


@pytest.mark.row("V12", "M10")
async def test_rights_are_those_of_the_main_account(scene: Scene, browser: Browser) -> None:
    await linked(scene, browser)
    restart(scene, blue={"admin_users": ["bea"], "allow_all": False})
    assert (await by_blue(scene, browser)).status == 302
    assert await who(browser) == ("red-ann", False), "a linked account gave rights"
    await browser.sign_out()
    restart(scene, red={"admin_users": ["ann"]}, blue={"allow_all": False})
    assert (await by_blue(scene, browser)).status == 302
    assert await who(browser) == ("red-ann", True)
    await browser.sign_out()
    restart(scene, red={"allow_all": False, "allowed_users": ["somebody-else"]})
    assert (await by_blue(scene, browser)).status == 403
    assert reason(scene) == "not_allowed"


@pytest.mark.row("V05", "M10")
async def test_its_own_providers_restrictions_hold(scene: Scene, browser: Browser) -> None:
    await linked(scene, browser)
    restart(scene, blue={"blocked_users": ["bea"]})
    assert (await by_blue(scene, browser)).status == 403
    assert reason(scene) == "blocked"
    scene.person("red", "1", "ann")
    assert (await scene.sign_in(browser, "red")).status == 302
    await browser.sign_out()
    scene.person("blue", "2", "bea-renamed")
    assert (await scene.sign_in(browser, "blue")).status == 403, "a blocked name sticks to its subject"


@pytest.mark.row("M10")
async def test_the_last_way_in_that_works_stays(scene: Scene, browser: Browser) -> None:
    await linked(scene, browser)
    text = (scene.hub.directory / "jupyterhub_config.py").read_text()
    (scene.hub.directory / "jupyterhub_config.py").write_text(
        text + "c.HubAuthenticator.on_broken_provider = 'disable'\n"
    )
    restart(scene, red={"no_such_option": 1})
    await by_blue(scene, browser)
    page = await browser.open("/hub/connections")
    assert "Out of service on this hub" in page.text
    assert "the only way left to sign in" in page.text
    page = await browser.post("/hub/connections/blue/disconnect", {"_xsrf": browser.xsrf})
    assert (page.status, reason(scene)) == (409, "last_way_in")


@pytest.mark.row("V15")
async def test_auth_state_goes_on_describing_the_main_account(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: NewBrowser
) -> None:
    text = config(idps, PREFIXES) + "c.Authenticator.enable_auth_state = True\n"
    text += 'c.JupyterHub.load_roles[0]["scopes"].append("admin:auth_state")\n'
    scene = Scene(start_hub(text, environment={"JUPYTERHUB_CRYPT_KEY": "5a" * 32}), idps)
    browser = new_browser(scene.hub)
    await linked(scene, browser)
    await by_blue(scene, browser)
    user = await scene.hub.user("red-ann")
    assert user is not None
    assert (user["auth_state"]["provider"], user["auth_state"]["subject"]) == ("red", "1")
