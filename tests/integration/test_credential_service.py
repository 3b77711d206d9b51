"""The REST API outside the hub: three processes over PostgreSQL, and one that the hub runs itself."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from harness import databases, parts
from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import newest_only, private
from harness.ports import free_ports
from harness.process import Child, answers
from harness.waiting import until
from hostile_idp.faults import hang, json_answer, late
from hostile_idp.server import HostileIdP

from .asking import KEYS, RIGHTS, SCOPE, Person, told
from .described import schemathesis
from .scene import Scene, config

RENEWED = {"access_token": "renewed", "token_type": "Bearer", "expires_in": 300, "refresh_token": "canary-second"}
MANAGED = """
c.JupyterHub.db_url = {database!r}
c.JupyterHub.services += [{{
    "name": "credentials",
    "url": "http://127.0.0.1:{port}",
    "command": [sys.executable, "-m", "hubauth_core.cli", "credential-service"],
    "environment": {keys!r},
}}]
"""


class House:
    """A hub over PostgreSQL and three copies of the service beside it."""

    def __init__(self, hub: Hub, database: str, ports: list[int], stack: ExitStack) -> None:
        self.hub, self.database, self._stack = hub, database, stack
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.copies = [self._start(url) for url in self.urls]
        self.wait()

    def _start(self, url: str) -> Child:
        folder, port = self.hub.directory, url.rpartition(":")[2]
        command = [self.hub.python, "-m", "hubauth_core.cli", "credential-service", "--port", port]
        copy = Child(command, folder, folder / f"copy-{port}.log", KEYS | {"HOME": str(folder)})
        self._stack.callback(copy.stop)
        copy.start_warm()
        return copy

    def wait(self) -> None:
        """Until all copies answer."""
        for url, copy in zip(self.urls, self.copies, strict=True):
            copy.wait_until(lambda url=url: answers(f"{url}/health"))

    def restart(self, number: int) -> None:
        self.copies[number] = self._start(self.urls[number])
        self.wait()

    def let_leases_run_out(self) -> None:
        """As if a minute or two had gone by."""
        engine = create_engine(self.database)
        with engine.begin() as connection:
            connection.execute(text("UPDATE hubauth_vault SET lease_until = 1 WHERE lease_until IS NOT NULL"))
        engine.dispose()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with databases.postgresql(parts.require) as server:
        yield server


@pytest.fixture(scope="module")
def house(
    hub_python: Path, postgresql: str, houses: dict[str, HostileIdP], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with ExitStack() as stack:
        database = databases.new_database(postgresql)
        ports = free_ports(4)
        told = config(houses, credential_rate_limit=0, credential_api_url=f"http://127.0.0.1:{ports[0]}")
        managed = MANAGED.format(database=database, port=ports[3], keys=KEYS)
        start = stack.enter_context(private(hub_python, tmp_path_factory.mktemp("service")))
        yield House(start(told + RIGHTS + managed, KEYS), database, ports[:3], stack)


@pytest.fixture
def scene(house: House, idps: dict[str, HostileIdP]) -> Scene:
    for idp in idps.values():
        idp.tokens = {"refresh_token": "canary-first"}
    return Scene(house.hub, idps)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=120, limits=httpx.Limits(max_connections=60)) as client:
        yield client


Ask = Callable[..., Any]


@pytest.fixture
def ask(house: House, client: httpx.AsyncClient) -> Ask:
    """`await ask(token, "ann", copy=1)`: what a copy of the service answers."""

    async def ask(token: str, name: str, below: str = "credentials/red", copy: int = 0) -> httpx.Response:
        url = f"{house.urls[copy]}/users/{name}/{below}"
        return await client.get(url, headers={"Authorization": f"token {token}"} if token else {})

    return ask


@pytest.fixture
async def person(scene: Scene, new_browser: Callable[[Hub], Browser], request: pytest.FixtureRequest) -> Person:
    """Somebody new, who has signed in."""
    name = f"p{secrets.token_hex(4)}"
    scene.person("red", f"subject-{name}", name)
    browser = new_browser(scene.hub)
    scene["red"].tokens |= getattr(request, "param", {})
    await browser.follow(await scene.sign_in(browser, "red"))
    return Person(scene, browser, name)


async def expire(person: Person, token: str, ask: Ask) -> None:
    """Wait until the credential has run out."""
    [connection] = (await ask(token, person.name, "credentials")).json()["credentials"]
    await until(lambda: time.time() > connection["expires_at"])


shortly = pytest.mark.parametrize("person", [{"expires_in": 1}], indirect=True)


def renewals(scene: Scene) -> int:
    return sum(seen.form.get("grant_type") == "refresh_token" for seen in scene["red"].seen)


@shortly
@pytest.mark.row("F10")
async def test_fifty_who_ask_three_processes_at_once_cause_one_renewal(scene: Scene, person: Person, ask: Ask) -> None:
    token = await person.token()
    await expire(person, token, ask)
    scene["red"].replace("/token", late(1, json_answer(RENEWED)))
    before = renewals(scene)
    got = await asyncio.gather(*(ask(token, person.name, copy=number % 3) for number in range(50)))
    assert Counter((*told(each), each.json().get("access_token")) for each in got) == {(200, "", "renewed"): 50}
    assert renewals(scene) - before == 1
    assert "canary" not in "".join(each.text for each in got)


@newest_only
@shortly
@pytest.mark.row("F10")
async def test_a_process_that_dies_while_it_renews_leaves_the_others_to_it(
    scene: Scene, house: House, person: Person, ask: Ask
) -> None:
    token = await person.token()
    await expire(person, token, ask)
    scene["red"].replace("/token", hang, json_answer(RENEWED))
    before = renewals(scene)
    doomed = asyncio.ensure_future(ask(token, person.name, copy=0))
    await until(lambda: renewals(scene) > before)
    waiting = asyncio.ensure_future(ask(token, person.name, copy=1))
    house.copies[0].kill()
    with pytest.raises(httpx.HTTPError):
        await doomed
    assert renewals(scene) - before == 1, "the lease of the dead process was not respected"
    house.let_leases_run_out()
    assert (await waiting).json()["access_token"] == "renewed"
    assert (await ask(token, person.name, copy=2)).json()["access_token"] == "renewed"
    assert renewals(scene) - before == 2
    house.restart(0)


@newest_only
@shortly
async def test_a_process_that_is_told_to_end_answers_first(
    scene: Scene, house: House, person: Person, ask: Ask, client: httpx.AsyncClient
) -> None:
    token = await person.token()
    await expire(person, token, ask)
    scene["red"].replace("/token", late(2, json_answer(RENEWED)))
    before = renewals(scene)
    last = asyncio.ensure_future(ask(token, person.name, copy=2))
    await until(lambda: renewals(scene) > before)
    copy = house.copies[2]
    await asyncio.to_thread(copy.stop)
    assert (await last).json()["access_token"] == "renewed"
    assert "ends when all calls are answered" in copy.log
    with pytest.raises(httpx.ConnectError):
        await client.get(f"{house.urls[2]}/health")
    house.restart(2)
    assert (await ask(token, person.name, copy=2)).json()["access_token"] == "renewed"


@pytest.mark.row("10.3.1", "10.3.2", "10.4.10")
async def test_tokens_are_good_for_what_they_are_in_the_hub(scene: Scene, person: Person, ask: Ask) -> None:
    await person.hub.api("POST", "/users/somebody")
    own, narrow = await person.token(), await person.token(scopes=["read:users!user"])
    expected = {
        (own, person.name): (200, ""),
        (own, "somebody"): (404, "not_found"),
        (own, "nobody"): (404, "not_found"),
        (narrow, person.name): (403, "forbidden"),
        ("0123456789abcdef", person.name): (403, "forbidden"),
        ("", person.name): (403, "forbidden"),
        ("token-of-reader", person.name): (200, ""),
        ("token-of-reader", "somebody"): (404, "not_connected"),
        ("token-of-reader", "nobody"): (404, "not_found"),
        ("token-of-binder", person.name): (403, "forbidden"),
        ("token-of-staff", person.name): (404, "not_found"),
    }
    assert {asked: told(await ask(*asked)) for asked in expected} == expected
    await person.hub.api("POST", "/groups/staff")
    await person.hub.api("POST", "/groups/staff/users", json={"users": [person.name]})
    assert told(await ask("token-of-staff", person.name)) == (200, "")
    actors = [event.get("actor", "") for event in person.events() if event["kind"] == "credential"]
    assert actors == ["", "service:reader", "service:of-staff"]


@pytest.mark.row("10.4.10")
async def test_a_cookie_of_the_hub_is_nothing_here(house: House, person: Person) -> None:
    cookies = "; ".join(f"{each.name}={each.value}" for each in person.browser.client.cookies.jar)
    async with httpx.AsyncClient(trust_env=False, headers={"Cookie": cookies}) as client:
        answer = await client.get(f"{house.urls[0]}/users/{person.name}/credentials/red")
    assert told(answer) == (403, "forbidden")


async def test_a_token_for_a_service_is_told_apart_in_the_audit_trail(person: Person, ask: Ask) -> None:
    visit = await person.visit("service-binder")
    assert told(await ask(visit, person.name)) == (200, "")
    assert person.events()[-1]["actor"] == "service:binder"


@pytest.mark.row("V17", "10.3.3")
async def test_a_name_that_has_changed_hands_is_refused_at_once(person: Person, ask: Ask) -> None:
    token = await person.token()
    assert told(await ask(token, person.name)) == (200, "")
    await person.hub.api("PATCH", f"/users/{person.name}", json={"name": f"{person.name}-new"})
    assert told(await ask(token, person.name)) == (404, "not_found")
    await person.hub.api("POST", f"/users/{person.name}")
    assert told(await ask(token, person.name)) == (404, "not_found")
    assert told(await ask("token-of-reader", person.name)) == (404, "not_connected")
    assert told(await ask("token-of-reader", f"{person.name}-new")) == (200, "")


@pytest.mark.row("V17")
async def test_who_was_deleted_gets_nothing_from_then_on(person: Person, ask: Ask) -> None:
    token = await person.token()
    assert told(await ask(token, person.name)) == (200, "")
    await person.hub.api("DELETE", f"/users/{person.name}")
    assert told(await ask(token, person.name)) == (404, "not_found")
    assert told(await ask("token-of-reader", person.name)) == (404, "not_found")


async def test_a_server_is_told_where_to_ask(house: House, person: Person) -> None:
    environment = (await person.browser.server(person.name))["environment"]
    assert environment["HUBAUTH_API_URL"] == house.urls[0]
    url = f"{environment['HUBAUTH_API_URL']}/users/{environment['JUPYTERHUB_USER']}/credentials/red"
    headers = {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        assert told(await client.get(url)) == (200, "")


async def test_the_hub_runs_one_itself(person: Person, client: httpx.AsyncClient) -> None:
    base = f"{person.hub.url}/services/credentials"
    await until(lambda: answers(f"{base}/health"))
    headers = {"Authorization": f"token {await person.token(scopes=[f'{SCOPE}!user'])}"}
    answer = await client.get(f"{base}/users/{person.name}/credentials/red", headers=headers)
    assert (answer.status_code, answer.json()["provider"]) == (200, "red")
    described = await client.get(f"{base}/openapi.json")
    assert described.json()["servers"] == [{"url": "/services/credentials"}]


@newest_only
async def test_it_is_as_it_is_described(house: House, person: Person, tmp_path: Path) -> None:
    fixed = {"path.user": person.name, "path.provider": "red"}
    run = await schemathesis(house.urls[0], f"Authorization: Bearer {await person.token()}", fixed, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 3" in run.stdout


@pytest.mark.row("V41")
async def test_what_is_refused_is_repeated_nowhere(house: House, person: Person, ask: Ask) -> None:
    token, git = await person.token(), "git-credential?url=https://"
    refused = {
        "credentials/red?min_ttl=canary": (400, "bad_request"),
        "credentials/%FF": (400, "bad_request"),
        "canary": (404, "not_found"),
        f"{git}me:canary-password@x.example/o/r": (400, "bad_request"),
        f"{git}canary.example/o/r": (404, "unknown_host"),
    }
    for below, expected in refused.items():
        answer = await ask(token, person.name, below)
        assert (below, *told(answer)) == (below, *expected)
        assert "canary" not in answer.text
    log = "".join(copy.log for copy in house.copies)
    assert "canary-password" not in log
    assert token not in log
    assert "access-" not in log
