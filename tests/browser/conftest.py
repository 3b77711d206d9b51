"""Chromium at a real hub: two identity providers, one that cannot start, two forms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from harness import hubs, parts
from harness.hub import Hub
from hubauth_core.testing.idp import IdentityProvider, Person

OpenPage = Callable[..., Awaitable[Page]]

PEOPLE = [
    Person(subject="u-1", username="ada", name="Ada Brandt", email="ada@university.example"),
    Person(subject="u-2", username="ben", name="Ben Okafor", note="on no list, so the hub refuses him"),
]
READERS = [
    *PEOPLE,
    *(Person(subject=f"r-{number}", username=f"reader{number}", name=f"Reader {number}") for number in range(8)),
    Person(subject="t-1", username="twin", name="First Twin"),
    Person(subject="t-2", username="twin", name="Second Twin"),
]
"""People of the library: some for tests to take one each, and two with one username."""

LABEL_WITH_MARKUP = """Staff "><script>document.title = 'broken in'</script> & 'friends'"""
STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'"

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {{
    "uni": {{
        "type": "oidc",
        "label": "Example University",
        "icon": "openid",
        "issuer": {uni.issuer!r},
        "client_id": "hub",
        "client_secret": {uni.client_secret!r},
        "allowed_users": ["ada"],
        "admin_users": ["ada"],
        "username_prefix": "",
    }},
    "guests": {{
        "type": "authenticator",
        "label": "Guest accounts",
        "authenticator_class": "dummy",
        "config": {{"DummyAuthenticator": {{"password": "welcome", "allow_all": True}}}},
    }},
    "forge": {{
        "type": "oauth2",
        "label": "GitHub",
        "icon": "github",
        "authorize_url": "{library.issuer}/authorize",
        "token_url": "{library.issuer}/token",
        "userinfo_url": "{library.issuer}/userinfo",
        "client_id": "hub",
        "client_secret": {library.client_secret!r},
        "scope": ["openid", "profile"],
        "offered_scopes": ["repo", "gist"],
        "username_claim": "preferred_username",
        "subject_claim": "sub",
        "allow_all": True,
    }},
    "staff": {{
        "type": "authenticator",
        "label": "Staff directory",
        "authenticator_class": "dummy",
        "config": {{"DummyAuthenticator": {{"password": "secret", "allow_all": True}}}},
    }},
}}
c.CryptKeeper.keys = ["5a" * 32]
"""
ROUGH = f"""
c.HubAuthenticator.on_broken_provider = "disable"
c.HubAuthenticator.providers["corp"] = {{"type": "oidc", "label": "Corp", "client_id": "hub"}}
c.HubAuthenticator.providers["staff"]["label"] = {LABEL_WITH_MARKUP!r}
c.JupyterHub.tornado_settings = {{"headers": {{"Content-Security-Policy": {STRICT!r}}}}}
"""
"""A provider that lacks an option, a label full of markup, and a policy that forbids what stands in the page itself."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def providers() -> AsyncIterator[dict[str, IdentityProvider]]:
    """The two identity providers that `CONFIG` names, running."""
    async with (
        IdentityProvider(title="Example University", people=PEOPLE) as uni,
        IdentityProvider(title="City Library", people=READERS, further_scopes=("repo", "gist")) as library,
    ):
        yield {"uni": uni, "library": library}


@pytest.fixture(scope="session")
def hub_config(providers: dict[str, IdentityProvider]) -> str:
    """The configuration of the hub that these tests share."""
    return CONFIG.format(**providers)


@pytest.fixture
def hub(shared_hub: hubs.StartHub, hub_config: str) -> Hub:
    """The running hub."""
    return shared_hub(hub_config)


@pytest.fixture
def rough_hub(shared_hub: hubs.StartHub, hub_config: str) -> Hub:
    """The same hub under `ROUGH` conditions."""
    return shared_hub(hub_config + ROUGH)


@pytest.fixture(scope="session")
def label_with_markup() -> str:
    """What a provider of `rough_hub` is called."""
    return LABEL_WITH_MARKUP


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A running Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def idle() -> dict[str, list[BrowserContext]]:
    """Contexts that no test uses now, by their options: what a hub serves to everybody is loaded by now."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, idle: dict[str, list[BrowserContext]]) -> AsyncIterator[OpenPage]:
    """`await open_page(hub, path, **options)` -> a page in a browser of its own; options are those of a context.

    A script error on a page fails the test.
    """
    used: list[tuple[str, str, BrowserContext]] = []
    errors: list[str] = []

    async def open_page(hub: Hub, path: str, **options: Any) -> Page:
        kind = repr((hub.url, sorted(options.items())))
        context = idle[kind].pop() if idle.get(kind) else await browser.new_context(base_url=hub.url, **options)
        used.append((kind, hub.url, context))
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(path)
        return page

    yield open_page
    for kind, origin, context in used:
        devtools = await context.new_cdp_session(context.pages[0])
        await devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        await context.clear_cookies()
        for page in context.pages:
            await page.close()
        idle.setdefault(kind, []).append(context)
    assert not errors


@pytest.fixture(scope="session")
def axe(require: parts.Require) -> str:
    """The source of axe-core."""
    folder = parts.node_packages("axe-core")
    require("axe-core", folder, "make counterparts")
    return (folder / "node_modules/axe-core/axe.min.js").read_text() if folder else ""
