"""`hubauth demo` as a person starts it, on a free port and in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from pathlib import Path

import psutil

from .ports import free_port
from .process import Child

COMMAND = [sys.executable, "-m", "hubauth_core.cli", "demo"]


class Demo:
    """A demo on a free port. Its temporary directory is made below `directory`."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        command = [*COMMAND, "--port", str(free_port()), *arguments]
        self.child = Child(command, directory, directory / "output", {"TMPDIR": str(directory)})
        self.child.start()

    def wait_until_ready(self) -> None:
        self.child.wait_until(lambda: "JupyterHub is ready" in self.child.log, 120)

    @property
    def url(self) -> str:
        return self._said(r"Open +(http://127\.0\.0\.1:\d+)$")

    @property
    def clone_url(self) -> str:
        """Where the private repository is."""
        return self._said(r"git clone (http://127\.0\.0\.1:\d+/\S+)$")

    @property
    def data(self) -> Path:
        """Where it keeps everything."""
        return Path(self._said(r"data and logs: (.+)$"))

    def _said(self, pattern: str) -> str:
        [found] = re.findall(pattern, self.child.log, re.MULTILINE)
        return str(found)

    @property
    def family(self) -> list[psutil.Process]:
        """The hub, its proxy, the servers and what they started."""
        return psutil.Process(self.child.pid).children(recursive=True)

    def runs(self, program: str) -> bool:
        """Whether a process of the family has this in its command line."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return any(program in " ".join(each.cmdline()) for each in self.family)
        return False

    def server(self, username: str) -> psutil.Process:
        """The person's running server."""
        of_user = {"JUPYTERHUB_USER": username}.items()
        servers = [each for each in self.family if "jupyterhub.singleuser" in each.cmdline()]
        [found] = [each for each in servers if of_user <= each.environ().items()]
        return found

    def interrupt(self) -> int:
        """What a terminal does at Ctrl-C: the signal goes to the whole group. Answers the exit code."""
        os.killpg(self.child.pid, signal.SIGINT)
        return self.child.wait_for_end()
