"""A child process with its own log, awaited by condition and stopped with all its children."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import psutil

from . import warm
from .warm import LIGHT, Forked

INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME")


class Child:
    """One program, started in `directory`; its output goes to `log_file`, a restart appends to it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        directory: Path,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = [str(word) for word in command]
        self.directory = directory
        self.log_file = log_file
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(
            environment or {}
        )
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(LIGHT), self.environment.get("PYTHONPATH")]))
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        """Its process id; raises RuntimeError while it does not run."""
        if self._process is None:
            raise RuntimeError(f"{self.command[0]} does not run")
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything that it has printed so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Start it; returns at once."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_warm(self) -> None:
        """Start it, `python -m program ...`, without waiting for its imports. Nobody learns its exit code."""
        python, _, program, *arguments = self.command
        self._process = warm.start(python, program, arguments, self.directory, self.environment, self.log_file)

    def run_warm(self) -> int:
        """Start it warm and wait for its end; returns its exit code."""
        python, _, program, *arguments = self.command
        log = self.log_file
        return warm.run(python, program, arguments, self.directory, self.environment, output=log, errors=log)

    def wait_until(self, ready: Callable[[], bool], seconds: float = 120) -> None:
        """Poll `ready`; raises RuntimeError with the end of the log if the program ends or time runs out first."""
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._name} ended with {self._process.returncode}:\n{self.log[-6000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self._name} was not ready after {seconds} s:\n{self.log[-6000:]}")
            time.sleep(0.05)

    def wait_for_end(self, seconds: float = 120) -> int:
        """Its exit code, once it ends by itself."""
        assert isinstance(self._process, subprocess.Popen)
        return self._process.wait(seconds)

    def stop(self, seconds: float = 30) -> None:
        """Ask it to end, then end whatever is left of it and its children."""
        if self._process is None:
            return
        family = self._family()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self._process.wait(seconds)
        self._process = None

    def kill(self) -> None:
        """End it and its children without asking, as a power cut would."""
        for member in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        if self._process is not None:
            self._process.wait(10)
        self._process = None

    def _family(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        except (psutil.NoSuchProcess, RuntimeError):
            return []

    @property
    def _name(self) -> str:
        return " ".join(self.command[:4])


def answers(url: str) -> bool:
    """True once `url`, without TLS, answers with less than 400."""
    try:
        # no certificates: to read them takes longer than all the rest, and this is asked many times
        return httpx.get(url, timeout=2, trust_env=False, verify=False).status_code < 400
    except httpx.HTTPError:
        return False
