"""A hub hands out tokens that were exchanged at a real source: each with a life of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from harness.browser import Browser
from harness.counterparts import Counterpart
from harness.hub import Hub
from harness.hubs import StartHub, newest_only

from .asking import KEYS, told

pytestmark = newest_only

Ask = Callable[[str], Awaitable[httpx.Response]]
EXCHANGE = {
    "kafka": {"audience": "urn:kafka", "scope": "api:read"},
    "storage": {"audience": "urn:storage", "requested_token_type": "refresh_token"},
    "nowhere": {"audience": "nowhere"},
}
CONFIG = """
from hubauth_core import configure
configure(c)
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {"uni": %r}
"""


@pytest.fixture
def hub(shared_hub: StartHub, oidc_provider: Counterpart) -> Hub:
    hub = shared_hub(CONFIG % oidc_provider.options(allow_all=True, exchange=EXCHANGE), KEYS)
    oidc_provider.allow(hub, "uni")
    return hub


@pytest.fixture
def arrive(hub: Hub, new_browser: Callable[[Hub], Browser]) -> Callable[[str], Awaitable[Ask]]:
    """`ask = await arrive("nina")`: a person signs in, and asks the hub for credentials below `uni`."""

    async def arrive(name: str) -> Ask:
        await new_browser(hub).sign_in("uni", name)
        token = (await hub.api("POST", f"/users/{name}/tokens", json={})).json()["token"]

        async def ask(query: str) -> httpx.Response:
            url = f"{hub.direct_url}/hub/api/hubauth/users/{name}/credentials/uni{query}"
            async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
                return await client.get(url, headers={"Authorization": f"token {token}"})

        return ask

    return arrive


def claims_of(answer: httpx.Response) -> dict[str, Any]:
    assert told(answer) == (200, "")
    payload = answer.json()["access_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.mark.row("R13", "R14")
async def test_each_resource_has_a_token_of_its_own(arrive: Callable[[str], Awaitable[Ask]]) -> None:
    ask = await arrive("nina")
    own, kafka, storage = await ask(""), await ask("?resource=kafka"), await ask("?resource=storage")
    assert (claims_of(kafka)["sub"], claims_of(kafka)["aud"]) == ("nina", "urn:kafka")
    assert (claims_of(storage)["sub"], claims_of(storage)["aud"]) == ("nina", "urn:storage")
    assert kafka.json()["resource"] == "kafka"
    assert len({each.json()["access_token"] for each in (own, kafka, storage)}) == 3
    assert (await ask("?resource=kafka")).json()["access_token"] == kafka.json()["access_token"]


@pytest.mark.row("R14")
async def test_nobody_gets_the_token_of_another_person(arrive: Callable[[str], Awaitable[Ask]]) -> None:
    first, second = await arrive("olga"), await arrive("paul")
    assert [claims_of(await ask("?resource=kafka"))["sub"] for ask in (first, second)] == ["olga", "paul"]


@pytest.mark.row("R13", "R14")
@pytest.mark.parametrize(
    ("resource", "status", "slug"), [("nowhere", 400, "invalid_target"), ("urn:kafka", 404, "unknown_resource")]
)
async def test_what_cannot_be_had_is_told_and_costs_nothing(
    arrive: Callable[[str], Awaitable[Ask]], resource: str, status: int, slug: str
) -> None:
    ask = await arrive("quinn")
    assert told(await ask(f"?resource={resource}")) == (status, slug)
    assert told(await ask("")) == (200, "")


@pytest.mark.row("R13", "M14")
@pytest.mark.parametrize(("resource", "grant"), [("kafka", "token-exchange"), ("storage", "refresh_token")])
async def test_a_token_that_runs_out_is_got_again_in_its_own_way(
    arrive: Callable[[str], Awaitable[Ask]], oidc_provider: Counterpart, resource: str, grant: str
) -> None:
    ask = await arrive(f"rita-{resource}")
    own = (await ask("")).json()["access_token"]
    oidc_provider.control("PUT", "ttl", {"AccessToken": 2})
    first = await ask(f"?resource={resource}")
    oidc_provider.control("PUT", "ttl", {"AccessToken": 300})
    before = len(oidc_provider.events())
    again = first
    while again.json()["access_token"] == first.json()["access_token"]:
        again = await ask(f"?resource={resource}")
    assert claims_of(again)["aud"] == f"urn:{resource}"
    asked = [each["grant_type"].rpartition(":")[2] for each in oidc_provider.events()[before:] if "grant_type" in each]
    assert set(asked) == {grant}
    assert (await ask("")).json()["access_token"] == own
