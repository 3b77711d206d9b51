"""Hubs of several JupyterHub versions, started on demand, shared by tests with an equal configuration."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from .hub import Hub
from .parts import ROOT

VERSIONS = {
    "newest": Path(sys.executable),
    "5.x": ROOT / ".venvs" / "hub-5.x" / "bin" / "python",
    "5.2.1": ROOT / ".venvs" / "hub-5.2.1" / "bin" / "python",
}
"""Interpreters by JupyterHub version: this one, the newest 5.x, and the floor that pyproject.toml promises."""

BOTH_ENDS = ("newest", "5.2.1")
"""Where tests run that do not say otherwise: what the oldest and the newest hub do, those between do too."""

newest_only = pytest.mark.parametrize("hub_python", ["newest"], indirect=True)
"""For tests that say nothing about the hub's version."""

every_version = pytest.mark.parametrize("hub_python", list(VERSIONS), indirect=True)
"""For tests that see, all together, that every hub between is one of those."""

Config = str | Mapping[str, Mapping[str, Any]]


class StartHub(Protocol):
    """`start(config, environment=...)` -> a running hub."""

    def __call__(self, config: Config = "", environment: Mapping[str, str] | None = None) -> Hub: ...


@contextmanager
def shared(python: Path, folders: pytest.TempPathFactory) -> Iterator[StartHub]:
    """Hubs that live until the context ends, one for each configuration."""
    running: dict[str, Hub] = {}
    failed: dict[str, RuntimeError] = {}

    def start(config: Config = "", environment: Mapping[str, str] | None = None) -> Hub:
        key = repr((config, environment))
        if key in failed:
            raise failed[key]
        if key not in running:
            hub = Hub(python, folders.mktemp("hub"), config, environment)
            try:
                running[key] = hub.start()
            except RuntimeError as error:
                hub.stop()
                failed[key] = error
                raise
        return running[key]

    try:
        yield start
    finally:
        for hub in running.values():
            hub.process.kill()  # with servers, an end in good order takes seconds that nobody looks at


@contextmanager
def private(python: Path, folder: Path) -> Iterator[StartHub]:
    """Hubs that live until the context ends, a new one at each call."""
    started: list[Hub] = []

    def start(config: Config = "", environment: Mapping[str, str] | None = None) -> Hub:
        hub = Hub(python, folder / f"hub{len(started)}", config, environment)
        started.append(hub)
        return hub.start()

    try:
        yield start
    finally:
        for hub in started:
            hub.process.kill()
