"""The REST API in real hubs: who gets which credentials, and by which token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, every_version, newest_only
from harness.process import answers
from hostile_idp.server import HostileIdP

from .asking import KEYS, RIGHTS, SCOPE, Person, told
from .scene import Scene, config


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    """A hub that keeps credentials, where users, servers and three services may ask for some."""
    for idp in idps.values():
        idp.tokens = {"refresh_token": "canary-refresh"}
    return Scene(shared_hub(config(idps, git_credential_helper=True) + RIGHTS, KEYS), idps)


Arrive = Callable[[str], Any]


@pytest.fixture
def arrive(scene: Scene, new_browser: Callable[[Hub], Browser]) -> Arrive:
    """`await arrive("ann")`: a person of that name, signed in."""

    async def arrive(name: str) -> Person:
        browser = new_browser(scene.hub)
        scene.person("red", f"subject-{name}", name)
        await browser.follow(await scene.sign_in(browser, "red"))
        assert await browser.hub_user() == f"red-{name}"
        return Person(scene, browser, name)

    return arrive


@every_version
async def test_people_read_their_own(arrive: Arrive) -> None:
    ann = await arrive("ann")
    token = await ann.token()
    listed = await ann.ask(token, "credentials")
    [connection] = listed.json()["credentials"]
    assert told(listed) == (200, "")
    assert (connection["provider"], connection["home"], connection["state"]) == ("red", True, "ready")
    answer = await ann.ask(token, "credentials/red?min_ttl=5")
    assert told(answer) == (200, "")
    assert answer.json()["access_token"].startswith("access-")
    assert "canary-refresh" not in listed.text + answer.text
    [event] = [each for each in ann.events() if each["kind"] == "credential"]
    assert (event["provider"], "actor" in event, event["address"]) == ("red", False, "127.0.0.1")


@pytest.mark.row("10.3.2")
async def test_nobody_reads_somebody_elses(arrive: Arrive) -> None:
    ann, ben = await arrive("anna"), await arrive("ben")
    token = await ann.token()
    others, nobodys = await ann.ask(token, of="red-ben"), await ann.ask(token, of="red-nobody")
    assert told(others) == told(nobodys) == (404, "not_found")
    assert others.text == nobodys.text
    assert not [event for event in ben.events() if event["kind"].startswith("credential")]


@every_version
async def test_a_server_reads_its_users_own(arrive: Arrive) -> None:
    cleo = await arrive("cleo")
    await arrive("dan")
    environment = (await cleo.browser.server(cleo.name))["environment"]
    token = environment["JUPYTERHUB_API_TOKEN"]
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"token {token}"}) as client:
        base = f"{environment['JUPYTERHUB_API_URL']}/hubauth/users"
        own = await client.get(f"{base}/{environment['JUPYTERHUB_USER']}/credentials/red")
        others = await client.get(f"{base}/red-dan/credentials/red")
    assert told(own) == (200, "")
    assert told(others) == (404, "not_found")


async def test_a_service_reads_those_that_its_role_says(arrive: Arrive) -> None:
    eve = await arrive("eve")
    assert told(await eve.ask("token-of-reader")) == (200, "")
    assert told(await eve.ask("token-of-reader", of="red-nobody")) == (404, "not_found")
    assert (await eve.hub.api("GET", "/users", token="token-of-reader")).status_code == 403
    assert told(await eve.ask("token-of-staff")) == (404, "not_found")
    await eve.hub.api("POST", "/groups/staff")
    await eve.hub.api("POST", "/groups/staff/users", json={"users": [eve.name]})
    assert told(await eve.ask("token-of-staff")) == (200, "")
    actors = [event["actor"] for event in eve.events() if event["kind"] == "credential"]
    assert actors == ["service:reader", "service:of-staff"]


async def test_a_service_reads_those_of_its_visitor_alone(arrive: Arrive) -> None:
    finn = await arrive("finn")
    await arrive("gus")
    visit = await finn.visit("service-binder")
    assert told(await finn.ask(visit)) == (200, "")
    assert told(await finn.ask(visit, of="red-gus")) == (404, "not_found")
    assert told(await finn.ask("token-of-binder")) == (403, "forbidden")
    assert finn.events()[-1]["actor"] == "service:binder"


@pytest.mark.row("10.4.10")
@pytest.mark.parametrize("mode", ["navigate", "same-origin", "no-cors", ""])
async def test_a_cookie_is_not_enough(arrive: Arrive, mode: str) -> None:
    person = await arrive(f"hal-{mode}")
    path = f"/hub/api/hubauth/users/{person.name}/credentials/red"
    headers = {"Sec-Fetch-Site": "same-origin", "X-XSRFToken": person.browser.xsrf}
    headers |= {"Sec-Fetch-Mode": mode} if mode else {}
    for authorization in ({}, {"Authorization": "token 0123456789abcdef"}):
        page = await person.browser.request("GET", path, headers=headers | authorization)
        assert told(page.response) == (403, "forbidden")
        assert "access" not in page.html


@pytest.mark.row("10.3.2")
async def test_a_token_without_the_scope_is_not_enough(arrive: Arrive) -> None:
    ida = await arrive("ida")
    assert told(await ida.ask(await ida.token(scopes=["read:users!user"]))) == (403, "forbidden")
    assert told(await ida.ask("0123456789abcdef")) == (403, "forbidden")
    assert told(await ida.ask(await ida.token(scopes=[f"{SCOPE}!user"]))) == (200, "")


@pytest.mark.row("10.4.9", "V17")
async def test_a_token_that_was_taken_back_is_good_for_nothing(arrive: Arrive) -> None:
    jo = await arrive("jo")
    made = (await jo.hub.api("POST", f"/users/{jo.name}/tokens", json={})).json()
    assert told(await jo.ask(made["token"])) == (200, "")
    await jo.hub.api("DELETE", f"/users/{jo.name}/tokens/{made['id']}")
    assert told(await jo.ask(made["token"])) == (403, "forbidden")
    again = await jo.token()
    await jo.hub.api("DELETE", f"/users/{jo.name}")
    assert told(await jo.ask(again)) == (403, "forbidden")
    assert told(await jo.ask("token-of-reader")) == (404, "not_found")


async def test_a_renamed_user_keeps_their_credentials_and_leaves_none_behind(arrive: Arrive) -> None:
    kim = await arrive("kim")
    await kim.hub.api("PATCH", f"/users/{kim.name}", json={"name": "kimberly"})
    await kim.hub.api("POST", f"/users/{kim.name}")
    assert told(await kim.ask("token-of-reader", of="kimberly")) == (200, "")
    assert told(await kim.ask("token-of-reader")) == (404, "not_connected")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_only_get_is_answered(arrive: Arrive, method: str) -> None:
    person = await arrive(f"lou-{method.lower()}")
    answer = await person.hub.api(method, f"/hubauth/users/{person.name}/credentials/red", token=await person.token())
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, OPTIONS")
    if method != "HEAD":
        assert answer.json()["error"] == "method_not_allowed"


@pytest.mark.row("V41")
async def test_what_is_refused_is_repeated_nowhere(arrive: Arrive) -> None:
    mia = await arrive("mia")
    token, git = await mia.token(), "git-credential?url=https://"
    refused = {
        "credentials/red?min_ttl=canary-ttl": (400, "bad_request"),
        "credentials/red?resource=canary-resource": (404, "unknown_resource"),
        "credentials/red?canary-name=1": (400, "bad_request"),
        "credentials/red?min_ttl=1&min_ttl=1": (400, "bad_request"),
        "credentials/canary-provider": (404, "unknown_provider"),
        "credentials/blue": (404, "not_connected"),
        "credentials/%FF": (400, "bad_request"),
        "git-credential": (400, "bad_request"),
        f"{git}me:canary-password@x.example/o/r": (400, "bad_request"),
        f"{git}canary.example/o/r": (404, "unknown_host"),
        f"{git}x.example/o/../canary": (400, "bad_request"),
        f"{git}x.example/%0Acanary": (400, "bad_request"),
    }
    for below, expected in refused.items():
        answer = await mia.ask(token, below)
        assert (below, *told(answer)) == (below, *expected)
        assert "canary" not in answer.text
    assert "canary-password" not in mia.hub.log
    blue = (await mia.ask(token, "credentials/blue")).json()
    assert blue["login_url"] == "/hub/connections"


async def test_a_dead_grant_asks_for_a_new_sign_in(arrive: Arrive, scene: Scene) -> None:
    scene["red"].tokens = {"expires_in": 1}
    nat = await arrive("nat")
    token = await nat.token()
    answer = await nat.ask(token)
    while answer.status_code == 200:
        answer = await nat.ask(token)
    assert told(answer) == (409, "needs_login")
    assert answer.json()["login_url"] == "/hub/connections"


async def test_the_description_is_for_everybody(scene: Scene) -> None:
    answer = await scene.hub.api("GET", "/hubauth/openapi.json", token="none")
    assert answer.status_code == 200
    assert answer.json()["servers"] == [{"url": "/hub/api/hubauth"}]
    assert answer.json()["openapi"] == "3.1.0"


@newest_only
async def test_a_token_that_asks_too_often_has_to_wait(start_hub: StartHub, idps: dict[str, HostileIdP]) -> None:
    hub = start_hub(config(idps, credential_rate_limit=2) + RIGHTS, KEYS)
    await hub.api("POST", "/users/olaf")
    path = "/hubauth/users/olaf/credentials"
    answered = [await hub.api("GET", path, token="token-of-reader") for _ in range(3)]
    assert [each.status_code for each in answered] == [200, 200, 429]
    assert 1 <= int(answered[-1].headers["Retry-After"]) <= 30
    elsewhere = await hub.api("DELETE", "/hubauth/sessions", token="token-of-reader")
    assert (*told(elsewhere), "Retry-After" in elsewhere.headers) == (429, "rate_limited", True)
    assert (await hub.api("GET", path, token="token-of-staff")).status_code == 404


@newest_only
@pytest.mark.row("V17")
async def test_who_is_blocked_gets_nothing_by_any_token(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: Callable[[Hub], Browser]
) -> None:
    scene = Scene(start_hub(config(idps) + RIGHTS, KEYS), idps)
    browser = new_browser(scene.hub)
    scene.person("red", "subject-quin", "quin")
    await browser.follow(await scene.sign_in(browser, "red"))
    quin = Person(scene, browser, "quin")
    own = await quin.token()
    assert told(await quin.ask(own)) == told(await quin.ask("token-of-reader")) == (200, "")
    with (scene.hub.directory / "jupyterhub_config.py").open("a") as file:
        file.write("c.Authenticator.blocked_users = {'red-quin'}\n")
    scene.hub.restart()
    assert told(await quin.ask(own)) == (403, "forbidden")
    assert told(await quin.ask("token-of-reader")) == (403, "blocked")


async def test_without_configure_the_hub_starts_and_says_what_is_missing(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: Callable[[Hub], Browser]
) -> None:
    scene = Scene(start_hub(config(idps), KEYS), idps)
    line = f"The roles user and server lack {SCOPE}!user"
    assert [line in each for each in scene.hub.log.splitlines()].count(True) == 1
    assert "from hubauth_core import configure; configure(c)" in scene.hub.log
    browser = new_browser(scene.hub)
    scene.person("red", "subject-pat", "pat")
    await browser.follow(await scene.sign_in(browser, "red"))
    pat = Person(scene, browser, "pat")
    assert told(await pat.ask(await pat.token())) == (403, "forbidden")


@newest_only
async def test_a_hub_below_a_path_with_a_space(make_hub: Callable[..., Hub], idps: dict[str, HostileIdP]) -> None:
    hub = make_hub(config(idps) + RIGHTS + "c.JupyterHub.base_url = '/@/space%20word/'\n", KEYS)
    hub.process.start()
    try:
        base = f"{hub.direct_url}/@/space%20word/hub"
        hub.process.wait_until(lambda: answers(f"{base}/health"))
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": "token token-of-reader"}) as client:
            api = f"{base}/api/hubauth"
            assert told(await client.get(f"{api}/users/nobody/credentials")) == (404, "not_found")
            described = (await client.get(f"{api}/openapi.json")).json()
        assert described["servers"] == [{"url": "/@/space%20word/hub/api/hubauth"}]
    finally:
        hub.stop()
