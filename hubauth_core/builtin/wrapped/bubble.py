"""The bubble of a wrapped authenticator: which class it is, and what of the hub's configuration it may see."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Final, cast

from jupyterhub.auth import Authenticator, LocalAuthenticator, NullAuthenticator
from jupyterhub.crypto import CryptKeeper
from traitlets import TraitError
from traitlets.config import Config, Configurable
from traitlets.utils.importstring import import_item

from ...discovery import nearest
from ...errors import ConfigError
from .subjects import preset_of

GROUP: Final = "jupyterhub.authenticators"

OUTSIDE: Final = frozenset({"Authenticator", "LocalAuthenticator", "HubAuthenticator"})
"""Sections that speak of hub users; the wrapped authenticator speaks of its source's."""

_TOLD_OF: Final = re.compile(r"secret|password|token|key", re.IGNORECASE)


def find_class(choice: object) -> type[Any]:
    """The authenticator class that `authenticator_class` means. Raises ConfigError."""
    cls = _load(choice) if isinstance(choice, str) else choice
    if not (isinstance(cls, type) and issubclass(cls, Authenticator)):
        raise ConfigError(f"authenticator_class {choice!r} is not a JupyterHub authenticator")
    if "HubAuthenticator" in {each.__name__ for each in cls.__mro__}:
        raise ConfigError("authenticator_class must not be hubauth itself")
    if issubclass(cls, NullAuthenticator):
        raise ConfigError("authenticator_class 'null' lets nobody sign in; leave this provider out")
    return cls


def _load(name: str) -> object:
    installed = {entry.name.lower(): entry for entry in entry_points(group=GROUP)}
    try:
        if entry := installed.get(name.lower()):
            return cast(object, entry.load())
        if "." in name or ":" in name:
            return cast(object, import_item(name.replace(":", ".")))
    except Exception as error:
        raise ConfigError(
            f"authenticator_class {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    raise ConfigError(f"there is no authenticator_class {name!r}. {nearest(name, installed.keys() - {'hubauth'})}")


def blow(cls: type[Any], own: Mapping[str, Any], host: Configurable | None) -> Any:
    """A wrapped instance of its own, with a configuration of its own. Raises ConfigError.

    `own` holds traits of the class, or sections; `host` is the hub's authenticator, whose parent is the hub.
    """
    config = _seen_from_inside(host.config if host else Config(), cls, own)
    app = host.parent if host else None
    try:
        inner = cls(parent=app, config=config, _deprecated_db_session=getattr(host, "_deprecated_db_session", None))
    except TraitError as error:
        told = str(error)
        raise ConfigError(
            f"an option of {cls.__name__} has a wrong value" if _TOLD_OF.search(told) else f"config: {told}"
        ) from None
    except Exception as error:
        raise ConfigError(f"{cls.__name__} cannot be made: {type(error).__name__}: {error}") from error
    _share_nothing(inner)
    _normalize_names(inner)
    return inner


def needs_system_users(inner: Any) -> bool:
    """Whether people of this authenticator must exist as users of the system, under their own names."""
    return isinstance(inner, LocalAuthenticator)


def _seen_from_inside(hub: Config, cls: type[Any], own: Mapping[str, Any]) -> Config:
    config = _without(hub)
    config["Authenticator"] = Config(
        allow_existing_users=False,  # it would undo every later removal from allowed_users
        enable_auth_state=_can_keep_state(cls),  # OAuthenticator refreshes only then
    )
    flat = {option: value for option, value in own.items() if not option[:1].isupper()}
    _check(flat, cls)
    sections = Config({section: dict(value) for section, value in own.items() if section not in flat})
    config.merge(sections)
    config.merge(Config({cls.__name__: copy.deepcopy(flat)}))
    return config


def _can_keep_state(cls: type[Any]) -> bool:
    return preset_of(cls).refreshes and bool(CryptKeeper.instance().keys)


def _without(hub: Config) -> Config:
    """A copy without the sections that stay outside, at any depth: traitlets reads `c.JupyterHub.Authenticator` too."""
    config = copy.deepcopy(hub)
    for name, value in list(config.items()):
        if name in OUTSIDE:
            del config[name]
        elif isinstance(value, Config):
            config[name] = _without(value)
    return config


def _check(options: Mapping[str, Any], cls: type[Any]) -> None:
    known = cls.class_trait_names(config=True)
    for option in options:
        if option not in known:
            raise ConfigError(f"config: unknown option {option!r} of {cls.__name__}. {nearest(option, known)}")


def _share_nothing(inner: Any) -> None:
    """Copy what the class could share with other instances: GoogleOAuthenticator keeps credentials in the class."""
    for cls in reversed(type(inner).__mro__):
        for name, value in vars(cls).items():
            if type(value) in (dict, list, set) and not name.startswith("__"):
                setattr(inner, name, copy.copy(value))


def _normalize_names(inner: Any) -> None:
    """What the hub does at its start with the names in its authenticator's rules."""
    inner.admin_users = {inner.normalize_username(name) for name in inner.admin_users}
    inner.allowed_users = {inner.normalize_username(name) for name in inner.allowed_users}
    if inner.allowed_users:
        inner.allowed_users |= inner.admin_users
