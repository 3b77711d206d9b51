"""From configuration to providers that can be called: by name (addressed) or all at once (broadcast)."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import re
import traceback
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Final, get_args, get_origin

from traitlets import TraitError
from traitlets.config import Configurable

from .discovery import PLUGINS, Discovery, nearest
from .errors import ConfigError, HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from .hookspecs import ANSWERS
from .manager import PluginManager
from .provider import Provider
from .types import Event, Identity

PROVIDER_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

_SECRETIVE: Final = re.compile("secret|password|token$|private_key|api_key", re.IGNORECASE)
"""Names of options whose values no message quotes."""


class Registry:
    """The configured providers, in order, and the only way to call them.

    `providers` holds those in service; `broken` holds, under `on_broken_provider = "disable"`, why one is not;
    `order` is the order in which both were configured. `hook_timeout` (seconds) bounds every
    asynchronous call of a plugin.
    """

    def __init__(
        self,
        discovery: Discovery | None = None,
        *,
        parent: Configurable | None = None,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
        hook_timeout: float = 30,
    ) -> None:
        self.discovery = discovery or Discovery()
        self.manager = PluginManager()
        self.providers: dict[str, Provider] = {}
        self.broken: dict[str, str] = {}
        self.order: list[str] = []
        self.hook_timeout = hook_timeout
        self.log = log or logging.getLogger("hubauth")
        self._parent = parent
        self._types: dict[str, type[Provider] | ConfigError] = {}

    # From configuration to providers.

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
            except ConfigError as error:
                if self._class_level(cls):
                    problems[name] = error.sentence
                    self.order.append(name)
                else:
                    self.log.warning("hubauth: installed provider type %r is not used: %s", name, error.sentence)
                continue
            if lacking:
                self.log.info("hubauth: installed provider type %r is not used: it lacks %s", name, ", ".join(lacking))
            elif provider.enabled:
                self._enlist(provider)
        self._settle(problems, disable_broken)

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

    # Calls.

    def provider(self, name: str) -> Provider:
        """The provider of that name. Raises KeyError."""
        return self.providers[name]

    async def ask(self, hook: str, provider: str, **arguments: Any) -> Any:
        """Call an asynchronous addressed hook of one provider, and return its checked answer.

        Raises what the provider raises of our errors; anything else it raises becomes ProviderError, its silence
        ProviderUnavailable.
        """
        label = self.providers[provider].label
        with _Failures(self.log, hook, provider, label):
            answer = await asyncio.wait_for(self._the_one(hook, provider, arguments), self.hook_timeout)
            return _checked(hook, answer)

    def ask_now(self, hook: str, provider: str, **arguments: Any) -> Any:
        """Call a synchronous addressed hook of one provider; otherwise as `ask`."""
        with _Failures(self.log, hook, provider, self.providers[provider].label):
            answers = self.manager.only(hook, f"provider:{provider}")(provider=provider, **arguments)
            if len(answers) > 1:
                raise TypeError(f"{len(answers)} answers")
            return _checked(hook, answers[0] if answers else None)

    def _the_one(self, hook: str, provider: str, arguments: dict[str, Any]) -> Awaitable[Any]:
        answers = self.manager.only(hook, f"provider:{provider}")(provider=provider, **arguments)
        if len(answers) != 1:
            for answer in answers:
                answer.close()
            raise TypeError(f"{len(answers)} answers")
        [answer] = answers
        return answer  # type: ignore[no-any-return]  # pluggy's callers are untyped

    async def check_login(self, identity: Identity, granted_scopes: frozenset[str]) -> None:
        """Ask every plugin whether it turns this person away; all are asked. Raises LoginRefused."""
        refusals = []
        arguments = {"provider": identity.provider, "identity": identity, "granted_scopes": granted_scopes}
        for origin, call in self._each("hubauth_check_login", arguments):
            try:
                answer = await asyncio.wait_for(call(), self.hook_timeout)
                if answer is not None:
                    raise TypeError("a refusal is raised, not answered")
            except LoginRefused as refusal:
                refusals.append(refusal)
            except Exception as error:
                self._note(origin, "hubauth_check_login", error)
                refusals.append(LoginRefused("A rule of this hub could not be checked.", code="rule_failed"))
        if refusals:
            raise refusals[0]

    def map_identity(self, identity: Identity) -> str | None:
        """The username that plugins choose for an identity, None if none does. Raises LoginRefused if two disagree."""
        chosen: set[str] = set()
        for origin, call in self._each("hubauth_map_identity", {"provider": identity.provider, "identity": identity}):
            try:
                name = call()
                if not isinstance(name, str | None):
                    raise TypeError("the answer is no string")
            except LoginRefused:
                raise
            except Exception as error:
                self._note(origin, "hubauth_map_identity", error)
                raise LoginRefused("A rule of this hub could not be checked.", code="rule_failed") from None
            if name is not None:
                chosen.add(name)
        if len(chosen) > 1:
            raise LoginRefused("This hub cannot decide on a username for you.", code="name_ambiguous")
        return chosen.pop() if chosen else None

    def emit(self, event: Event) -> None:
        """Tell every plugin what happened; a listener that fails is logged and breaks nothing."""
        for origin, call in self._each("hubauth_event", {"event": event}):
            try:
                call()
            except Exception as error:
                self._note(origin, "hubauth_event", error)

    def _each(self, hook: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Every implementation of a broadcast hook, called by itself: pluggy would stop at the first error.

        They come in the order of the configuration; pluggy's own order is the reverse.
        """
        found = getattr(self.manager.hook, hook).get_hookimpls()
        configured = [name for name, _ in self.manager.list_name_plugin()]
        found.sort(key=lambda each: (each.trylast - each.tryfirst, configured.index(each.plugin_name)))
        for implementation in found:
            wanted = {name: arguments[name] for name in implementation.argnames}
            yield implementation.plugin_name, _bound(implementation.function, wanted)

    def _note(self, origin: str, hook: str, error: Exception) -> None:
        self.log.error("hubauth: %s failed in %s\n%s", origin, hook, where(error))


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not PROVIDER_NAME.fullmatch(name):
        better = "_".join(re.findall(r"[a-z0-9]+", str(name).lower()))
        raise ConfigError(f"a name consists of a-z, 0-9 and single '_', and begins with a letter; try {better!r}")


def _bound(function: Any, arguments: dict[str, Any]) -> Any:
    return lambda: function(**arguments)


def _checked(hook: str, answer: Any) -> Any:
    wanted = ANSWERS[hook]
    if not isinstance(answer, wanted if isinstance(wanted, UnionType) else get_origin(wanted) or wanted):
        raise TypeError(f"{hook} does not answer with {type(answer).__name__}")
    if get_origin(wanted) is Sequence and not all(isinstance(each, get_args(wanted)) for each in answer):
        raise TypeError(f"{hook} does not answer with such a list")
    return answer


def where(error: BaseException) -> str:
    """The traceback of an error without its text, which may hold what a provider sent."""
    return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__


class _Failures:
    """Turns whatever a provider raises into one of our errors, and logs where it came from."""

    def __init__(self, log: Any, hook: str, provider: str, label: str) -> None:
        self._log, self._hook, self._provider, self._label = log, hook, provider, label

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: Any) -> None:
        if error is None or isinstance(error, HubAuthError) or not isinstance(error, Exception):
            return
        self._log.error("hubauth: provider %r failed in %s\n%s", self._provider, self._hook, where(error))
        if isinstance(error, TimeoutError):
            raise ProviderUnavailable(f"{self._label} does not answer, try again.") from None
        raise ProviderError(f"{self._label} has a fault; the administrators see it.", code="plugin_failed") from None
