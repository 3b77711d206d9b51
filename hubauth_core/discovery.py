"""Which provider types and cross-cutting plugins are installed; only what the configuration names is imported."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from .errors import ConfigError

TYPES: Final = "hubauth"
PLUGINS: Final = "hubauth.plugins"


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest valid one, or all of them."""
    choices = sorted(valid)
    close = difflib.get_close_matches(name.lower(), {choice.lower() for choice in choices}, n=1)
    if close:
        return f"Did you mean {next(choice for choice in choices if choice.lower() == close[0])!r}?"
    return f"Valid: {', '.join(choices)}." if choices else "There is none."


@dataclass(frozen=True)
class Installed:
    """One entry point that a distribution brings."""

    name: str
    entry_point: EntryPoint

    @property
    def distribution(self) -> str:
        return self.entry_point.dist.name if self.entry_point.dist else "unknown"

    @property
    def version(self) -> str:
        return self.entry_point.dist.version if self.entry_point.dist else "unknown"

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def _installed_entry_points() -> Iterable[EntryPoint]:
    found = entry_points()  # one scan of all metadata for both groups
    return [*found.select(group=TYPES), *found.select(group=PLUGINS)]


class Discovery:
    """The entry points of both groups, read once. Nothing is imported before `load` is called for it."""

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        self._installed: dict[str, dict[str, list[Installed]]] = {TYPES: defaultdict(list), PLUGINS: defaultdict(list)}
        for entry_point in _installed_entry_points() if found is None else found:
            if entry_point.group in self._installed:
                self._installed[entry_point.group][entry_point.name].append(Installed(entry_point.name, entry_point))

    def names(self, group: str = TYPES) -> list[str]:
        return sorted(self._installed[group])

    def all(self, group: str = TYPES) -> list[Installed]:
        """Everything installed in a group, by name; a name that two distributions bring appears twice."""
        return [each for name in self.names(group) for each in self._installed[group][name]]

    def find(self, name: str, group: str = TYPES) -> Installed:
        """The one that brings `name`. Raises ConfigError if nobody does, or if two do (also when only case differs)."""
        same = [each for known in self.names(group) if known.lower() == name.lower() for each in self.of(known, group)]
        if name not in self._installed[group]:
            what = "provider type" if group == TYPES else "plugin"
            raise ConfigError(
                f"no installed distribution brings the {what} {name!r}. {nearest(name, self.names(group))}"
                " Or has its plugin still to be installed?"
            )
        if len(same) > 1:
            brought = " and ".join(f"{each.name!r} by {each}" for each in same)
            raise ConfigError(f"two distributions bring what only one may: {brought}. Uninstall one of them.")
        return same[0]

    def of(self, name: str, group: str = TYPES) -> list[Installed]:
        return self._installed[group].get(name, [])

    def load(self, installed: Installed) -> Any:
        """Import what an entry point names. Raises ConfigError with the reason, whatever the plugin raised."""
        try:
            return installed.entry_point.load()
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f"{installed.name!r} of {installed} cannot be imported ({installed.entry_point.value}): "
                f"{type(error).__name__}: {error}"
            ) from error
