"""Options that come from somewhere safer than a configuration file: secrets, the environment, files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from traitlets import TraitType

from .errors import ConfigError
from .types import Secret


class SecretOption(TraitType[Secret, Secret | str]):
    """Text that is held as a `Secret` and never printed, also not in the message about a wrong value."""

    default_value = Secret("")
    info_text = "a text"

    def validate(self, obj: Any, value: Any) -> Secret:
        """Traitlets' check of a value."""
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            return Secret(value)
        raise self._refused(obj)

    def from_string(self, s: str) -> Secret:
        """The value on a command line."""
        return Secret(s)

    def _refused(self, obj: Any) -> ConfigError:
        return ConfigError(f"the option {self.name!r} must be a text")

    def error(self, obj: Any, value: Any, error: Any = None, info: Any = None) -> NoReturn:
        """Traitlets would print the value."""
        raise self._refused(obj)


def from_environment(name: str, option: str) -> str:
    """The value of `HUBAUTH_<NAME>_<OPTION>` for a provider of that name, "" if it is not set."""
    return os.environ.get(variable(name, option), "").strip()


def variable(name: str, option: str) -> str:
    """The environment variable that sets a provider's option."""
    return f"HUBAUTH_{name}_{option}".upper()


def read_secret(option: str, path: str) -> Secret:
    """The secret in a file that an option names, without the line's end. Raises ConfigError."""
    try:
        text = read_file(option, path).decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"the file of {option!r} holds no text: {path}") from None
    if not text:
        raise ConfigError(f"the file of {option!r} is empty: {path}")
    return Secret(text)


def read_file(option: str, path: str) -> bytes:
    """The content of a file that an option names. Raises ConfigError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"the file of {option!r} cannot be read: {error.strerror}: {path}") from None
