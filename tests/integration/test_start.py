"""What a real hub does with what is installed, configured and recorded, before anybody signs in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .scene import Rejection, Scene, config

pytestmark = newest_only

OneMore = Callable[[Hub], Browser]
MakeHub = Callable[..., Hub]
IdPs = dict[str, HostileIdP]

TYPE = """
from hubauth_core import PASSWORD_FORM, Identity, Provider, SignIn, hookimpl

class Desk(Provider):
    title = "Front desk"
    presentation = "form"

    async def begin_login(self, request, transaction):
        return PASSWORD_FORM

    async def finish_login(self, request, transaction):
        name = request.form["username"][0]
        return SignIn(identity=Identity(subject=name, username=name))

@hookimpl
def hubauth_provider_type():
    return Desk
"""
LISTENER = """
from hubauth_core import LoginRefused, hookimpl

@hookimpl
async def hubauth_check_login(identity):
    if identity.username == "mallory":
        raise LoginRefused("{name} does not like you.", code="disliked_by_{name}")

@hookimpl
def hubauth_map_identity(identity):
    return "robert" if identity.username == "bob" else None

@hookimpl
def hubauth_event(event):
    print("{name} heard of", event.kind, event.username, flush=True)
"""
BROKEN = "raise RuntimeError('made for another version')\n"


class Installed:
    """A directory of distributions, as `pip install --target` leaves them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, group: str, code: str, distribution: str = "") -> None:
        module, distribution = f"installed_{name}", distribution or f"hubauth-{name}"
        (self.folder / f"{module}.py").write_text(code)
        info = self.folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.folder)}


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """A type, one that cannot be imported, and two cross-cutting plugins that do the same."""
    folder = tmp_path / "installed"
    folder.mkdir()
    there = Installed(folder)
    there.add("desk", "hubauth", TYPE)
    there.add("broken", "hubauth", BROKEN)
    for name in ("first", "second"):
        there.add(name, "hubauth.plugins", LISTENER.format(name=name))
    return there


def hubauth(**section: object) -> str:
    return f"c.JupyterHub.authenticator_class = 'hubauth'\nc.HubAuthenticator.update({section!r})\n"


async def test_without_providers_what_is_installed_and_lacks_nothing_is_a_way_in(
    start_hub: StartHub, installed: Installed, new_browser: OneMore
) -> None:
    github = {"HUBAUTH_GITHUB_CLIENT_ID": "id", "HUBAUTH_GITHUB_CLIENT_SECRET": "s"}
    hub = start_hub(hubauth() + "c.Desk.allow_all = True\n", environment=installed.environment | github)
    browser = new_browser(hub)
    page = await browser.open("/hub/login")
    assert page.link("/auth/github/login")
    with pytest.raises(LookupError):
        page.link("/auth/gitlab/login")
    assert "'gitlab' is not used: it lacks" in hub.log
    assert "'broken' is not used" in hub.log
    await browser.sign_in_with_form("desk", "ann", "any")
    assert await browser.hub_user() == "desk-ann"


async def test_cross_cutting_plugins_veto_rename_and_listen_in_the_order_of_the_configuration(
    start_hub: StartHub, installed: Installed, idps: IdPs, new_browser: OneMore
) -> None:
    text = config(idps, plugins=["second", "first"])
    scene = Scene(start_hub(text, environment=installed.environment), idps)
    browser = new_browser(scene.hub)
    scene.person("red", "1", "mallory")
    async with Rejection(scene, browser, "disliked_by_second"):
        page = await scene.sign_in(browser, "red")
    assert page.status == 403
    assert "second does not like you" in page.text
    scene.person("red", "2", "bob")
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "red-robert"
    heard = [line for line in scene.hub.log.splitlines() if "heard of login bob" in line]
    assert heard == ["second heard of login bob", "first heard of login bob"]


@pytest.mark.row("F16")
async def test_a_hub_that_may_starts_without_what_is_broken(
    start_hub: StartHub, installed: Installed, new_browser: OneMore
) -> None:
    providers = {"broken": {}, "desk": {"allow_all": True}}
    text = hubauth(providers=providers, on_broken_provider="disable")
    browser = new_browser(start_hub(text, environment=installed.environment))
    assert "Not available now" in (await browser.open("/hub/login")).text
    assert (await browser.begin("broken")).status == 503
    await browser.sign_in_with_form("desk", "ann", "any")
    assert await browser.hub_user() == "desk-ann"


@pytest.mark.row("F17")
def test_two_distributions_with_one_type_stop_the_start(make_hub: MakeHub, installed: Installed) -> None:
    installed.add("Desk", "hubauth", TYPE, "reception")
    log = make_hub(hubauth(providers={"desk": {}}), environment=installed.environment).start_and_fail()
    assert "hubauth-desk 1.2" in log
    assert "reception 1.2" in log


def test_an_option_that_needs_stored_credentials_stops_the_start_of_a_hub_without_keys(
    make_hub: MakeHub, installed: Installed
) -> None:
    text = hubauth(providers={"desk": {"allow_all": True}}, git_credential_helper=True)
    log = make_hub(text, environment=installed.environment).start_and_fail()
    assert "c.HubAuthenticator.git_credential_helper needs stored credentials" in log
    assert "JUPYTERHUB_CRYPT_KEY" in log


@pytest.mark.row("V39")
async def test_a_second_provider_stops_the_start_until_the_prefix_is_written_out(
    start_hub: StartHub, installed: Installed, new_browser: OneMore
) -> None:
    hub = start_hub(hubauth(providers={"desk": {"allow_all": True}}), environment=installed.environment)
    await new_browser(hub).sign_in_with_form("desk", "ann", "any")
    hub.stop()
    settings = hub.directory / "jupyterhub_config.py"
    two = "c.HubAuthenticator.providers['other'] = {'type': 'desk', 'allow_all': True}\n"
    settings.write_text(settings.read_text() + two)
    assert '"username_prefix": ""' in hub.start_and_fail()
    settings.write_text(settings.read_text() + "c.HubAuthenticator.providers['desk']['username_prefix'] = ''\n")
    hub.start()
    for provider, name in [("desk", "ann"), ("other", "other-ann")]:
        browser = new_browser(hub)
        await browser.sign_in_with_form(provider, "ann", "any")
        assert await browser.hub_user() == name


async def test_a_store_that_was_lost_stops_the_start_until_the_administrator_says_that_it_is_right(
    start_hub: StartHub, installed: Installed, new_browser: OneMore
) -> None:
    hub = start_hub(hubauth(providers={"desk": {"allow_all": True}}), environment=installed.environment)
    await new_browser(hub).sign_in_with_form("desk", "ann", "any")
    hub.stop()
    with sqlite3.connect(hub.directory / "jupyterhub.sqlite") as database:  # a store is as old as its second
        database.execute("UPDATE users SET created = datetime(created, '-1 day')")
    for file in hub.directory.glob("hubauth.sqlite*"):
        file.unlink()
    assert "hubauth init" in hub.start_and_fail()
    assert hub.command("init", "--yes").returncode == 0
    hub.start()
    browser = new_browser(hub)
    page = await browser.sign_in_with_form("desk", "ann", "any")
    assert page.status == 403, "whoever comes first would get the old user"
    assert "already belongs to somebody else" in page.text


async def test_groups_of_a_provider_do_no_harm_where_the_hub_does_not_manage_groups(
    start_hub: StartHub, idps: IdPs, new_browser: OneMore
) -> None:
    red = {"type": "oidc", "issuer": idps["red"].issuer, "client_id": "hub", "client_secret": "s"}
    scene = Scene(start_hub(config(idps, providers={"red": red | {"groups_claim": "groups", "allow_all": True}})), idps)
    scene.person("red", "1", "kim", groups=["staff"])
    browser = new_browser(scene.hub)
    await scene.sign_in(browser, "red")
    user = await scene.hub.user("kim")
    assert user is not None
    assert user["groups"] == []
