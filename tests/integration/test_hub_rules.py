"""Who may enter, who keeps what, what ends a session: rules, adoption, deletion, logout, restarts, a broken store."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only, private
from harness.ports import free_port
from hostile_idp.server import HostileIdP

from .scene import AUDIT, Rejection, Scene, config

OneMore = Callable[[Hub], Browser]
OwnScene = Callable[..., Scene]


def ruled(idps: dict[str, HostileIdP], **options: object) -> dict[str, object]:
    """The provider `red` alone, with these options."""
    red = {"type": "oidc", "issuer": idps["red"].issuer, "client_id": "hub", "client_secret": "s"}
    return {"red": red | options}


def rows_of(scene: Scene, subject: str) -> list[tuple[object, ...]]:
    """What is recorded of somebody's identity at a provider."""
    return [row for row in scene.rows("hubauth_identities") if subject in row]


@pytest.fixture(scope="module")
def mended_hub(
    hub_python: Path, houses: dict[str, HostileIdP], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A hub that tests break, restart and mend again, one after the other."""
    with private(hub_python, tmp_path_factory.mktemp("mended")) as start:
        yield start(config(houses))


@pytest.fixture
def mended(mended_hub: Hub, idps: dict[str, HostileIdP]) -> Scene:
    return Scene(mended_hub, idps)


@newest_only
@pytest.mark.row("V02")
async def test_without_a_rule_nobody_enters(
    own_scene: OwnScene, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    scene = own_scene(providers=ruled(idps))
    browser = new_browser(scene.hub)
    scene.person("red", "1", "ann")
    async with Rejection(scene, browser, "not_allowed"):
        page = await scene.sign_in(browser, "red")
    assert page.status == 403
    assert "/hub/login" in page.html


async def test_rules_of_a_provider(own_scene: OwnScene, idps: dict[str, HostileIdP], new_browser: OneMore) -> None:
    rules = {
        "allowed_users": ["Ann", "id:7"],
        "admin_users": ["root"],
        "blocked_users": ["mallory"],
    }
    scene = own_scene(providers=ruled(idps, **rules))
    people = [("1", "ann", 302), ("7", "anybody", 302), ("2", "root", 302), ("3", "mallory", 403), ("4", "zoe", 403)]
    for subject, username, status in people:
        scene.person("red", subject, username)
        page = await scene.sign_in(new_browser(scene.hub), "red")
        assert page.status == status, username
    # The name on the block list follows its subject; the name on the allow list stays with the first to use it.
    for subject, username in [("3", "innocent"), ("5", "ann")]:
        scene.person("red", subject, username)
        assert (await scene.sign_in(new_browser(scene.hub), "red")).status == 403
    root = await scene.hub.user("root")
    ann = await scene.hub.user("ann")
    assert root is not None
    assert ann is not None
    assert (root["admin"], ann["admin"]) == (True, False)


@newest_only
async def test_hub_wide_rules_name_hub_users(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    hub_wide = """
c.Authenticator.allowed_users = {"ann"}
c.Authenticator.admin_users = {"boss"}
c.Authenticator.blocked_users = {"blocked"}
c.Authenticator.username_map = {"robert": "bob"}
"""
    scene = Scene(start_hub(config(idps, providers=ruled(idps, allowed_users=["robert", "blocked"])) + hub_wide), idps)
    for subject, username, status in [
        ("1", "ann", 302),
        ("2", "boss", 302),
        ("3", "blocked", 403),
        ("4", "robert", 302),
    ]:
        scene.person("red", subject, username)
        page = await scene.sign_in(new_browser(scene.hub), "red")
        assert page.status == status, (username, page.text)
    assert "bob" in await scene.hub.user_names()
    boss = await scene.hub.user("boss")
    assert boss is not None
    assert boss["admin"] is True
    # Adopted by name, and pinned to the first who came: a stranger of the same name stays out.
    scene.person("red", "99", "ann")
    assert (await scene.sign_in(new_browser(scene.hub), "red")).status == 403


@newest_only
@pytest.mark.row("V15", "V17", "7.4.2")
async def test_deleted_person_is_out_at_once_and_a_new_one_inherits_nothing(scene: Scene, browser: Browser) -> None:
    scene.person("red", "v15", "dan")
    await scene.sign_in(browser, "red")
    [first] = rows_of(scene, "v15")
    assert (await scene.hub.api("DELETE", "/users/red-dan")).status_code == 204
    assert await browser.hub_user() is None
    assert rows_of(scene, "v15") == []
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "red-dan"
    assert rows_of(scene, "v15") != [first]


@newest_only
async def test_hub_user_renamed_by_an_administrator_stays_the_same_person(scene: Scene, browser: Browser) -> None:
    scene.person("red", "renamed", "eve")
    await scene.sign_in(browser, "red")
    assert (await scene.hub.api("PATCH", "/users/red-eve", json={"name": "evelyn"})).status_code == 200
    await browser.sign_out()
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "evelyn"
    assert "red-eve" not in await scene.hub.user_names()


@pytest.mark.row("V10", "7.4.1", "7.2.4")
async def test_logout_ends_every_session_on_the_server(scene: Scene, browser: Browser, other_browser: Browser) -> None:
    scene.person("red", "v10", "leo")
    signed_in = await scene.sign_in(browser, "red")
    assert signed_in.status == 302, signed_in.text
    other_browser.client.cookies.update(browser.client.cookies)  # a second tab, or a thief
    assert await other_browser.hub_user() == "red-leo"
    await browser.sign_out()
    assert await browser.hub_user() is None
    assert await other_browser.hub_user() is None
    assert (await browser.open("/hub/home")).path.endswith("/login")


@newest_only
@pytest.mark.row("V10")
async def test_logout_ends_the_way_into_the_server(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    real = 'c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]\n'
    real += 'c.Spawner.args = ["--allow-root", "--HubOAuth.cache_max_age=1"]\n'
    scene = Scene(start_hub(config(idps) + real), idps)
    browser, elsewhere = new_browser(scene.hub), new_browser(scene.hub)
    scene.person("red", "v10", "lea")
    await scene.sign_in(browser, "red")
    await scene.sign_in(elsewhere, "red")
    await browser.start_server("red-lea")
    await elsewhere.open("/user/red-lea/lab")
    polled = "/user/red-lea/api/me"
    for each in (browser, elsewhere):
        assert (await each.request("GET", polled)).status == 200
    await browser.sign_out()
    assert (await browser.request("GET", polled)).status == 403
    while (last := await elsewhere.request("GET", polled)).status == 200:  # noqa: ASYNC110
        await asyncio.sleep(0.1)  # the server may remember for as long as its cache_max_age
    assert last.status == 403
    assert (await browser.open("/user/red-lea/lab")).path == "/hub/login"


@newest_only
@pytest.mark.row("F12")
async def test_hub_restarts_while_somebody_is_at_the_source(mended: Scene, new_browser: OneMore) -> None:
    browser = new_browser(mended.hub)
    mended.person("red", "f12", "fred")
    answer = mended.answer("red", await mended.leave(browser, "red"))
    mended.hub.restart()
    assert (await browser.request("GET", answer)).status == 302
    assert await browser.hub_user() == "red-fred"


@newest_only
@pytest.mark.row("F17")
async def test_provider_that_vanishes_keeps_its_people(mended: Scene, new_browser: OneMore) -> None:
    scene, browser = mended, new_browser(mended.hub)
    scene.person("red", "f17", "gus")
    await scene.sign_in(browser, "red")
    rows = scene.rows("hubauth_identities")
    settings = scene.hub.directory / "jupyterhub_config.py"
    whole = settings.read_text()
    settings.write_text(whole + 'c.HubAuthenticator.providers["red"]["enabled"] = False\n')
    scene.hub.restart()
    assert (await browser.begin("red")).status == 404
    assert await browser.hub_user() is None, "the provider that decides is gone, its people are still in"
    settings.write_text(whole)
    scene.hub.restart()
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "red-gus"
    assert [row[:3] for row in scene.rows("hubauth_identities")] == [row[:3] for row in rows]


@newest_only
@pytest.mark.row("F13", "F15")
async def test_store_that_cannot_be_written_signs_nobody_in(mended: Scene, new_browser: OneMore) -> None:
    scene, browser = mended, new_browser(mended.hub)
    scene.person("red", "f13", "hal")
    with sqlite3.connect(scene.hub.directory / "hubauth.sqlite") as store:
        store.execute("BEGIN IMMEDIATE")
        page = await scene.sign_in(browser, "red")
        store.rollback()
    assert page.status == 503
    assert await browser.hub_user() is None
    assert rows_of(scene, "f13") == []
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "red-hal"


@newest_only
@pytest.mark.row("F15")
async def test_audit_trail_that_cannot_be_written_signs_nobody_in(mended: Scene, new_browser: OneMore) -> None:
    scene, browser = mended, new_browser(mended.hub)
    scene.person("red", "f15", "ida")
    trail = scene.hub.directory / AUDIT
    trail.unlink(missing_ok=True)
    trail.mkdir()
    assert (await scene.sign_in(browser, "red")).status == 503
    assert await browser.hub_user() is None
    trail.rmdir()
    await scene.sign_in(browser, "red")
    assert await browser.hub_user() == "red-ida"


@newest_only
@pytest.mark.row("F22")
async def test_redirect_uri_and_cookies_follow_the_public_url(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    public = 'c.JupyterHub.public_url = "https://hub.example/"\n'
    scene = Scene(start_hub(config(idps) + public), idps)
    browser = new_browser(scene.hub)
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    page = await browser.request("GET", "/hub/auth/red/login", headers=headers)
    assert page.query["redirect_uri"] == "https://hub.example/hub/auth/red/callback"
    assert "secure" in page.response.headers["set-cookie"].lower()


@newest_only
@pytest.mark.row("F01", "F16")
async def test_provider_that_is_down_hurts_only_itself(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    away = f'c.HubAuthenticator.providers["red"]["issuer"] = "http://127.0.0.1:{free_port()}"\n'
    scene = Scene(start_hub(config(idps) + away), idps)
    browser = new_browser(scene.hub)
    page = await browser.open("/hub/login")
    assert "The red house" in page.text
    refused = await browser.begin("red")
    assert refused.status == 503
    assert "The red house does not answer" in refused.text
    scene.person("blue", "1", "joe")
    await scene.sign_in(browser, "blue")
    assert await browser.hub_user() == "blue-joe"


async def test_auth_state_and_groups(start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore) -> None:
    more = f"""
c.Authenticator.enable_auth_state = True
c.Authenticator.manage_groups = True
c.CryptKeeper.keys = [{os.urandom(32)!r}]
c.JupyterHub.load_roles[0]["scopes"].append("admin:auth_state")
"""
    providers = ruled(idps, allow_all=True, groups_claim="groups")
    scene = Scene(start_hub(config(idps, providers=providers) + more), idps)
    browser = new_browser(scene.hub)
    scene.person("red", "1", "kim", groups=["staff"])
    await scene.sign_in(browser, "red")
    user = await scene.hub.user("kim")
    assert user is not None
    assert user["groups"] == ["staff"]
    state = user["auth_state"]
    assert (state["provider"], state["subject"]) == ("red", "1")
    assert state["claims"]["preferred_username"] == "kim"
    assert "access" not in json.dumps(state)
    assert len(scene.rows("hubauth_vault")) == 1
    assert not [path for path in scene.hub.files_with("access-") if path.name != "hub.log"]


@newest_only
async def test_tokens_reach_auth_state_only_where_asked_for(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    more = f"""
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [{os.urandom(32)!r}]
c.JupyterHub.load_roles[0]["scopes"].append("admin:auth_state")
"""
    scene = Scene(start_hub(config(idps, auth_state_tokens=True) + more), idps)
    browser = new_browser(scene.hub)
    scene.person("red", "1", "lou")
    await scene.sign_in(browser, "red")
    user = await scene.hub.user("red-lou")
    assert user is not None
    assert user["auth_state"]["access_token"].startswith("access-")
    assert user["auth_state"]["red_user"]["sub"] == "1"


@newest_only
async def test_one_provider_alone_with_auto_login(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    more = "c.Authenticator.auto_login = c.Authenticator.auto_login_oauth2_authorize = True\n"
    scene = Scene(start_hub(config(idps, providers=ruled(idps, allow_all=True)) + more), idps)
    page = await new_browser(scene.hub).request("GET", "/hub/login?next=%2Fhub%2Ftoken")
    assert page.location == f"{scene.hub.url}/hub/auth/red/login?next=/hub/token"
    page = await new_browser(scene.hub).request("GET", "/hub/api/oauth2/authorize?client_id=a&response_type=code")
    assert page.location is not None
    assert page.location.startswith(f"{scene.hub.url}/hub/auth/red/login?next=%2Fhub%2Fapi%2Foauth2%2Fauthorize")


@pytest.mark.row("V12")
async def test_admin_of_users_gets_no_way_into_another_account(scene: Scene, browser: Browser) -> None:
    """The harness's token holds admin:users; none of our addresses takes it."""
    scene.person("red", "v12", "max")
    await scene.sign_in(browser, "red")
    before = scene.rows("hubauth_identities")
    for path in ("/../auth/red/login", "/../auth/red/callback?code=a&state=b", "/../login"):
        answer = await scene.hub.api("POST", path, json={"username": "max", "admin": True})
        assert answer.status_code in {403, 404, 405}, path
    assert scene.rows("hubauth_identities") == before
    user = await scene.hub.user("red-max")
    assert user is not None
    assert user["admin"] is False


@newest_only
async def test_hook_of_the_hub_that_fails_is_one_event_and_no_session(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: OneMore
) -> None:
    hook = """
async def fail(authenticator, handler, model):
    raise RuntimeError("the administrator's own mistake")
c.Authenticator.post_auth_hook = fail
"""
    scene = Scene(start_hub(config(idps) + hook), idps)
    browser = new_browser(scene.hub)
    scene.person("red", "1", "nan")
    async with Rejection(scene, browser, "hub_failed"):
        assert (await scene.sign_in(browser, "red")).status == 500
