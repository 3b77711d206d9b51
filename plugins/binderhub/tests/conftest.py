"""A hub, a git host, and a BinderHub between them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jupyterhub.services.auth import HubOAuth

HERE = Path(__file__).parent
STAND_IN = importlib.util.find_spec("binderhub") is None
if STAND_IN:
    sys.path.append(str(HERE / "stand_in"))

from .binder import Binder, binder  # noqa: E402  # BinderHub must be found first
from .git_host import GitHost, git_host  # noqa: E402
from .snare import Snare, snare  # noqa: E402
from .stub_hub import Person, StubHub, stub_hub  # noqa: E402

HELPER = '#!/bin/bash\necho -e "$GIT_CREDENTIAL_ENV"\n'
"""docker/git-credential-env of jupyter-repo2docker 2026.4.0; the image's system settings name it for every host."""


def pytest_report_header() -> str:
    return f"BinderHub: {'our stand-in' if STAND_IN else 'its own code'}"


@pytest.fixture
def hub() -> Iterator[StubHub]:
    """Nobody is there yet."""
    with stub_hub() as running:
        yield running


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[GitHost]:
    """A git host without repositories."""
    async with git_host(tmp_path / "host") as running:
        yield running


@pytest.fixture
def trap() -> Iterator[Snare]:
    """A host that the hub knows nothing of."""
    with snare() as running:
        yield running


@pytest.fixture
def ann(hub: StubHub, host: GitHost) -> Person:
    """Has an account at the host, which opens `private.git`."""
    person = hub.add("ann")
    hub.known.add(host.url)
    person.connect(host.url, "tok-ann")
    host.let_in("ann", "private.git")
    return person


@pytest.fixture
def bob(hub: StubHub, host: GitHost) -> Person:
    """Has an account at the host, which opens nothing."""
    person = hub.add("bob")
    hub.known.add(host.url)
    person.connect(host.url, "tok-bob")
    host.let_in("bob", "private.git", allowed=False)
    return person


@pytest.fixture
def as_in_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git of a build is set up as in repo2docker's image: its helper answers whoever asks."""
    helper = tmp_path / "git-credential-env"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = {helper}\n")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest_asyncio.fixture
async def start_binder(hub: StubHub, tmp_path: Path, as_in_the_image: None) -> AsyncIterator[Callable[..., Any]]:
    """`await start_binder()` -> a running `Binder`, of `hub` or of the hub at a `url`."""
    async with AsyncExitStack() as stack:

        async def start(url: str = "", **settings: Any) -> Binder:
            HubOAuth.clear_instance()
            return await stack.enter_async_context(binder(url or hub.url, tmp_path, **settings))

        yield start
    HubOAuth.clear_instance()
