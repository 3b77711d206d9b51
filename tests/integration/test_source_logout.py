"""Signing out at both ends, with a real hub and oidc-provider: from the hub at the source, and the other way."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from harness.browser import Browser, Page
from harness.counterparts import HUB_SECRET, Counterpart
from harness.hub import Hub
from harness.hubs import StartHub, newest_only

from .asking import KEYS

NewBrowser = Callable[[Hub], Browser]
pytestmark = [newest_only]


@pytest.fixture
def hub(shared_hub: StartHub, oidc_provider: Counterpart) -> Hub:
    """A hub that signs people out at the source, and is told by it; it is a client of its own there."""
    uni = oidc_provider.options(client_id="leaving", allow_all=True, end_session=True, username_prefix="")
    lib = oidc_provider.options(client_id="leaving-too", allow_all=True, end_session=True)
    options = {"providers": {"uni": uni, "lib": lib}, "audit_log": "audit.jsonl"}
    config = {"JupyterHub": {"authenticator_class": "hubauth"}, "HubAuthenticator": options}
    hub = shared_hub(config, KEYS)
    for provider, client_id in (("uni", "leaving"), ("lib", "leaving-too")):
        below = f"{hub.url}/hub/auth/{provider}"
        client = {"client_id": client_id, "client_secret": HUB_SECRET, "redirect_uris": [f"{below}/callback"]}
        client |= {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}
        client["post_logout_redirect_uris"] = [f"{below}/logged-out"]
        client["backchannel_logout_uri"] = f"{below}/backchannel-logout"
        oidc_provider.control("PUT", "clients", client)
        oidc_provider.allow(hub, provider)
    return hub


@pytest.fixture
async def browser(hub: Hub, new_browser: NewBrowser) -> Browser:
    return new_browser(hub)


async def leave_the_source(browser: Browser, page: Page, hub: Hub) -> Page:
    """Answer the source's question whether to sign out: where it sends the browser then."""
    form = page.form("/session/end/confirm")
    answer = await browser.submit(form, logout="yes")
    return await browser.follow(answer, until=hub.url)


@pytest.mark.row("C40", "C41", "R21")
async def test_who_signs_out_of_the_hub_leaves_the_source_and_comes_back(
    hub: Hub, browser: Browser, oidc_provider: Counterpart
) -> None:
    await browser.sign_in("uni", "lea-leaves")
    step = await browser.request("GET", "/hub/logout")
    assert step.location
    asked = httpx.URL(step.location).params
    assert asked["client_id"] == "leaving"
    assert asked["post_logout_redirect_uri"] == f"{hub.url}/hub/auth/uni/logged-out"
    assert asked["id_token_hint"].count(".") == 2
    assert await browser.hub_user() is None
    back = await leave_the_source(browser, await browser.follow(step), hub)
    assert back.location == f"{hub.url}/hub/auth/uni/logged-out?state={asked['state']}"
    end = await browser.open(back.location)
    assert (end.status, "You are signed out" in end.text) == (200, True), end.text
    assert (await browser.open(back.location)).status == 400  # once
    again = await browser.begin("uni")
    assert "login" in (await browser.follow(again)).form().fields  # the source does not know the person any more


@pytest.mark.row("R21")
@pytest.mark.parametrize(("by", "client"), [("uni", "leaving"), ("lib", "leaving-too")])
async def test_a_session_ends_at_the_source_that_made_it(hub: Hub, browser: Browser, by: str, client: str) -> None:
    name = f"mia-by-{by}"
    await browser.sign_in("uni", name)
    page = await browser.open("/hub/connections")
    step = await browser.submit(page.form("/lib/connect"))
    await browser.open(await browser.follow_to_callback(step, name))
    await browser.sign_in(by, name)
    assert await browser.hub_user() == name
    step = await browser.request("GET", "/hub/logout")
    assert step.location
    assert httpx.URL(step.location).params["client_id"] == client


@pytest.mark.row("C43", "R22", "7.4.2", "7.6.1")
async def test_who_signs_out_at_the_source_is_signed_out_of_the_hub_everywhere(
    hub: Hub, browser: Browser, new_browser: NewBrowser, oidc_provider: Counterpart
) -> None:
    await browser.sign_in("uni", "kim-goes")
    stays, elsewhere = new_browser(hub), new_browser(hub)
    await stays.sign_in("uni", "leo-stays")
    await elsewhere.sign_in("uni", "kim-goes")
    token = (await hub.api("POST", "/users/kim-goes/tokens")).json()["token"]
    page = await browser.open(f"{oidc_provider.url}/session/end")
    await leave_the_source(browser, page, hub)

    [*_, event] = [each for each in oidc_provider.events() if each["event"].startswith("backchannel")]
    assert event["event"] == "backchannel.success", event
    assert await elsewhere.hub_user() is None
    assert await browser.hub_user() is None
    assert await stays.hub_user() == "leo-stays"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{hub.url}/hub/api/user", headers={"Authorization": f"token {token}"})
    assert answer.status_code == 403


async def test_anybody_else_ends_nothing_there(hub: Hub, browser: Browser) -> None:
    await browser.sign_in("uni", "pia-plagued")
    async with httpx.AsyncClient(trust_env=False) as client:
        for sent in ({}, {"logout_token": "e30.e30."}):
            answer = await client.post(f"{hub.url}/hub/auth/uni/backchannel-logout", data=sent)
            assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
    assert await browser.hub_user() == "pia-plagued"
