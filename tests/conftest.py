"""Shared by all tests: what to do about parts that this machine lacks."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import certifi
import pytest
import pytest_asyncio
import trustme

from harness import counterparts, hubs, parts
from harness.browser import Browser
from harness.counterparts import Counterpart, Forge
from harness.hub import Hub
from harness.warm import LIGHT


@pytest.fixture(scope="session", autouse=True)
def no_public_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests talk to nobody outside; each client would read the long list of public authorities anew."""
    file = tmp_path_factory.mktemp("authorities") / "nobody.pem"
    trustme.CA().cert_pem.write_to_path(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(file))
        patch.setenv("SSL_CERT_FILE", str(file))
        patch.setenv("SSL_CERT_DIR", str(file.parent))
        yield


@pytest.fixture(scope="session", autouse=True)
def light() -> Iterator[None]:
    """Programs of Python that tests start by themselves start light, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(LIGHT), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def require() -> parts.Require:
    """`require(part, present, remedy)`: skip where a part is missing; a failure under HUBAUTH_REQUIRE_ALL=1."""
    return parts.require


@pytest.fixture(scope="session")
def chromium(require: parts.Require) -> str:
    """The path of the system's Chromium."""
    path = parts.chromium()
    require("chromium", path, "apt-get install chromium")
    return path or ""


@pytest.fixture(scope="session", params=hubs.BOTH_ENDS)
def hub_python(request: pytest.FixtureRequest, require: parts.Require) -> Path:
    """The interpreter of one JupyterHub version; a test that uses it, or a hub, runs at both ends.

    `@hubs.newest_only` restricts a test to one, `@hubs.every_version` adds those between.
    """
    python = hubs.VERSIONS[request.param]
    require(f"JupyterHub {request.param}", python.exists(), "make hubs")
    return python


@pytest.fixture(scope="session")
def shared_hub(hub_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.StartHub]:
    """`shared_hub(config)` -> a running `Hub`, one for all tests that ask for an equal configuration.

    Tests that share a hub use people of their own, and neither stop it nor change what others see.
    """
    with hubs.shared(hub_python, tmp_path_factory) as start:
        yield start


@pytest.fixture
def start_hub(hub_python: Path, tmp_path: Path) -> Iterator[hubs.StartHub]:
    """`start_hub(config)` -> a running `Hub` of the test's own, which it may restart, kill, or look into."""
    with hubs.private(hub_python, tmp_path) as start:
        yield start


@pytest.fixture
def make_hub(hub_python: Path, tmp_path: Path) -> Callable[..., Hub]:
    """`make_hub(config)` -> a `Hub` that was not started, for tests of hubs that must not start."""

    def make(config: hubs.Config = "", environment: Mapping[str, str] | None = None, **options: Any) -> Hub:
        return Hub(hub_python, tmp_path / "unstarted", config, environment, **options)

    return make


@pytest_asyncio.fixture
async def new_browser() -> AsyncIterator[Callable[[Hub], Browser]]:
    """`new_browser(hub)` -> a `Browser` that shares nothing with any other."""
    opened: list[Browser] = []

    def new(hub: Hub) -> Browser:
        opened.append(Browser(hub.url))
        return opened[-1]

    yield new
    for browser in opened:
        await browser.client.aclose()


@pytest.fixture(scope="session")
def node(require: parts.Require) -> Path:
    """The counterparts' folder, with node and the npm packages there."""
    folder = parts.node_packages("oidc-provider", "@stoplight/prism-cli", "@octokit/openapi", "axe-core")
    require("node counterparts", folder, "make counterparts")
    return folder or Path()


@pytest.fixture(scope="session")
def oidc_provider(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counterpart]:
    """npm `oidc-provider`: anybody signs in; alice, bob and mallory have claims."""
    with counterparts.oidc_provider(tmp_path_factory.mktemp("oidc-provider")) as running:
        yield running


@pytest.fixture(scope="session")
def github(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """GitHub: its own API document on prism, our OAuth endpoints in front."""
    with counterparts.github(tmp_path_factory.mktemp("github")) as running:
        yield running


@pytest.fixture(scope="session")
def django_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counterpart]:
    """django-oauth-toolkit: a second, independent OpenID provider; needs no node."""
    with counterparts.django_provider(tmp_path_factory.mktemp("django")) as running:
        yield running


@pytest.fixture(scope="session")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A stand-in for GitLab, after its documentation; needs no node."""
    with counterparts.gitlab(tmp_path_factory.mktemp("gitlab")) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Tests and what they import stay to the end: to look through it for garbage again and again takes seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _tell_of_missing_parts(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _tell_of_missing_parts(report)
    return report


def _tell_of_missing_parts(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Give all skips for one part one place, so that pytest folds them into a line of its summary.

    Under HUBAUTH_REQUIRE_ALL=1 whatever was skipped, for this or any other reason, has failed.
    """
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return
    _, _, reason = report.longrepr
    if parts.all_required():
        report.outcome = "failed"
        report.longrepr = f"skipped, but HUBAUTH_REQUIRE_ALL=1: {reason}"
    elif parts.MISSING in reason:
        report.longrepr = ("missing parts", None, reason.removeprefix("Skipped: "))  # type: ignore[assignment]  # no line
