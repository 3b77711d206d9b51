"""A real source takes back what a hub deletes: the hub waits for nobody, and forgets nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from harness.browser import Browser
from harness.counterparts import Counterpart
from harness.door import Door, door
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.waiting import until

from .asking import KEYS, told

NewBrowser = Callable[[Hub], Browser]
CONFIG = """
from hubauth_core import configure
configure(c)
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.update(%r)
"""


@pytest.fixture(scope="session")
def way(oidc_provider: Counterpart) -> Iterator[Door]:
    """The hub's way to the place where the source takes tokens back."""
    with door(int(httpx.URL(oidc_provider.url).port or 0)) as between:
        yield between


@dataclass
class Person:
    """Somebody who signs in by `uni`, and may connect `lib`: two clients of one source."""

    hub: Hub
    browser: Browser
    source: Counterpart
    name: str

    async def arrive(self) -> Person:
        await self.browser.sign_in("uni", self.name)
        assert await self.browser.hub_user() == self.name
        return self

    async def connect(self) -> None:
        page = await self.browser.open("/hub/connections")
        step = await self.browser.submit(page.form("/lib/connect"))
        page = await self.browser.open(await self.browser.follow_to_callback(step, self.name))
        assert "lib is connected" in page.text, page.text

    async def token(self, provider: str = "uni") -> str:
        """What the hub hands out now."""
        api = (await self.hub.api("POST", f"/users/{self.name}/tokens")).json()["token"]
        url = f"{self.hub.direct_url}/hub/api/hubauth/users/{self.name}/credentials/{provider}"
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.get(url, headers={"Authorization": f"token {api}"})
        assert told(answer) == (200, "")
        found: str = answer.json()["access_token"]
        return found

    def accepts(self, token: str) -> bool:
        """Whether the source still knows an access token."""
        answer = httpx.get(f"{self.source.url}/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        return answer.status_code == 200

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.hub.directory / "audit.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind and event["subject"] == self.name]


def options(source: Counterpart, way: Door, **more: Any) -> dict[str, Any]:
    """A hub whose source is told of tokens that are not wanted by a way of its own."""
    told = {"revocation_url": f"{way.url}/token/revocation", "allow_all": True}
    providers = {
        "uni": source.options(username_prefix="", **told),
        "lib": source.options(label="lib", client_id="public", client_secret="", client_authentication="none", **told),
    }
    providers["lib"]["revoke_on_logout"] = False
    return {"providers": providers, "audit_log": "audit.jsonl"} | more


@pytest.fixture
def hub(shared_hub: StartHub, oidc_provider: Counterpart, way: Door) -> Hub:
    return made(shared_hub, oidc_provider, way)


def made(start: StartHub, source: Counterpart, way: Door, **more: Any) -> Hub:
    hub = start(CONFIG % options(source, way, **more), KEYS)
    for provider in ("uni", "lib"):
        source.allow(hub, provider)
    return hub


@pytest.mark.row("R17", "10.4.9")
async def test_who_is_deleted_has_no_token_at_the_source_any_more(
    hub: Hub, oidc_provider: Counterpart, new_browser: NewBrowser
) -> None:
    dora = await Person(hub, new_browser(hub), oidc_provider, "dora-deleted").arrive()
    token = await dora.token()
    assert dora.accepts(token)
    assert (await hub.api("DELETE", f"/users/{dora.name}")).status_code == 204
    await until(lambda: not dora.accepts(token))
    await until(lambda: len(dora.events("credential_revoked")) == 1)
    assert token not in (hub.directory / "audit.jsonl").read_text()


@pytest.mark.row("R17", "10.7.3")
async def test_what_is_disconnected_is_taken_back_and_nothing_else(
    hub: Hub, oidc_provider: Counterpart, new_browser: NewBrowser
) -> None:
    lena = await Person(hub, new_browser(hub), oidc_provider, "lena-linked").arrive()
    await lena.connect()
    uni, lib = await lena.token("uni"), await lena.token("lib")
    page = await lena.browser.open("/hub/connections")
    assert (await lena.browser.submit(page.form("/lib/disconnect"))).status == 303
    await until(lambda: not lena.accepts(lib))
    assert lena.accepts(uni)
    assert await lena.token("uni") == uni


@newest_only
@pytest.mark.row("R17")
async def test_who_signs_out_gives_back_what_was_issued_where_the_administrator_wants_it(
    shared_hub: StartHub, oidc_provider: Counterpart, way: Door, new_browser: NewBrowser
) -> None:
    hub = made(shared_hub, oidc_provider, way, revoke_on_logout=True)
    olga = await Person(hub, new_browser(hub), oidc_provider, "olga-out").arrive()
    await olga.connect()
    uni, lib = await olga.token("uni"), await olga.token("lib")
    await olga.browser.sign_out()
    await until(lambda: not olga.accepts(uni))
    await olga.arrive()
    assert await olga.token("uni") != uni
    assert await olga.token("lib") == lib
    assert olga.accepts(lib)


def let_pauses_end(hub: Hub) -> None:
    """As if the time had passed after which a source is told again."""
    with closing(sqlite3.connect(hub.directory / "hubauth.sqlite")) as store, store:
        assert store.execute("UPDATE hubauth_revocations SET retry_at = 1").rowcount == 1


@newest_only
@pytest.mark.row("R17")
async def test_a_source_that_is_away_hears_of_it_when_it_is_back_even_after_a_restart(
    start_hub: StartHub, oidc_provider: Counterpart, new_browser: NewBrowser
) -> None:
    with door(int(httpx.URL(oidc_provider.url).port or 0)) as way:
        hub = made(start_hub, oidc_provider, way)
        ada = await Person(hub, new_browser(hub), oidc_provider, "ada-away").arrive()
        token = await ada.token()
        way.is_open = False
        assert (await hub.api("DELETE", f"/users/{ada.name}")).status_code == 204
        assert await hub.user(ada.name) is None
        await until(lambda: "does not revoke a credential yet" in hub.log)
        assert ada.accepts(token)
        hub.stop()
        let_pauses_end(hub)
        way.is_open = True
        hub.start()
        await until(lambda: not ada.accepts(token))
        await until(lambda: len(ada.events("credential_revoked")) == 1)
    assert "Traceback" not in hub.log
