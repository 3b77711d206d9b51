"""A hub's configuration, loaded the way JupyterHub loads it, with nothing started."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, LazyConfigValue, PyFileConfigLoader

from ..errors import ConfigError

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub

DEFAULT: Final = Path("jupyterhub_config.py")
"""What JupyterHub loads where it is told nothing."""

SILENT: Final = logging.getLogger("hubauth.silent")
"""For what is told in a command's own words, and must not be logged as well."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False

Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """The option `-f`, with JupyterHub's own default where that file exists."""
    return click.option(
        "-f",
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=lambda: DEFAULT if DEFAULT.is_file() else None,
        help="The hub's configuration. Defaults to jupyterhub_config.py in this directory, if there is one.",
    )(command)


def load(path: Path | None) -> JupyterHub:
    """JupyterHub configured from `path` (None: from nothing). Raises ConfigError where the file cannot be run.

    It is the process's one instance, as in a hub: the crypt keys look there for their configuration. It logs nothing:
    what is wrong is raised.
    """
    return hub_of(read(path) if path else Config(), path)


def hub_of(config: Config, path: Path | None = None) -> JupyterHub:
    """JupyterHub with a configuration that was read from `path`. Raises ConfigError."""
    from jupyterhub.app import JupyterHub  # takes a second to load, which not every command needs
    from jupyterhub.crypto import CryptKeeper

    JupyterHub.clear_instance()
    CryptKeeper.clear_instance()
    quiet = Config(config)
    quiet.JupyterHub = Config(config.JupyterHub)
    quiet.JupyterHub.log_level = logging.CRITICAL  # at DEBUG it would log the whole configuration, secrets and all
    try:
        return JupyterHub.instance(config=quiet)
    except Exception as error:  # a wrong value, or a class of the configuration that cannot be imported
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from error


def needed(path: Path | None) -> Path:
    """`path`, for commands that mean nothing without a configuration. Raises ConfigError."""
    if path is None:
        raise ConfigError(f"There is no {DEFAULT} here. Name the hub's configuration with -f.")
    return path


def configured_providers(hub: JupyterHub) -> dict[str, Any] | None:
    """`c.HubAuthenticator.providers` as it is written; None where it is not set, and the installed types decide."""
    providers = hub.config.HubAuthenticator.get("providers")
    if isinstance(providers, LazyConfigValue):  # c.HubAuthenticator.providers.update({...})
        providers = providers.get_value({})
    return dict(providers) if providers else None


def read(path: Path) -> Config:
    """A configuration by itself, with nothing imported that it names. Raises ConfigError."""
    loader = JSONFileConfigLoader if path.suffix == ".json" else PyFileConfigLoader
    try:
        return loader(path.name, path=str(path.resolve().parent)).load_config()
    except ConfigFileNotFound as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except (Exception, SystemExit) as error:  # whatever the administrator's own code raises
        raise ConfigError(f"{path}{_line(error, path)} cannot be loaded: {type(error).__name__}: {error}") from error


def _line(error: BaseException, path: Path) -> str:
    """Where in `path` the error came from, as `:12`."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f":{lines[-1]}" if lines else ""
