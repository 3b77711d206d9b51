"""Answers from another site in Chromium, which keeps our cookies back: SAML ends in a session all the same."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Page, Route

from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.saml_idp import SamlIdP

from .conftest import STRICT, OpenPage
from .looking import findings

pytestmark = [newest_only, pytest.mark.asyncio(loop_scope="session")]

SP = "https://hub.example/saml"
SOURCE = """<!doctype html><title>Source</title><body><form method="post" action="{acs}">
<input type="hidden" name="SAMLResponse" value="{answer}"><input type="hidden" name="RelayState" value='{relay}'>
<button>Back to the hub</button></form>"""


@pytest.fixture(scope="module")
def idp() -> SamlIdP:
    """A source whose pages the browser gets from the test."""
    pytest.importorskip("onelogin")
    idp = SamlIdP("source")
    idp.url = "http://source.test/sso"
    return idp


@pytest.fixture
def hub(shared_hub: StartHub, idp: SamlIdP) -> Hub:
    """A hub with a policy that lets nothing run but what it serves."""
    source = {"entity_id": idp.entity_id, "url": idp.url, "x509cert": idp.certificate, "attr_user_permanent_id": "id"}
    bot = {"BOT_TOKEN": "1:t", "BOT_USERNAME": "hub_bot"}
    providers = {
        "saml": {
            "type": "social",
            "backend": "saml",
            "allow_all": True,
            "label": "University",
            "allow_insecure_hosts": ["source.test"],
        }
        | {"settings": {"SP_ENTITY_ID": SP, "ENABLED_IDPS": {"uni": source}}},
        "telegram": {"type": "social", "backend": "telegram", "settings": bot},
    }
    return shared_hub(
        f"c.JupyterHub.authenticator_class = 'hubauth'\nc.HubAuthenticator.providers = {providers!r}\n"
        f"c.JupyterHub.tornado_settings = {{'headers': {{'Content-Security-Policy': {STRICT!r}}}}}\n"
    )


async def answers(page: Page, hub: Hub, idp: SamlIdP) -> None:
    """Let the source's page send people back to the hub."""

    async def answer(route: Route) -> None:
        query = httpx.URL(route.request.url).params
        acs = hub.callback_url("saml")
        document = idp.answer(query["SAMLRequest"], acs, SP, "n", id=["7"], username=["sam"])
        body = SOURCE.format(acs=acs, answer=document, relay=query["RelayState"])
        await route.fulfill(body=body, content_type="text/html")

    await page.route("http://source.test/**", answer)


async def test_a_posted_answer_signs_in(hub: Hub, idp: SamlIdP, open_page: OpenPage) -> None:
    page = await open_page(hub, "/hub/login")
    await answers(page, hub, idp)
    await page.get_by_role("link", name="Sign in with University").click()
    await page.get_by_role("button", name="Back to the hub").click()
    await page.wait_for_url("**/hub/home")
    assert "saml-sam" in await page.content()


async def test_telegrams_page_loads_its_button_alone(hub: Hub, open_page: OpenPage, axe: str) -> None:
    page = await open_page(hub, "/hub/login")

    async def nothing(route: Route) -> None:
        await route.fulfill(body="", content_type="text/javascript")

    await page.route(re.compile("^https:"), nothing)
    async with page.expect_request(re.compile(r"^https://telegram\.org/js/telegram-widget\.js")):
        await page.get_by_role("link", name="Sign in with Telegram").click()
    assert await findings(page, axe) == []
