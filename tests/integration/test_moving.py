"""A hub with OAuthenticator moves over to hubauth with what `hubauth migrate` prints, and back again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from harness import hubs
from harness.browser import Browser, Page
from harness.hub import Hub
from hostile_idp.server import HostileIdP
from hubauth_core.cli import main

ENVIRONMENT = {"JUPYTERHUB_CRYPT_KEY": "6b" * 32, "OAUTH_CLIENT_SECRET": "canary-secret"}

OLD = """
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.client_id = "hub"
c.GenericOAuthenticator.login_service = "The red house"
c.GenericOAuthenticator.authorize_url = "{issuer}/authorize"
c.GenericOAuthenticator.token_url = "{issuer}/token"
c.GenericOAuthenticator.userdata_url = "{issuer}/userinfo"
c.GenericOAuthenticator.username_key = "preferred_username"
c.GenericOAuthenticator.allow_all = True
c.GenericOAuthenticator.admin_users = {{"Root"}}
c.Authenticator.enable_auth_state = True
c.Authenticator.username_map = {{"marianne": "mary"}}
"""


class Moving:
    """A hub whose configuration changes while it is stopped."""

    def __init__(self, hub: Hub, idp: HostileIdP, new_browser: Callable[[Hub], Browser]) -> None:
        self.hub, self.idp, self._new_browser = hub, idp, new_browser
        self.file = hub.directory / "jupyterhub_config.py"
        self.old = self.file.read_text()

    async def sign_in(
        self, subject: str, username: str, path: str = "/hub/oauth_login", browser: Browser | None = None
    ) -> tuple[str | None, Page]:
        """Who somebody is at the hub after a sign-in, through the address that OAuthenticator has."""
        self.idp.userinfo = {"sub": subject, "preferred_username": username}
        browser = browser or self.browser()
        page = await browser.request("GET", path)
        assert page.location, page.text
        brought = urlencode(self.idp.sign_in(page.location), doseq=True)
        assert page.query["redirect_uri"] == f"{self.hub.url}/hub/oauth_callback"
        page = await browser.request("GET", f"{page.query['redirect_uri']}?{brought}")
        return await browser.hub_user(), page

    async def nobody_else_finishes(self) -> None:
        """The old address takes an answer in the browser that asked alone, and no answer that nobody asked for."""
        page = await self.browser().request("GET", "/hub/oauth_login")
        assert page.location
        brought = urlencode(self.idp.sign_in(page.location), doseq=True)
        for answer in (brought, "code=x", "code=x&state=y"):
            other = self.browser()
            assert (await other.request("GET", f"/hub/oauth_callback?{answer}")).status == 400
            assert await other.hub_user() is None

    def browser(self) -> Browser:
        return self._new_browser(self.hub)

    async def restart_with(self, text: str) -> None:
        self.file.write_text(text)
        await asyncio.to_thread(self.hub.start)

    async def migrate(self, *options: str) -> str:
        """`hubauth migrate`, in the hub's folder."""
        done = await asyncio.to_thread(CliRunner().invoke, main, ["migrate", "-f", self.file.name, *options])
        assert done.exit_code == 0, done.output
        assert "canary-secret" not in done.stdout
        return done.stdout


@pytest.fixture
def moving(
    start_hub: hubs.StartHub,
    idps: dict[str, HostileIdP],
    new_browser: Callable[[Hub], Browser],
    monkeypatch: pytest.MonkeyPatch,
) -> Moving:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    hub = start_hub(OLD.format(issuer=idps["red"].issuer), environment=ENVIRONMENT)
    monkeypatch.chdir(hub.directory)
    return Moving(hub, idps["red"], new_browser)


@hubs.newest_only
@pytest.mark.row("M24")
async def test_people_keep_their_hub_users_on_the_way_over_and_back(moving: Moving) -> None:
    hub, at_work = moving.hub, moving.browser()
    await moving.sign_in("8", "gil", browser=at_work)
    for subject, username, name in (("1", "Ann", "ann"), ("2", "bea", "bea"), ("3", "root", "root")):
        assert (await moving.sign_in(subject, username))[0] == name
    assert (await moving.sign_in("4", "marianne"))[0] == "mary"
    await hub.api("POST", "/users/carl")
    before = {name: await hub.user(name) for name in await hub.user_names()}
    hub.stop()

    printed = await moving.migrate()
    assert '"adopt": ["carl"]' in printed
    moving.file.write_text(f"{moving.old}\n{printed}")
    shown = json.loads(await moving.migrate("--bind", "--json"))
    assert {each["hub_user"]: each["subject"] for each in shown if each["fate"] == "bind"} == {
        "ann": "1",
        "bea": "2",
        "root": "3",
        "mary": "4",
        "gil": "8",
    }
    assert not (hub.directory / "hubauth.sqlite").exists()
    assert "bind" in {each["fate"] for each in json.loads(await moving.migrate("--bind", "--json"))}, "nothing written"
    assert "5 bound, 1 by name" in await moving.migrate("--bind", "--yes")

    await moving.restart_with(f"{moving.old}\n{printed}")
    assert await at_work.hub_user() == "gil", "who was at work goes on"
    await moving.sign_in("8", "gil", browser=at_work)
    for subject, recycled in (("66", "bea"), ("67", "root"), ("68", "mary")):
        user, page = await moving.sign_in(subject, recycled)
        assert user is None
        assert page.status == 403
        assert "taken" in page.text
    assert (await moving.sign_in("1", "ann"))[0] == "ann"
    assert (await moving.sign_in("2", "beatrix"))[0] == "bea", "renamed at the source"
    assert (await moving.sign_in("4", "marianne"))[0] == "mary"
    assert (await moving.sign_in("3", "root"))[0] == "root"
    assert (await moving.sign_in("5", "carl"))[0] == "carl"
    await moving.nobody_else_finishes()
    assert (await moving.sign_in("69", "carl"))[0] is None, "the first one has it"
    assert (await moving.sign_in("7", "dora", "/hub/auth/oauth/login"))[0] == "dora"
    after = {name: await hub.user(name) for name in before}
    assert {name: _who(model) for name, model in after.items()} == {name: _who(model) for name, model in before.items()}
    hub.stop()

    await moving.restart_with(moving.old)
    assert await at_work.hub_user() is None, "auth_state is not OAuthenticator's: it asks for a sign-in"
    assert (await at_work.open("/hub/home")).status == 200
    assert (await moving.sign_in("8", "gil", browser=at_work))[0] == "gil"
    for subject, username, name in (("1", "ann", "ann"), ("3", "root", "root"), ("7", "dora", "dora")):
        assert (await moving.sign_in(subject, username))[0] == name
    model = await hub.user("root")
    assert model is not None
    assert model["admin"]


def _who(model: dict[str, Any] | None) -> tuple[Any, ...]:
    assert model is not None
    return model["name"], model["admin"], model["created"]
