"""pluggy, with its silences turned into errors: what it would drop or let through without a word stops the start."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import pluggy

from .discovery import nearest
from .errors import ConfigError
from .hookspecs import BROADCAST, PROJECT, SPECS
from .provider import Provider

ADDRESSED: Final = frozenset(SPECS) - BROADCAST
PREFIX: Final = f"{PROJECT}_"


class PluginManager(pluggy.PluginManager):
    """Registers plugins whose every hook is known, marked, of the right kind, and theirs to answer."""

    def __init__(self) -> None:
        super().__init__(PROJECT)
        for name, spec in SPECS.items():
            self._hold(name, spec)

    def _hold(self, name: str, spec: Callable[..., Any]) -> None:
        self.add_hookspecs(type("Spec", (), {name: staticmethod(spec)}))

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        # pluggy looks at every attribute; on a configurable that would compute every default.
        return super().parse_hookimpl_opts(plugin, name) if name.startswith(PREFIX) else None

    def add_type(self, module: object, name: str, origin: str) -> type[Provider]:
        """Register what an entry point of a provider type brings, and return its `Provider` subclass."""
        hooks = self._marked(module, origin)
        if hooks != {"hubauth_provider_type"}:
            surplus = ", ".join(sorted(hooks - {"hubauth_provider_type"})) or "nothing"
            raise ConfigError(
                f"the entry point of a provider type implements hubauth_provider_type and nothing else; {origin} "
                f"implements {surplus}. Cross-cutting hooks belong to the group 'hubauth.plugins'."
            )
        self._add(module, f"type:{name}", origin)
        [brought] = self.subset_hook_caller("hubauth_provider_type", self._but(f"type:{name}"))() or [None]
        if not (isinstance(brought, type) and issubclass(brought, Provider)):
            raise ConfigError(f"{origin} brings {brought!r} as {name!r}, which is not a subclass of Provider")
        check_type(brought, origin)
        return brought

    def add_plugin(self, plugin: object, name: str, origin: str) -> None:
        """Register a cross-cutting plugin: it implements broadcast hooks and wraps synchronous addressed ones."""
        for hook in self._marked(plugin, origin) & ADDRESSED:
            options = self.parse_hookimpl_opts(plugin, hook)
            if not (options["wrapper"] or options["hookwrapper"]):
                raise ConfigError(f"{origin} implements {hook}, which only a provider may answer")
        self._add(plugin, f"plugin:{name}", origin)

    def add_provider(self, provider: Provider) -> None:
        """Register a configured provider under its name."""
        self._add(provider, f"provider:{provider.name}", f"provider {provider.name!r}")

    def only(self, hook: str, name: str) -> Any:
        """A caller of `hook` that reaches the plugin `name` and cross-cutting wrappers, and nobody else."""
        return self.subset_hook_caller(hook, self._but(name))

    def _but(self, name: str) -> list[object]:
        return [
            plugin
            for other, plugin in self.list_name_plugin()
            if plugin is not None and other != name and not other.startswith("plugin:")
        ]

    def _marked(self, plugin: object, origin: str) -> set[str]:
        hooks: set[str] = set()
        for name in dir(plugin):
            if not name.startswith(PREFIX) or not inspect.isroutine(getattr(plugin, name)):
                continue
            options = self.parse_hookimpl_opts(plugin, name)
            if options is None:
                raise ConfigError(f"{origin} defines {name} without @hookimpl, so it would never be called")
            if name not in SPECS:
                raise ConfigError(f"{origin} implements {name}, which is no hook of hubauth. {nearest(name, SPECS)}")
            check_kind(name, getattr(plugin, name), options, origin)
            hooks.add(name)
        return hooks

    def _add(self, plugin: object, name: str, origin: str) -> None:
        try:
            self.register(plugin, name)
            self.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            raise ConfigError(f"{origin} is not a valid plugin: {error}") from error


def check_kind(hook: str, implementation: Callable[..., Any], options: Any, origin: str) -> None:
    """Refuse a plain function where a coroutine is specified, the other way round, and wrappers around coroutines."""
    specified = inspect.iscoroutinefunction(SPECS[hook])
    if options["wrapper"] or options["hookwrapper"]:
        if specified:
            raise ConfigError(
                f"{origin} wraps {hook}, which is asynchronous: a wrapper would see a coroutine, not its answer"
            )
        return
    if inspect.iscoroutinefunction(implementation) != specified:
        raise ConfigError(f"{origin}: {hook} must {'' if specified else 'not '}be 'async def'")


def check_type(brought: type[Provider], origin: str) -> None:
    """Refuse a `Provider` subclass that meddles with hooks, or overrides a plain method in the wrong kind or shape."""
    for cls in brought.__mro__[: brought.__mro__.index(Provider)]:
        for name, value in vars(cls).items():
            if name.startswith(PREFIX):
                raise ConfigError(
                    f"{origin}: {cls.__name__} defines {name}; override {name.removeprefix(PREFIX)} instead"
                )
            base = getattr(Provider, name, None)
            if inspect.isfunction(base) and f"{PREFIX}{name}" in SPECS:
                _check_override(name, value, base, f"{origin}: {cls.__name__}.{name}")


def _check_override(name: str, value: Any, base: Callable[..., Any], where: str) -> None:
    if not callable(value):
        raise ConfigError(f"{where} must be a method")
    wanted = inspect.iscoroutinefunction(base)
    if inspect.iscoroutinefunction(value) != wanted:
        raise ConfigError(f"{where} must {'' if wanted else 'not '}be 'async def'")
    arguments = list(inspect.signature(base).parameters)
    try:
        inspect.signature(value).bind(*arguments)
    except TypeError as error:
        raise ConfigError(f"{where} must take ({', '.join(arguments)}): {error}") from error
