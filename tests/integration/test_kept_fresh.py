"""Real hubs keep the tokens of a real source fresh, and pages stay sensible whatever becomes of them.

The source rotates refresh tokens, and ends the grant of one that comes twice.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from harness import counterparts
from harness.browser import Browser, Page
from harness.counterparts import Counterpart
from harness.door import Door, door
from harness.hub import Hub
from harness.hubs import StartHub, newest_only

from .asking import KEYS, told

row = pytest.mark.row
CONFIG = """
from hubauth_core import configure
configure(c)
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.update(%r)
"""


@pytest.fixture(scope="session")
def source(node: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counterpart]:
    """A source of these tests' own, whose events are theirs."""
    with counterparts.oidc_provider(tmp_path_factory.mktemp("rotating")) as running:
        yield running


@pytest.fixture
def way(source: Counterpart) -> Iterator[Door]:
    """The hub's way to the source's token endpoint."""
    with door(int(httpx.URL(source.url).port or 0)) as between:
        yield between


@dataclass
class Person:
    """Somebody who has signed in by `uni`, with an API token."""

    hub: Hub
    browser: Browser
    source: Counterpart
    name: str
    token: str = ""

    async def arrive(self) -> Page:
        page = await self.browser.sign_in("uni", self.name)
        if not self.token:
            answer = await self.hub.api("POST", f"/users/{self.name}/tokens")
            self.token = answer.json()["token"]
        return page

    def expire(self) -> None:
        """What is stored of everybody counts as expired."""
        with sqlite3.connect(self.hub.directory / "hubauth.sqlite") as store:
            store.execute("UPDATE hubauth_vault SET expires_at = 1")

    def stored(self) -> dict[str, float]:
        """When the stored credential of each person expires."""
        query = "SELECT username, expires_at FROM hubauth_vault JOIN hubauth_identities ON id = identity_id"
        with sqlite3.connect(self.hub.directory / "hubauth.sqlite") as store:
            return dict(store.execute(f"{query} WHERE purpose = 'credential'"))

    def events(self) -> list[dict[str, Any]]:
        """The audit trail."""
        return [json.loads(line) for line in (self.hub.directory / "audit.jsonl").read_text().splitlines()]

    async def page(self, path: str = "/hub/home") -> Page:
        return await self.browser.request("GET", path)

    async def api(self, path: str) -> httpx.Response:
        """Ask the hub itself, by the API token alone."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            headers = {"Authorization": f"token {self.token}"}
            return await client.get(f"{self.hub.direct_url}/hub/api{path}", headers=headers)

    async def credential(self) -> httpx.Response:
        return await self.api(f"/hubauth/users/{self.name}/credentials/uni")

    def renewals(self) -> list[tuple[str, Any]]:
        """What the source has said to requests for a renewal."""
        events = [each for each in self.source.events() if each.get("grant_type") == "refresh_token"]
        return [(each["event"], each.get("error")) for each in events if each["event"].startswith("grant.")]


@pytest.fixture
def start(
    start_hub: StartHub, new_browser: Callable[[Hub], Browser], source: Counterpart, way: Door
) -> Callable[..., Person]:
    """`start("ann", **options)`: a hub of the test's own, and somebody who is about to sign in."""

    def begin(name: str, **options: Any) -> Person:
        uni = source.options(allow_all=True, token_url=f"{way.url}/token", request_timeout=5)
        hub = start_hub(CONFIG % ({"providers": {"uni": uni}, "audit_log": "audit.jsonl"} | options), KEYS)
        source.allow(hub, "uni")
        return Person(hub, new_browser(hub), source, name)

    return begin


@row("F10", "F11", "M13", "R04")
async def test_all_who_come_at_once_after_expiry_cause_one_renewal(start: Callable[..., Person]) -> None:
    """The hub asks for a refresh once a page, it has no lock, and nothing in it may renew by itself."""
    ann = start("ann-at-once")
    await ann.arrive()
    first = (await ann.credential()).json()["access_token"]
    tokens = {first}
    for _ in range(2):  # twice: the first renewal must have left a token that works
        before = len(ann.renewals())
        ann.expire()
        ann.hub.restart()  # now every request is the first one of a session that is due
        pages = [ann.page(path) for path in ("/hub/home", "/hub/token", "/hub/home", "/hub/api/user")]
        asked = [ann.credential() for _ in range(4)]
        others = [ann.api("/user"), ann.api(f"/users/{ann.name}")]
        answers = await asyncio.gather(*pages, *asked, *others)
        statuses = [each.status if isinstance(each, Page) else each.status_code for each in answers]
        assert statuses == [200] * len(answers)
        got = {each.json()["access_token"] for each in answers[4:8] if isinstance(each, httpx.Response)}
        assert len(got) == 1
        assert not got & tokens
        tokens |= got
        assert ann.renewals()[before:] == [("grant.success", None)]
    assert "Traceback" not in ann.hub.log


@row("F10", "F11")
async def test_a_grant_that_is_dead_leads_to_the_sign_in_page_and_back(start: Callable[..., Person]) -> None:
    ben = start("ben-dead")
    await ben.arrive()
    ben.source.account(ben.name, disabled=True)
    ben.expire()
    answer = await ben.credential()
    assert told(answer) == (409, "needs_login")
    assert answer.json()["login_url"]
    before = len(ben.renewals())
    ben.hub.restart()
    for path in ("/hub/home", "/hub/token", "/hub/spawn", "/hub/connections", f"/user/{ben.name}/", "/hub/"):
        page = await ben.browser.open(path)
        assert page.status == 200, (path, page.text)
        assert page.path == "/hub/login" or "/auth/uni/" in page.path or ben.source.url in page.url, (path, page.url)
    assert (await ben.page("/hub/api/user")).status == 403
    assert len(ben.renewals()) == before, "a grant that is dead is not tried again"
    ben.source.account(ben.name)
    assert (await ben.arrive()).path == "/hub/home"
    assert (await ben.page()).status == 200
    assert told(await ben.credential()) == (200, "")
    assert "Traceback" not in ben.hub.log


@newest_only
@row("F01", "F11")
async def test_a_source_that_is_away_signs_nobody_out(start: Callable[..., Person], way: Door) -> None:
    cleo = start("cleo-away")
    await cleo.arrive()
    old = (await cleo.credential()).json()["access_token"]
    cleo.expire()
    way.is_open = False
    cleo.hub.restart()
    for _ in range(3):
        assert (await cleo.page()).status == 200
        assert (await cleo.api("/user")).status_code == 200
        answer = await cleo.credential()
        assert told(answer)[0] == 503
        assert int(answer.headers["Retry-After"]) > 0
    way.is_open = True
    answer = await cleo.credential()
    while answer.status_code == 503:
        await asyncio.sleep(0.2)
        answer = await cleo.credential()
    assert told(answer) == (200, "")
    assert answer.json()["access_token"] != old
    assert "Traceback" not in cleo.hub.log


@newest_only
async def test_people_at_work_find_fresh_credentials_and_nobody_else_makes_work(
    start: Callable[..., Person], new_browser: Callable[[Hub], Browser]
) -> None:
    dora = start("dora-at-work", renew_ahead=4)
    await dora.arrive()
    await dora.browser.server(dora.name)
    eric = Person(dora.hub, new_browser(dora.hub), dora.source, "eric-idle")
    await eric.arrive()
    before = len(dora.renewals())
    dora.expire()
    dora.hub.process.wait_until(lambda: dora.stored()[dora.name] > 1)
    assert dora.stored()[eric.name] == 1
    assert dora.renewals()[before:] == [("grant.success", None)]
    assert [event["kind"] for event in dora.events() if "credential" in event["kind"]] == []
