"""The whole way with a real hub: sign-in, OAuth to BinderHub, a credential from hubauth's API, a clone, a launch."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from harness import hubs
from harness.browser import Browser
from harness.hub import Hub
from hostile_idp.server import HostileIdP, in_thread

from .binder import Binder
from .git_host import GitHost
from .stub_hub import SERVICE_TOKEN

SCOPE = "custom:hubauth:credentials:read"
CALLBACK = "http://127.0.0.1:1/oauth_callback"
CONFIG = f"""
from hubauth_core import configure
c.JupyterHub.authenticator_class = "hubauth"
c.JupyterHub.services += [{{
    "name": "binder",
    "api_token": {SERVICE_TOKEN!r},
    "oauth_client_id": "service-binder",
    "oauth_redirect_uri": {CALLBACK!r},
    "oauth_client_allowed_scopes": ["{SCOPE}!user"],
    "oauth_no_confirm": True,
}}]
c.JupyterHub.load_roles += [
    {{"name": "user", "scopes": ["self", "access:services!service=binder"]}},
    {{"name": "binder", "scopes": ["servers", "read:users"], "services": ["binder"]}},
]
configure(c, servers=False)
c.HubAuthenticator.providers = {{
    name: {{
        "type": "oidc",
        "issuer": issuer,
        "client_id": "hub",
        "client_secret": "secret",
        "label": f"The {{name}} forge",
        "git_urls": urls,
        "allow_all": True,
    }}
    for name, (issuer, urls) in FORGES.items()
}}
"""

StartBinder = Callable[..., Awaitable[Binder]]


@dataclass
class Person:
    """Somebody signed in to the hub, and to BinderHub by the hub."""

    name: str
    token: str
    browser: Browser

    async def git_token(self, hub: Hub) -> str:
        """Their credential at the forge, as the hub hands it to them."""
        made = await hub.api("POST", f"/users/{self.name}/tokens", json={})
        answer = await hub.api("GET", f"/hubauth/users/{self.name}/credentials/red", token=made.json()["token"])
        token: str = answer.json()["access_token"]
        return token


@pytest.fixture
def idp() -> Iterator[HostileIdP]:
    """A provider for both forges."""
    with in_thread() as running:
        yield running


@pytest_asyncio.fixture
async def real_hub(host: GitHost, idp: HostileIdP, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub whose provider `red` is for the git host, and `blue` for none."""
    forges = {"red": (idp.issuer, [host.url]), "blue": (idp.issuer, [])}
    environment = {"JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32)}
    with hubs.private(hubs.VERSIONS["newest"], tmp_path) as start:
        yield start(f"FORGES = {forges!r}\n{CONFIG}", environment)


@pytest_asyncio.fixture
async def arrive(real_hub: Hub, idp: HostileIdP) -> AsyncIterator[Callable[..., Any]]:
    """`await arrive("ann")`: a person who has signed in, with `red` unless told otherwise."""
    async with AsyncExitStack() as stack:

        async def arrive(name: str, provider: str = "red") -> Person:
            browser = await stack.enter_async_context(Browser(real_hub.url))
            idp.person = idp.userinfo = {"sub": f"subject-{name}", "preferred_username": name}
            await browser.sign_in(provider, name)
            token = await browser.visit("service-binder", SERVICE_TOKEN, CALLBACK)
            return Person(f"{provider}-{name}", token, browser)

        yield arrive


async def test_each_launches_what_their_own_account_opens(
    start_binder: StartBinder, real_hub: Hub, host: GitHost, arrive: Callable[..., Any]
) -> None:
    ann, bob, cleo = await arrive("ann"), await arrive("bob"), await arrive("cleo", "blue")
    binder = await start_binder(real_hub.url)
    sha = host.create("private.git")
    host.state.tokens = {await ann.git_token(real_hub): "ann", await bob.git_token(real_hub): "bob"}
    host.state.rights = {"ann": {"private.git": "r"}, "bob": {}}
    spec = f"git/{quote(f'{host.url}/private.git', safe='')}/main"
    hers, his, neither = [await binder.launch(person, spec) for person in (ann, bob, cleo)]
    assert hers.image.endswith(f":{sha}")
    assert "does not open" in his.message
    assert "You have not connected The red forge yet. Go to https://hub.test/hub/connections" in neither.message
    assert binder.launcher.started == [("red-ann", hers.image)]


@pytest.mark.row("10.3.2")
async def test_code_in_a_launched_server_cannot_read_its_users_credentials(
    real_hub: Hub, arrive: Callable[..., Any]
) -> None:
    ann = await arrive("ann")
    token = (await ann.browser.server(ann.name))["environment"]["JUPYTERHUB_API_TOKEN"]
    answer = await real_hub.api("GET", f"/hubauth/users/{ann.name}/credentials/red", token=token)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
