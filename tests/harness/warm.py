"""Hubs and commands that start warm: forked from a process that has imported what they need, which takes longest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import psutil

LIGHT = Path(__file__).with_name("light")
"""Comes first on Python's path, here and in whatever these programs start: hubs and servers start in half the time."""

SERVER = Path(__file__).with_name("warm_server.py")
IMPORTED = ("jupyterhub", "jupyterhub.app", "hubauth_core.authenticator", "hubauth_core.core", "hubauth_core.cli")


class Forked:
    """A process that is not our child, with what `Child` needs of `subprocess.Popen`."""

    returncode = "a status that only its parent knows"

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._process = psutil.Process(pid)

    def poll(self) -> str | None:
        """None while it runs."""
        return None if self._process.is_running() else self.returncode

    def terminate(self) -> None:
        """Ask it to end; raises ProcessLookupError if it has ended."""
        try:
            self._process.terminate()
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError from error

    def wait(self, seconds: float) -> None:
        """Until it has ended; raises subprocess.TimeoutExpired if it does not."""
        try:
            self._process.wait(seconds)
        except psutil.TimeoutExpired as error:
            raise subprocess.TimeoutExpired("a hub", seconds) from error


def start(
    python: str, program: str, arguments: Sequence[str], directory: Path, environment: Mapping[str, str], log: Path
) -> Forked:
    """What `python -m program` with these arguments would be."""
    return Forked(_ask(python, program, arguments, directory, environment, log, log, 0))


def run(
    python: str,
    program: str,
    arguments: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    *,
    output: Path,
    errors: Path,
    seconds: int = 120,
) -> int:
    """What `python -m program` with these arguments ends with; it appends to `output` and `errors`."""
    return _ask(python, program, arguments, directory, environment, output, errors, seconds)


def _ask(
    python: str,
    program: str,
    arguments: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    output: Path,
    errors: Path,
    seconds: int,
) -> int:
    server = _server(python)
    assert server.stdin is not None
    assert server.stdout is not None
    asked = {
        "program": program,
        "arguments": list(arguments),
        "directory": str(directory),
        "environment": dict(environment),
        "output": str(output),
        "errors": str(errors),
        "seconds": seconds,
    }
    server.stdin.write(json.dumps(asked) + "\n")
    server.stdin.flush()
    answer = server.stdout.readline()
    if not answer:
        raise RuntimeError(f"{python} imports no JupyterHub")
    return int(answer)


@cache
def _server(python: str) -> subprocess.Popen[str]:
    """One for each version of JupyterHub; it ends with this process."""
    environment = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    return subprocess.Popen(
        [python, "-P", SERVER, *IMPORTED],
        env=environment | {"PATH": os.defpath, "PYTHONPATH": str(LIGHT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.__stderr__,
        text=True,
    )
