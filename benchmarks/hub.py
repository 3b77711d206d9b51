"""A hub to measure: started from a configuration, timed until it answers, weighed, stopped with its children."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil

CONFIG = """
import sys
from pathlib import Path
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{inner}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = [str(Path(sys.executable).with_name("configurable-http-proxy"))]
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.redirect_to_server = False
c.JupyterHub.log_level = 40
c.JupyterHub.init_spawners_timeout = 0
"""


class MeasuredHub:
    """One JupyterHub in a folder. `url` is the hub's own address: the proxy is not what is measured."""

    def __init__(
        self, folder: Path, config: str, environment: Mapping[str, str] | None = None, python: str = sys.executable
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        public, inner, api = free_ports(3)
        (folder / "jupyterhub_config.py").write_text(CONFIG.format(public=public, inner=inner, api=api) + config)
        self.url = f"http://127.0.0.1:{inner}"
        self._folder, self._environment, self._python = folder, {**os.environ, **(environment or {})}, python

    def __enter__(self) -> MeasuredHub:
        begun = time.perf_counter()
        with (self._folder / "hub.log").open("ab") as log:
            command = [self._python, "-m", "jupyterhub", "-f", "jupyterhub_config.py"]
            self.process = subprocess.Popen(
                command, cwd=self._folder, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError((self._folder / "hub.log").read_text())
            time.sleep(0.005)
        self.seconds_to_start = time.perf_counter() - begun
        spent = psutil.Process(self.process.pid).cpu_times()
        self.cpu_seconds = spent.user + spent.system
        self.megabytes = psutil.Process(self.process.pid).memory_info().rss / 2**20
        return self

    def __exit__(self, *exc: object) -> None:
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
