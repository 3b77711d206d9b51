"""A hub's configuration, taken apart for the rules of `hubauth check`, with nothing started and nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from traitlets import TraitError

from ..authenticator import HubAuthenticator
from ..errors import ConfigError
from ..provider import Provider
from ..registry import Registry
from ..sealing import Sealing
from .hub_config import SILENT

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub

Level = Literal["error", "warning", "ok"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `about` is a provider's name, or the part of the hub that it concerns."""

    level: Level
    about: str
    text: str


class Unbuilt(HubAuthenticator):
    """The hub's authenticator with its configuration read and nothing done about it."""

    def _build(self, app: Any) -> None:
        """Opens no database, touches no template."""


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What the rules look at. `fatal` is whether the hub would stop for a broken provider."""

    hub: JupyterHub
    authenticator: HubAuthenticator
    registry: Registry
    fatal: bool
    crypt_keys: bool
    configured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def providers(self) -> Iterator[tuple[str, Provider]]:
        """The providers in service, in order."""
        yield from self.registry.providers.items()

    def prefixes(self) -> dict[str, str | None]:
        """`username_prefix` of every provider as configured, broken ones included."""
        found = {name: _prefix_option(options) for name, options in self.configured.items()}
        return found | {name: each.username_prefix for name, each in self.providers}


def of_hubauth(hub: JupyterHub) -> None:
    """Raise ConfigError for a hub that has another authenticator."""
    cls = hub.authenticator_class
    if not issubclass(cls, HubAuthenticator):
        raise ConfigError(
            f"This hub signs people in with {cls.__module__}.{cls.__name__}, not with hubauth. "
            'Set c.JupyterHub.authenticator_class = "hubauth".'
        )


def inspect(hub: JupyterHub) -> Inspected:
    """Take a loaded configuration apart. Raises ConfigError where nothing further can be said."""
    of_hubauth(hub)
    try:
        told = Unbuilt(parent=hub, log=SILENT)
        fatal = told.on_broken_provider == "stop"
        told.on_broken_provider = "disable"  # so that every broken provider is found, not the first
    except TraitError as error:
        raise ConfigError(f"c.HubAuthenticator: {error}") from error
    return Inspected(
        hub=hub,
        authenticator=told,
        registry=told.load_registry(),
        fatal=fatal,
        crypt_keys=Sealing().enabled,
        configured=told.providers or {},
    )


def _prefix_option(options: Any) -> str | None:
    return options.get("username_prefix") if isinstance(options, Mapping) else None
