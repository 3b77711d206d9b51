"""From configuration to providers: which there are, in which order, and what is wrong with one."""

from __future__ import annotations

import contextlib
import copy
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from traitlets import TraitError
from traitlets.config import Configurable

from .calls import Calls
from .discovery import PLUGINS, Discovery, nearest
from .errors import ConfigError
from .provider import Provider
from .rule_checks import check_rules

PROVIDER_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

_SECRETIVE: Final = re.compile("secret|password|token$|private_key|api_key", re.IGNORECASE)
"""Names of options whose values no message quotes."""


class Registry(Calls):
    """The configured providers, ready to be called.

    `providers` holds those in service; `broken` holds, under `on_broken_provider = "disable"`, why one is not;
    `order` is the order in which both were configured.
    """

    def __init__(
        self,
        discovery: Discovery | None = None,
        *,
        parent: Configurable | None = None,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
        hook_timeout: float = 30,
    ) -> None:
        super().__init__(log, hook_timeout)
        self.discovery = discovery or Discovery()
        self.broken: dict[str, str] = {}
        self.order: list[str] = []
        self._parent = parent
        self._types: dict[str, type[Provider] | ConfigError] = {}

    def load_plugins(self, names: Sequence[str]) -> None:
        """Load the cross-cutting plugins that the configuration lists, in that order. Raises ConfigError."""
        for name in names:
            installed = self.discovery.find(name, PLUGINS)
            self.manager.add_plugin(self.discovery.load(installed), name, f"plugin {name!r} of {installed}")

    def configure(self, providers: Mapping[str, Any], *, disable_broken: bool = False) -> None:
        """Make every provider of the configuration. Raises one ConfigError that names all that is wrong with any.

        With `disable_broken` what is wrong is logged, and that provider alone stays out of service.
        """
        problems = {}
        for name, options in providers.items():
            try:
                self._configure_one(name, options)
            except ConfigError as error:
                problems[name] = error.sentence
                self.order.append(name)
        self._settle(problems, disable_broken)

    def discover(self, *, disable_broken: bool = False) -> None:
        """Without configured providers: every installed type whose required options are set becomes one.

        What is merely installed stops nothing. Raises ConfigError for wrong options in a type's section (row V02).
        """
        problems = {}
        for name in self.discovery.names():
            try:
                _check_name(name)
                cls = self.type_of(name)
            except ConfigError as error:
                self.log.warning("hubauth: installed provider type %r is not used: %s", name, error.sentence)
                continue
            try:
                provider = self._make(name, cls, {})
                lacking = self._lacking(provider, {})
                check_rules(provider)
            except ConfigError as error:
                if self._class_level(cls):
                    problems[name] = error.sentence
                    self.order.append(name)
                else:
                    self.log.warning("hubauth: installed provider type %r is not used: %s", name, error.sentence)
                continue
            if lacking:
                self.log.info("hubauth: installed provider type %r is not used: it lacks %s", name, ", ".join(lacking))
            elif not self.is_wanted(cls):
                self.log.info("hubauth: installed provider type %r is not used: nothing of it is configured", name)
            elif provider.enabled:
                self._enlist(provider)
        self._settle(problems, disable_broken)

    def is_wanted(self, cls: type[Provider]) -> bool:
        """Whether a type that lacks nothing is meant to be used: by its own word, or by a section of its class."""
        return bool(cls.by_itself or self._class_level(cls))

    def type_of(self, name: str) -> type[Provider]:
        """The class behind a provider type, imported at its first use. Raises ConfigError."""
        if name not in self._types:
            try:
                installed = self.discovery.find(name)
                module, origin = self.discovery.load(installed), f"{name!r} of {installed}"
                self._types[name] = self.manager.add_type(module, name, origin)
            except ConfigError as error:
                self._types[name] = error
        found = self._types[name]
        if isinstance(found, ConfigError):
            raise ConfigError(found.sentence) from found
        return found

    def put_out_of_service(self, name: str, sentence: str) -> None:
        """Go on without a provider that could not start."""
        self.manager.unregister(self.providers.pop(name))
        self._settle({name: sentence}, disable_broken=True)

    def _settle(self, problems: Mapping[str, str], disable_broken: bool) -> None:
        told = [f"provider {name!r}: {sentence}" for name, sentence in problems.items()]
        if told and not disable_broken:
            raise ConfigError("\n".join(told))
        for line in told:
            self.log.error("hubauth: %s; it is out of service", line)
        self.broken.update(problems)

    def _configure_one(self, name: str, options: Any) -> None:
        _check_name(name)
        if not isinstance(options, Mapping):
            raise ConfigError(f"its options must be a dictionary, not {type(options).__name__}")
        try:
            settings = copy.deepcopy(dict(options))  # two providers never share anything that changes
        except Exception as error:
            raise ConfigError(f"its options cannot be copied: {type(error).__name__}: {error}") from error
        type_name = settings.pop("type", name)
        if not isinstance(type_name, str):
            raise ConfigError(f"'type' must be the name of a provider type, not {type_name!r}")
        provider = self._make(name, self.type_of(type_name), settings)
        if lacking := self._lacking(provider, settings):
            what = "option {} is" if len(lacking) == 1 else "options {} are"
            raise ConfigError(f"the required {what.format(', '.join(map(repr, lacking)))} not set")
        check_rules(provider)
        if provider.enabled:
            self._enlist(provider)

    def _make(self, name: str, cls: type[Provider], options: dict[str, Any]) -> Provider:
        self._check_options(cls, options)
        with self._plugin_code(f"{cls.__name__} cannot be made", cls, options):
            return cls(name, parent=self._parent, **options)

    def _lacking(self, provider: Provider, options: Mapping[str, Any]) -> list[str]:
        cls = type(provider)
        with self._plugin_code(f"{cls.__name__} cannot say what it lacks", cls, options):
            return provider.missing_options()

    @contextlib.contextmanager
    def _plugin_code(self, what: str, cls: type[Provider], options: Mapping[str, Any]) -> Iterator[None]:
        """Whatever a plugin raises at start becomes a ConfigError, which does not quote a secret option."""
        try:
            yield
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:
            told = str(error) if isinstance(error, TraitError) else f"{what}: {type(error).__name__}: {error}"
            for option, value in [*self._class_level(cls), *options.items()]:
                if not _SECRETIVE.search(option):
                    continue
                if isinstance(error, TraitError) and option in told:
                    raise ConfigError(f"the option {option!r} has a wrong value") from None
                told = told.replace(str(value), "***") if value else told
            raise ConfigError(told) from None

    def _class_level(self, cls: type[Provider]) -> list[tuple[str, Any]]:
        """What the configuration says in the sections of a class and its bases."""
        if self._parent is None:
            return []
        sections = [each.__name__ for each in cls.__mro__ if issubclass(each, Provider)]
        return [item for section in sections for item in self._parent.config.get(section, {}).items()]

    def _check_options(self, cls: type[Provider], options: Mapping[str, Any]) -> None:
        known = cls.class_trait_names(config=True)
        for option in options:
            if option not in known:
                raise ConfigError(f"unknown option {option!r} of type {cls.__name__}. {nearest(str(option), known)}")
        for section in cls.__mro__:
            if not (issubclass(section, Provider) and self._parent):
                continue
            for option in self._parent.config.get(section.__name__, {}):
                valid = section.class_trait_names(config=True)
                if option not in valid:
                    raise ConfigError(f"unknown option c.{section.__name__}.{option}. {nearest(option, valid)}")

    def _enlist(self, provider: Provider) -> None:
        self.manager.add_provider(provider)
        self.providers[provider.name] = provider
        self.order.append(provider.name)

    @property
    def alone(self) -> Provider | None:
        """The provider, where there is exactly one way in."""
        return next(iter(self.providers.values())) if len(self.order) == len(self.providers) == 1 else None


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not PROVIDER_NAME.fullmatch(name):
        better = "_".join(re.findall(r"[a-z0-9]+", str(name).lower()))
        raise ConfigError(f"a name consists of a-z, 0-9 and single '_', and begins with a letter; try {better!r}")
