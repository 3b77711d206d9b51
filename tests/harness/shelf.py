"""Plugins that exist for one test: modules, entry points and distributions, without anything installed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from traitlets.config import Config, Configurable

from hubauth_core import hookimpl
from hubauth_core.discovery import PLUGINS, TYPES, Discovery
from hubauth_core.registry import Registry


class Distributed(Distribution):
    """A distribution that has a name and the version 1.2, and no files."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def metadata(self) -> Any:
        return {"Name": self._name, "Version": "1.2"}

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: Any) -> Any:
        return Path(path)


def entry_point(name: str, target: str, distribution: str, group: str = TYPES) -> EntryPoint:
    """An entry point as an installed distribution has it."""
    made = EntryPoint(name, target, group)
    vars(made)["dist"] = Distributed(distribution)
    return made


def brings(cls: object) -> Callable[..., Any]:
    """The hook of a module that brings a provider type."""

    @hookimpl
    def hubauth_provider_type() -> object:
        return cls

    return hubauth_provider_type


class Shelf:
    """Installed plugins. `monkeypatch` takes their modules away again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.entry_points: list[EntryPoint] = []

    def add_type(self, name: str, cls: object, *, distribution: str = "", **more: object) -> None:
        """A distribution that brings `cls` as the provider type `name`."""
        distribution = distribution or f"hubauth-{name}"
        module = self._module(distribution, name, hubauth_provider_type=brings(cls), **more)
        self.point(name, module, distribution)

    def add_plugin(self, name: str, *, distribution: str = "", **hooks: object) -> None:
        """A distribution that brings a cross-cutting plugin with these attributes."""
        distribution = distribution or f"hubauth-{name}"
        self.point(name, self._module(distribution, name, **hooks), distribution, PLUGINS)

    def point(self, name: str, target: str, distribution: str = "hubauth-some", group: str = TYPES) -> None:
        """An entry point to anything."""
        self.entry_points.append(entry_point(name, target, distribution, group))

    def _module(self, distribution: str, name: str, **attributes: object) -> str:
        """The name of an importable module with these attributes."""
        made = ModuleType(f"shelf_{distribution}_{name}".replace("-", "_"))
        vars(made).update(attributes)
        self._monkeypatch.setitem(sys.modules, made.__name__, made)
        return made.__name__

    def registry(
        self,
        providers: Mapping[str, Any] | None = None,
        *,
        plugins: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        log: logging.Logger | None = None,
        hook_timeout: float = 30,
        **options: Any,
    ) -> Registry:
        """A registry of what is on the shelf, configured. Raises ConfigError.

        `config` holds sections as `c` does; `options` are those of `Registry.configure`.
        """
        parent = Configurable(config=Config({section: dict(values) for section, values in (config or {}).items()}))
        registry = Registry(Discovery(self.entry_points), parent=parent, log=log, hook_timeout=hook_timeout)
        registry.load_plugins(plugins)
        if providers is None:
            registry.discover(**options)
        else:
            registry.configure(providers, **options)
        return registry
