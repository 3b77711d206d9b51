"""Starts one program again and again without importing it anew: `python -P warm_server.py jupyterhub hubauth_core...`.

The first argument is what runs, as with `python -m`; it and the others are imported once. Each line on stdin asks for
one more process: {"arguments", "directory", "environment", "log"} as JSON. That is a fork in a session of its own, in
which Python goes on as if it had just begun to run the program. The answer is its process id. All ends with stdin.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
from importlib.metadata import entry_points
from typing import Any

GROUPS = ("jupyterhub.authenticators", "jupyterhub.spawners", "jupyterhub.proxies", "hubauth")
"""What a hub loads when it starts."""

PATH = [each for each in sys.path if each not in os.environ.get("PYTHONPATH", "").split(os.pathsep)]


def main() -> None:
    """Serve until nobody asks any more."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for group in GROUPS:
        for each in entry_points(group=group):
            with contextlib.suppress(Exception):  # the program itself will say so
                each.load()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them
    for line in iter(sys.stdin.readline, ""):
        if (pid := os.fork()) == 0:
            become(sys.argv[1], **json.loads(line))
            return
        print(pid, flush=True)


def become(program: str, arguments: list[str], directory: str, environment: dict[str, str], log: str) -> None:
    """Run the program in this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(directory)
    for descriptor, file, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, log, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        (2, log, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    ):
        opened = os.open(file, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    further: list[Any] = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [directory, *filter(None, further), *PATH]
    sys.argv[1:] = arguments
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
