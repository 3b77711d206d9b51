"""The REST API does what its description says: schemathesis reads it, and tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .asking import KEYS, RIGHTS, Person
from .described import schemathesis
from .scene import Scene, config

pytestmark = newest_only

ANN = {"path.user": "red-ann", "path.provider": "red"}
GIT = {"query.url": "https://git.example/o/r"}


@dataclass(frozen=True)
class Caller:
    """Whose token, or cookie, is sent; what the parameters are, where they are not chosen freely."""

    who: str
    fixed: dict[str, str]
    gets_credentials: bool = False


CALLERS = {
    "own": Caller("ann", ANN, gets_credentials=True),
    "own, for git": Caller("ann", ANN | GIT, gets_credentials=True),
    "service, of anybody": Caller("reader", {}),
    "foreign": Caller("ben", ANN),
    "without scope": Caller("ann, without scope", ANN),
    "cookie": Caller("ann, by cookie", ANN),
}


@pytest.fixture(scope="module")
def people() -> dict[str, str]:
    """Headers of people who have signed in, for all tests here."""
    return {}


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    rules = "for each in c.HubAuthenticator.providers.values():\n    each['git_urls'] = ['https://git.example']\n"
    return Scene(shared_hub(config(idps, credential_rate_limit=0) + rules + RIGHTS, KEYS), idps)


@pytest.fixture
async def headers(scene: Scene, people: dict[str, str], new_browser: Callable[[Hub], Browser]) -> dict[str, str]:
    """The header of each caller."""
    for name in () if people else ("ann", "ben"):
        browser = new_browser(scene.hub)
        scene.person("red", f"subject-{name}", name)
        await browser.follow(await scene.sign_in(browser, "red"))
        person = Person(scene, browser, name)
        cookies = "; ".join(f"{each.name}={each.value}" for each in browser.client.cookies.jar)
        people[name] = f"Authorization: Bearer {await person.token()}"
        people[f"{name}, without scope"] = f"Authorization: token {await person.token(scopes=['read:users!user'])}"
        people[f"{name}, by cookie"] = f"Cookie: {cookies}"
    return people | {"reader": "Authorization: token token-of-reader"}


@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
async def test_the_api_is_as_it_is_described(
    scene: Scene, headers: dict[str, str], caller: Caller, tmp_path: Path
) -> None:
    before = _handed_out(scene)
    run = await schemathesis(f"{scene.hub.direct_url}/hub/api/hubauth", headers[caller.who], caller.fixed, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 3" in run.stdout
    assert (_handed_out(scene) > before) == caller.gets_credentials


def _handed_out(scene: Scene) -> int:
    """How many credentials were handed out so far."""
    return [event["kind"] for event in scene.events()].count("credential")
