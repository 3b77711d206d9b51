"""What a configuration for OAuthenticator says, source by source, with present names of its options."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue
from traitlets.utils.importstring import import_item

from ...errors import ConfigError
from .known import KINDS, OVERRIDDEN, REMOVED, RENAMED, VARIABLES, Kind

MULTI: Final = "MultiAuthenticator"

SEPARATOR: Final = ":"
"""Stands between the name of a source and the username, in MultiAuthenticator."""


@dataclass
class Source:
    """One class with its options. `prefix`: of its hub usernames, None where it is the hub's only source."""

    kind: Kind
    options: dict[str, Any]
    origins: Mapping[str, str] = field(default_factory=dict)
    """The section that each option stands in."""
    prefix: str | None = None
    path: str = ""
    """Where MultiAuthenticator has its pages."""
    local: bool = False
    wrapped: str = ""
    """The authenticator, where it is none of OAuthenticator's: hubauth takes it as it is."""
    notes: list[str] = field(default_factory=list)

    def take(self, option: str, default: Any = None) -> Any:
        """The value of an option, which is dealt with then."""
        return self.options.pop(option, default)


@dataclass(frozen=True)
class Old:
    """A whole configuration. `text`: the file itself; `hub`: what is set for the authenticator as a whole."""

    path: Path
    text: str
    config: Config
    sources: list[Source]
    hub: Source

    @property
    def reads_auth_state(self) -> tuple[str, ...]:
        """Options and methods that look at auth_state when a server starts."""
        hooks = [
            f"c.{section}.{hook}"
            for section, options in self.config.items()
            if section.endswith("Spawner")
            for hook in ("auth_state_hook", "pre_spawn_hook")
            if hook in options
        ]
        own = [note for source in self.sources for note in source.notes if "pre_spawn_start" in note]
        return (*hooks, *(["pre_spawn_start"] if own else []))


def read(path: Path, config: Config) -> Old:
    """Take a loaded configuration apart. Raises ConfigError for another authenticator than OAuthenticator's."""
    cls = config.JupyterHub.get("authenticator_class")
    hub = Source(Kind(MULTI, "", "", "", ""), {})
    if _last(cls) in (MULTI, "multiauthenticator"):
        options, origins = _options(config, ["Authenticator", MULTI])
        listed = options.pop("authenticators", [])
        hub.options, hub.origins = options, origins
        sources = [_one_of_several(entry, config) for entry in listed]
    else:
        sources = [_source(cls, config)]
    return Old(path=path, text=path.read_text("utf-8"), config=config, sources=sources, hub=hub)


def _one_of_several(entry: Any, config: Config) -> Source:
    if isinstance(entry, Mapping):
        cls, path, own = entry["authenticator_class"], entry.get("url_prefix", ""), entry.get("config", {})
    else:
        cls, path, own = entry
    own = dict(own)
    called = own.pop("service_name", None)
    prefix = own.pop("username_prefix", None)
    if not _is_known(cls):
        source = Source(Kind("", "", "authenticator", "other", ""), own, wrapped=_path(cls))
    else:
        source = _source(cls, Config({key: value for key, value in config.items() if key != "Authenticator"}), own)
    label = called or source.options.get("login_service") or source.kind.name
    source.prefix = f"{label}{SEPARATOR}".lower() if prefix is None else prefix.lower()
    source.options.setdefault("login_service", label)
    source.path = path.strip("/")
    return source


def _is_known(cls: Any) -> bool:
    try:
        _kind_of(cls)
    except ConfigError:
        return False
    return True


def _path(cls: Any) -> str:
    return cls if isinstance(cls, str) else f"{cls.__module__}.{cls.__qualname__}"


def _source(cls: Any, config: Config, own: Mapping[str, Any] | None = None) -> Source:
    kind, names = _kind_of(cls)
    local = any(name.startswith("Local") for name in names)
    sections = ["Authenticator", *(["LocalAuthenticator"] if local else []), "OAuthenticator", kind.cls, *names]
    options, origins = _options(config, list(dict.fromkeys(sections)))
    options |= own or {}
    source = Source(kind, options, origins, local=local, notes=list(_overridden(cls)))
    _rename(source)
    _read_variables(source)
    return source


def _kind_of(cls: Any) -> tuple[Kind, list[str]]:
    """What a class is, and the classes below OAuthenticator's own whose sections count, too."""
    if isinstance(cls, str) and cls:
        name = _last(cls)
        for kind in KINDS:
            if name in (kind.cls, kind.entry_point):
                return kind, []
            if name in (f"Local{kind.cls}", f"local-{kind.entry_point}"):
                return kind, [f"Local{kind.cls}"]
        try:
            cls = import_item(cls) if "." in cls else cls
        except Exception as error:
            raise ConfigError(f"The authenticator {cls} cannot be imported: {type(error).__name__}: {error}") from error
    mro = [each.__name__ for each in getattr(cls, "__mro__", ())]
    for kind in KINDS:
        if kind.cls in mro:
            return kind, mro[: mro.index(kind.cls)][::-1]
    raise ConfigError(
        f"This hub signs people in with {cls or 'the default authenticator'}, which is neither of OAuthenticator nor "
        "MultiAuthenticator. hubauth takes others as they are: docs/how-to/wrap-an-authenticator.md."
    )


def _last(cls: Any) -> str:
    return cls.rpartition(".")[2] if isinstance(cls, str) else getattr(cls, "__name__", "")


def _options(config: Config, sections: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for section in sections:
        for option, value in config.get(section, {}).items():
            found[option] = _value(value)
            origins[option] = section
    return found, origins


def _value(value: Any) -> Any:
    """What `c.X.option.add(...)` and its like come to."""
    if not isinstance(value, LazyConfigValue):
        return value
    changed = value.to_dict().get("update")
    return value.get_value(type(changed)() if changed is not None else [])


def _rename(source: Source) -> None:
    for old, new in {**RENAMED[""], **RENAMED.get(source.kind.cls, {})}.items():
        if old in source.options:
            source.options.setdefault(new, source.options[old])
            del source.options[old]
    for option in REMOVED.get(source.kind.cls, ()):
        if source.options.pop(option, None) is not None:
            source.notes.append(f"{option} stops OAuthenticator 17 itself, and was left out.")


def _read_variables(source: Source) -> None:
    for variable, option in {**VARIABLES[""], **VARIABLES.get(source.kind.cls, {})}.items():
        if option not in source.options and (value := os.environ.get(variable)):
            source.options[option] = value
            source.notes.append(f"{option} comes from the environment variable {variable}.")


def _overridden(cls: Any) -> Iterator[str]:
    """What a class of the administrator's own does differently."""
    for each in getattr(cls, "__mro__", ()):
        if each.__module__.partition(".")[0] in ("oauthenticator", "jupyterhub"):
            return
        for method in sorted(vars(each)):
            if method in OVERRIDDEN:
                yield f"{each.__name__} has its own {method}, which is not carried over: use {OVERRIDDEN[method]}."
