"""The scene of the integration tests: a running hub between two providers that a test may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub
from hostile_idp.server import HostileIdP, in_thread

from .scene import Scene, config


@pytest.fixture(scope="session")
def houses() -> Iterator[dict[str, HostileIdP]]:
    """Two OpenID providers in threads of their own."""
    with in_thread() as red, in_thread() as blue:
        yield {"red": red, "blue": blue}


@pytest.fixture
def idps(houses: dict[str, HostileIdP]) -> dict[str, HostileIdP]:
    """The two providers, mended: whatever a test broke before is whole again."""
    for idp in houses.values():
        whole = HostileIdP()
        for name in ("claims", "header", "mint", "keys", "metadata", "tokens", "callback", "answers"):
            setattr(idp, name, getattr(whole, name))
    return houses


@pytest.fixture
def scene(shared_hub: StartHub, idps: dict[str, HostileIdP]) -> Scene:
    """A hub that other tests use too; people are the test's own."""
    return Scene(shared_hub(config(idps)), idps)


@pytest.fixture
def own_scene(start_hub: StartHub, idps: dict[str, HostileIdP]) -> Callable[..., Scene]:
    """`own_scene(**options)`: a scene whose hub is the test's own."""

    def start(**more: object) -> Scene:
        return Scene(start_hub(config(idps, **more)), idps)

    return start


@pytest.fixture
async def browser(new_browser: Callable[[Hub], Browser], scene: Scene) -> Browser:
    """One person's browser at the shared hub."""
    return new_browser(scene.hub)


@pytest.fixture
def other_browser(new_browser: Callable[[Hub], Browser], scene: Scene) -> Browser:
    """Another person's browser there."""
    return new_browser(scene.hub)
