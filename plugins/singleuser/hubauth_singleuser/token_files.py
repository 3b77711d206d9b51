"""Tokens as files, for programs that read them from there: as private as a file can be, and whole at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .client import NAME

VARIABLE: Final = "HUBAUTH_TOKEN_FILES"


@dataclass(frozen=True)
class Wanted:
    """A file, and the token that belongs in it. `path` is absolute."""

    path: Path
    provider: str
    resource: str = ""


def wanted(environment: Mapping[str, str]) -> list[Wanted]:
    """What the hub wrote into the environment, nothing if it did not. Raises ValueError with what is wrong."""
    try:
        listed = json.loads(environment.get(VARIABLE) or "{}")
    except ValueError:
        listed = None
    if not isinstance(listed, dict) or not all(isinstance(value, str) for value in listed.values()):
        raise ValueError(f"{VARIABLE} does not map paths to providers")
    return [_wanted(path, of) for path, of in listed.items()]


def _wanted(path: str, of: str) -> Wanted:
    provider, _, resource = of.partition("/")
    full = Path(path).expanduser() if path.startswith("~/") else Path(path)
    if not full.is_absolute() or ".." in full.parts or not path.isprintable() or path.endswith("/"):
        raise ValueError(f"{VARIABLE}: {path!r} is no path that begins with ~/ or /")
    if not NAME.fullmatch(provider):
        raise ValueError(f"{VARIABLE}: {of!r} is no provider, nor provider/resource")
    return Wanted(full, provider, resource)


class TokenFile:
    """One file. Nothing on the way to it below the home directory, and not the file itself, may be a symbolic link."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: tuple[int, int] | None = None

    def write(self, token: str) -> None:
        """Put the token there, mode 0600; folders that are missing are made, mode 0700. Raises OSError.

        The file is replaced as a whole: who reads it gets the old token or the new one.
        """
        before = self._written
        with _folder(self.path.parent) as folder:
            draft = f".{self.path.name}.{secrets.token_hex(8)}"
            made = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
            try:
                with os.fdopen(made, "w", encoding="ascii") as file:
                    file.write(token)
                    self._written = _identity(os.fstat(made))  # now, because the process may end at any moment
                os.replace(draft, self.path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                self._written = before
                os.unlink(draft, dir_fd=folder)
                raise

    @property
    def is_there(self) -> bool:
        """Whether the file is still the one that we wrote."""
        with contextlib.suppress(OSError):
            return self._written == _identity(self.path.lstat())
        return False

    def remove(self) -> None:
        """Delete what we wrote; somebody else's file stays."""
        if self.is_there:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._written = None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    """A handle on a folder. Raises OSError where one on the way is a symbolic link."""
    home = Path.home()
    start = home if path.is_relative_to(home) else Path("/")
    handle = os.open(start, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in path.relative_to(start).parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=handle)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)
