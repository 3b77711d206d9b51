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
TYPE_HOOK: Final = "hubauth_provider_type"


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
        if hooks != {TYPE_HOOK}:
            surplus = ", ".join(sorted(hooks - {TYPE_HOOK})) or "nothing"
            raise ConfigError(
                f"the entry point of a provider type implements {TYPE_HOOK} and nothing else; {origin} implements "
                f"{surplus}. Cross-cutting hooks belong to the group 'hubauth.plugins'."
            )
        self._add(module, f"type:{name}", origin)
        try:
            [brought] = self.only(TYPE_HOOK, f"type:{name}")() or [None]
        except (Exception, SystemExit) as error:
            raise ConfigError(f"{origin} fails in {TYPE_HOOK}: {type(error).__name__}: {error}") from error
        if not (isinstance(brought, type) and issubclass(brought, Provider)):
            raise ConfigError(f"{origin} brings {brought!r} as {name!r}, which is not a subclass of Provider")
        check_type(brought, origin)
        return brought

    def add_plugin(self, plugin: object, name: str, origin: str) -> None:
        """Register a cross-cutting plugin: it implements broadcast hooks and wraps synchronous addressed ones."""
        if inspect.isclass(plugin):
            raise ConfigError(f"{origin} is a class; its entry point must name a module, or an instance")
        for hook in self._marked(plugin, origin):
            options = self.parse_hookimpl_opts(plugin, hook)
            wraps = options["wrapper"] or options["hookwrapper"]
            if hook in BROADCAST and wraps:
                raise ConfigError(f"{origin} wraps {hook}, which every plugin answers by itself")
            if hook in ADDRESSED and (hook == TYPE_HOOK or not wraps):
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
            if not name.startswith(PREFIX):
                if is_marked(inspect.getattr_static(plugin, name, None)):
                    raise ConfigError(
                        f"{origin} implements {name}, which is no hook of hubauth. {nearest(name, SPECS)}"
                    )
                continue
            if not inspect.isroutine(getattr(plugin, name)):
                continue
            options = self.parse_hookimpl_opts(plugin, name)
            if options is None:
                raise ConfigError(f"{origin} defines {name} without @hookimpl, so it would never be called")
            if name not in SPECS:
                raise ConfigError(f"{origin} implements {name}, which is no hook of hubauth. {nearest(name, SPECS)}")
            if options["specname"] not in (None, name):
                raise ConfigError(f"{origin}: {name} must not stand for {options['specname']}; name it so")
            check_kind(name, getattr(plugin, name), options, origin)
            hooks.add(name)
        return hooks

    def _add(self, plugin: object, name: str, origin: str) -> None:
        if self.has_plugin(name) or self.is_registered(plugin):
            raise ConfigError(f"{origin} is there twice")
        try:
            self.register(plugin, name)
            self.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            raise ConfigError(f"{origin} is not a valid plugin: {error}") from error


def is_marked(value: object) -> bool:
    """Whether something carries `@hookimpl`, also below a `staticmethod` or `classmethod`."""
    inner = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    return any(inspect.isroutine(each) and hasattr(each, f"{PREFIX}impl") for each in (value, inner))


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
    for name, argument in inspect.signature(implementation).parameters.items():
        if argument.default is not argument.empty:
            raise ConfigError(f"{origin}: the argument {name!r} of {hook} has a default, so it would never be given")


def check_type(brought: type[Provider], origin: str) -> None:
    """Refuse a `Provider` subclass that meddles with hooks, or overrides a plain method in the wrong kind or shape."""
    for cls in (cls for cls in brought.__mro__ if cls not in Provider.__mro__):
        for name, value in vars(cls).items():
            if name.startswith(PREFIX) or is_marked(value):
                plain = name.removeprefix(PREFIX)
                instead = f"override {plain}" if hasattr(Provider, plain) else "a cross-cutting plugin implements that"
                raise ConfigError(f"{origin}: {cls.__name__} defines {name}; {instead} instead")
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
