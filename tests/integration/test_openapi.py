"""The REST API does what its description says: schemathesis reads it, and tries."""

from __future__ import annotations

from collections import Counter
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
    brings: str = ""
    """The audit event of what the caller may do, "" for nothing."""
    only: str = "credential"
    """Which paths are tried, as a regular expression."""
    operations: int = 3
    examples: int = 12


CALLERS = {
    "own": Caller("ann", ANN, brings="credential"),
    "own, for git": Caller("ann", ANN | GIT, brings="credential"),
    "service, of anybody": Caller("reader", {}),
    "foreign": Caller("ben", ANN, examples=4),
    "without scope": Caller("ann, without scope", ANN, examples=4),
    "cookie": Caller("ann, by cookie", ANN, examples=4),
    # The last, for it ends the session that the cookie is of.
    "keeper": Caller("keeper", ANN, "sessions_ended", only="identities|sessions", operations=4, examples=4),
}
KEEPER = """
c.JupyterHub.services += [{"name": "keeper", "api_token": "token-of-keeper"}]
scopes = [f"custom:hubauth:{each}" for each in ("identities:read", "identities:disconnect", "sessions:end")]
c.JupyterHub.load_roles += [{"name": "keeper", "scopes": scopes, "services": ["keeper"]}]
"""


@pytest.fixture(scope="module")
def people() -> dict[str, str]:
    """Headers of people who have signed in, for all tests here."""
    return {}


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    rules = "for each in c.HubAuthenticator.providers.values():\n    each['git_urls'] = ['https://git.example']\n"
    return Scene(shared_hub(config(idps, credential_rate_limit=0) + rules + RIGHTS + KEEPER, KEYS), idps)


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
    return people | {name: f"Authorization: token token-of-{name}" for name in ("reader", "keeper")}


@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
async def test_the_api_is_as_it_is_described(
    scene: Scene, headers: dict[str, str], caller: Caller, tmp_path: Path
) -> None:
    before = _events(scene)
    base = f"{scene.hub.direct_url}/hub/api/hubauth"
    run = await schemathesis(
        base, headers[caller.who], caller.fixed, tmp_path, only=caller.only, examples=caller.examples
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"Tested: {caller.operations}" in run.stdout
    came = _events(scene) - before
    assert {kind for kind in came if kind in ("credential", "sessions_ended")} == {caller.brings} - {""}


def _events(scene: Scene) -> Counter[str]:
    """How many of each kind there are in the audit trail."""
    return Counter(event["kind"] for event in scene.events())
