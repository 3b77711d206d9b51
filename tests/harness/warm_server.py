"""Starts programs again and again without importing them anew: `python -P warm_server.py jupyterhub hubauth_core...`.

The arguments are modules, imported once. Each line on stdin asks for one more process: {"program", "arguments",
"directory", "environment", "output", "errors", "seconds"} as JSON. That is a fork in a session of its own, in which
Python goes on as if it had just begun to run the program, as with `python -m`. The answer is its process id; with
`seconds`, it is its exit code, once the program has ended or was ended after that time. All ends with stdin.
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
        asked = json.loads(line)
        seconds = asked.pop("seconds")
        if (pid := os.fork()) == 0:
            if seconds:
                go_on_in_a_child(seconds)
            become(**asked)
            return
        if not seconds:
            print(pid, flush=True)


def go_on_in_a_child(seconds: int) -> None:
    """Return in a child of this process, which tells how the child ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if pid := os.fork():
        signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
        signal.alarm(seconds)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        os._exit(0)


def become(
    program: str, arguments: list[str], directory: str, environment: dict[str, str], output: str, errors: str
) -> None:
    """Run the program in this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(directory)
    for descriptor, file, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, output, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        (2, errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
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
