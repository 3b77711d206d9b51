"""Real hubs ask again who somebody is: rights follow, a silent source changes nothing, a definite no ends all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from harness.browser import Browser
from harness.counterparts import Counterpart
from harness.hub import Hub
from harness.hubs import StartHub, newest_only, private
from hostile_idp import faults
from hostile_idp.server import HostileIdP

from .asking import KEYS
from .scene import Scene, config

row = pytest.mark.row
OneMore = Callable[[Hub], Browser]
OFTEN = """
c.Authenticator.auth_refresh_age = 1
c.Authenticator.manage_groups = True
c.Authenticator.enable_auth_state = True
c.JupyterHub.load_roles[0]["scopes"].append("admin:auth_state")
c.HubAuthenticator.providers["pam"] = {"type": "authenticator", "authenticator_class": "dummy", "allow_all": True}
c.HubAuthenticator.providers["real"] = %r
"""
RED = {"membership_max_age": 0, "groups_claim": "groups", "allowed_groups": ["staff"], "allow_all": False}


async def when(true: Callable[[], Awaitable[bool]]) -> None:
    """Come back once it is so: each look is a request, and the hub refreshes once a second."""
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110  # no event crosses from there
            await asyncio.sleep(0.1)


class Work:
    """Somebody at work: a browser that is signed in, and an API token."""

    def __init__(self, hub: Hub, browser: Browser, name: str) -> None:
        self.hub, self.browser, self.name, self.token = hub, browser, name, ""

    async def begin(self) -> None:
        assert await self.browser.hub_user() == self.name
        self.token = (await self.hub.api("POST", f"/users/{self.name}/tokens")).json()["token"]
        assert await self.asks() == 200

    async def asks(self) -> int:
        """The status of a request by the API token alone."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.get(
                f"{self.hub.direct_url}/hub/api/user", headers={"Authorization": f"token {self.token}"}
            )
        return answer.status_code

    async def is_in(self) -> bool:
        return await self.browser.hub_user() == self.name

    async def is_out(self) -> bool:
        return not await self.is_in()

    async def groups(self) -> list[str]:
        """The hub's groups, after a request of the person's own."""
        await self.is_in()
        user = await self.hub.user(self.name)
        assert user is not None
        return sorted(user["groups"])

    def refreshes(self) -> int:
        return self.hub.log.count(f"Refreshing auth for {self.name}\n")

    async def refreshed(self) -> None:
        """Wait until the hub has refreshed once more."""
        before = self.refreshes()

        async def once_more() -> bool:
            await self.is_in()
            return self.refreshes() > before

        await when(once_more)


@pytest.fixture
def often(shared_hub: StartHub, idps: dict[str, HostileIdP], oidc_provider: Counterpart) -> Scene:
    """A hub that refreshes each second, and asks its sources each time."""
    real = oidc_provider.options(
        scope=["openid", "profile", "groups"],
        groups_claim="groups",
        allowed_groups=["staff"],
        admin_groups=["hub-admins"],
        membership_max_age=0,
    )
    hub = shared_hub(config(idps, {"red": RED}) + OFTEN % real, KEYS)
    oidc_provider.allow(hub, "real")
    return Scene(hub, idps)


@pytest.fixture
async def ann(often: Scene, new_browser: OneMore, request: pytest.FixtureRequest) -> Work:
    """Somebody of the test's own who works by `red`."""
    often["red"].tokens = {"refresh_token": "of-ann"}
    name = f"ann{abs(hash(request.node.name)) % 10**8}"
    often.person("red", name, name, groups=["staff", "chess"])
    browser = new_browser(often.hub)
    await often.sign_in(browser, "red")
    work = Work(often.hub, browser, f"red-{name}")
    await work.begin()
    return work


@row("V17", "7.4.2")
async def test_who_leaves_a_group_at_a_real_source_loses_it_here_and_with_it_the_way_in(
    often: Scene, new_browser: OneMore, oidc_provider: Counterpart
) -> None:
    name = f"gina-{often.hub.url.rpartition(':')[2]}"
    oidc_provider.account(name, groups=["staff", "chess", "hub-admins"])
    browser = new_browser(often.hub)
    await browser.sign_in("real", name)
    gina = Work(often.hub, browser, f"real-{name}")
    await gina.begin()
    assert await gina.groups() == ["real:chess", "real:hub-admins", "real:staff"]

    oidc_provider.account(name, groups=["staff"])
    await when(lambda: _are(gina.groups(), ["real:staff"]))
    user = await often.hub.user(gina.name)
    assert user is not None
    assert user["admin"] is False
    assert user["auth_state"]["claims"]["groups"] == ["staff"]
    assert await gina.asks() == 200

    oidc_provider.account(name, groups=["visitors"])
    await when(gina.is_out)
    assert await gina.asks() == 403
    tokens = (await often.hub.api("GET", f"/users/{gina.name}/tokens")).json()
    assert tokens["api_tokens"] == []
    ended = [event for event in often.events() if event["hub_user"] == gina.name and event["kind"] == "access_ended"]
    assert [event["reason"] for event in ended] == ["not_allowed"]
    again = await browser.sign_in("real", name)
    assert again.status == 403

    oidc_provider.account(name, groups=["staff"])
    await browser.sign_in("real", name)
    assert await gina.is_in()
    assert await gina.asks() == 403, "the token does not come to life again"


async def _are(groups: Awaitable[list[str]], wanted: list[str]) -> bool:
    return await groups == wanted


@row("F11")
async def test_a_grant_that_is_over_asks_for_a_new_sign_in_and_ends_nothing_else(often: Scene, ann: Work) -> None:
    red = often["red"]
    red.replace("/userinfo", faults.raw(b"{}", status=401))
    red.replace("/token", faults.json_answer({"error": "invalid_grant"}, 400))
    await when(ann.is_out)
    assert await ann.asks() == 403
    calls = len(red.seen)
    assert await ann.asks() == 403
    assert len(red.seen) == calls, "nobody asks with a grant that is over"
    red.answers.clear()
    await often.sign_in(ann.browser, "red")
    assert await ann.is_in()
    assert await ann.asks() == 200


@newest_only
@row("R20")
async def test_somebody_else_behind_the_token_is_out(often: Scene, ann: Work) -> None:
    often["red"].userinfo = {"sub": "somebody-else", "preferred_username": "root", "groups": ["staff"]}
    await when(ann.is_out)
    assert await ann.asks() == 403


@newest_only
async def test_who_came_by_a_wrapped_authenticator_needs_no_token_to_stay(often: Scene, new_browser: OneMore) -> None:
    browser = new_browser(often.hub)
    await browser.sign_in_with_form("pam", "paula", "any")
    paula = Work(often.hub, browser, "pam-paula")
    await paula.begin()
    await paula.refreshed()
    assert await paula.is_in()
    assert await paula.asks() == 200


@newest_only
@row("F01", "F02")
async def test_a_source_that_does_not_answer_signs_nobody_out(often: Scene, ann: Work) -> None:
    """The last one here: the hub leaves the source alone for some seconds then."""
    often["red"].replace("/userinfo", faults.hang_up)
    asked = often["red"].count("/userinfo")
    await ann.refreshed()
    await ann.refreshed()
    assert often["red"].count("/userinfo") > asked
    assert await ann.is_in()
    assert await ann.asks() == 200
    assert await ann.groups() == ["red:chess", "red:staff"]


# One hub, which refreshes when it is told to: at a spawn, after a restart.


@pytest.fixture(scope="module")
def seldom_hub(
    hub_python: Path, houses: dict[str, HostileIdP], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A hub that refreshes at spawns, and that tests restart."""
    more = """
c.Authenticator.auth_refresh_age = 3600
c.Authenticator.refresh_pre_spawn = True
"""
    blue = {"groups_claim": "groups", "allowed_groups": ["staff"], "allow_all": False}
    with private(hub_python, tmp_path_factory.mktemp("seldom")) as start:
        yield start(config(houses, {"red": RED, "blue": blue}) + more, KEYS)


@pytest.fixture
def seldom(seldom_hub: Hub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(seldom_hub, idps)


async def test_a_server_starts_for_who_may_enter_now(seldom: Scene, new_browser: OneMore) -> None:
    for number, (groups, starts) in enumerate({("staff",): True, ("visitors",): False}.items()):
        name, browser = f"spawning{number}", new_browser(seldom.hub)
        seldom.person("red", name, name, groups=["staff"])
        await seldom.sign_in(browser, "red")
        seldom["red"].userinfo = {"sub": name, "preferred_username": name, "groups": list(groups)}
        assert await browser.hub_user() == f"red-{name}", "nobody has asked yet"
        page = await browser.start_server(f"red-{name}")
        user = await seldom.hub.user(f"red-{name}")
        assert user is not None
        assert bool(user["server"]) is starts, page.text
        assert (await browser.hub_user() is not None) is starts


@newest_only
async def test_after_a_restart_the_hub_remembers_when_it_asked(seldom: Scene, new_browser: OneMore) -> None:
    """Then everybody is new to the hub, and all sources would be asked about all people at once."""
    browser = new_browser(seldom.hub)
    seldom.person("blue", "ben", "ben", groups=["staff"])
    await seldom.sign_in(browser, "blue")
    asked = seldom["blue"].count("/userinfo")
    seldom.hub.restart()
    work = Work(seldom.hub, browser, "blue-ben")
    assert await work.is_in()
    assert work.refreshes() == 1
    assert seldom["blue"].count("/userinfo") == asked
    with_new_rules = seldom.hub.directory / "jupyterhub_config.py"
    rule = 'c.HubAuthenticator.providers["blue"]["required_claims"] = {"office": "north"}\n'
    with_new_rules.write_text(with_new_rules.read_text() + rule)
    seldom["blue"].userinfo = {"sub": "ben", "preferred_username": "ben", "groups": ["staff"], "office": "north"}
    seldom.hub.restart()
    assert await work.is_in()
    assert seldom["blue"].count("/userinfo") == asked + 1, "what the rule looks at was not known"


@newest_only
async def test_an_age_of_zero_asks_nobody_and_says_so(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    scene = Scene(start_hub(config(idps, {"red": RED}) + "c.Authenticator.auth_refresh_age = 0\n", KEYS), idps)
    assert "c.Authenticator.auth_refresh_age = 0" in scene.hub.log
    browser = new_browser(scene.hub)
    scene.person("red", "zoe", "zoe", groups=["staff"])
    await scene.sign_in(browser, "red")
    scene["red"].userinfo = {"sub": "zoe", "preferred_username": "zoe", "groups": []}
    asked = scene["red"].count("/userinfo")
    assert (await browser.start_server("red-zoe")).status == 200
    assert await browser.hub_user() == "red-zoe"
    assert scene["red"].count("/userinfo") == asked
