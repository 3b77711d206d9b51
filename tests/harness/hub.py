"""A real JupyterHub with a real proxy in a directory of its own."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from . import warm
from .ports import free_ports
from .process import Child, answers

STUB_SERVER = Path(__file__).with_name("stub_server.py")

BASE_CONFIG = """
from pathlib import Path
import sys
from traitlets.config import Config

c = get_config()  # noqa: F821
HUB_URL = {url!r}
BIN = Path(sys.executable).parent
c.JupyterHub.bind_url = HUB_URL
c.JupyterHub.hub_bind_url = {hub_url!r}
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.JupyterHub.log_level = 10
c.PeriodicMetricsCollector.event_loop_interval_enabled = False  # twenty times a second in each hub, for nobody
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.services = [{{"name": "harness", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{
    "name": "harness",
    "scopes": ["admin:users", "admin:servers", "admin:groups", "tokens", "list:services", "read:hub", "shutdown"],
    "services": ["harness"],
}}]
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, {stub!r}]
c.Spawner.http_timeout = c.Spawner.start_timeout = 60
c.ConfigurableHTTPProxy.api_url = {proxy_url!r}
c.ConfigurableHTTPProxy.command = [str(BIN / "configurable-http-proxy")]
c.Authenticator.allow_all = False
"""


class Hub:
    """One JupyterHub. `config` is Python text for `jupyterhub_config.py`, or a mapping of trait sections.

    In the text `c`, `HUB_URL` and `BIN` are there. `url` is the hub's public address, without a slash at its end.
    """

    def __init__(
        self,
        python: Path,
        directory: Path,
        config: str | Mapping[str, Mapping[str, Any]] = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        public, inner, proxy = free_ports(3)
        self.url = f"http://127.0.0.1:{public}"
        self.direct_url = f"http://127.0.0.1:{inner}"
        self.directory = directory
        self.python = python
        self._token = secrets.token_hex(16)
        directory.mkdir(parents=True, exist_ok=True)
        base = BASE_CONFIG.format(
            url=self.url,
            hub_url=self.direct_url,
            proxy_url=f"http://127.0.0.1:{proxy}",
            token=self._token,
            stub=str(STUB_SERVER),
        )
        text = config if isinstance(config, str) else f"c.merge(Config({dict(config)!r}))\n"
        (directory / "jupyterhub_config.py").write_text(base + text)
        command: list[str | Path] = [python, "-m", "jupyterhub", "-f", "jupyterhub_config.py"]
        path = {"PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(directory)}
        self.process = Child(command, directory, directory / "hub.log", path | dict(environment or {}))

    def start(self) -> Hub:
        """Start it and wait until proxy and hub answer; raises RuntimeError with its log if it ends instead."""
        self.process.start_warm()
        self.process.wait_until(lambda: answers(f"{self.url}/hub/health"))
        return self

    def start_and_fail(self) -> str:
        """Start a hub that must refuse to start; returns its log. Raises AssertionError if it ended well."""
        assert self.process.run_warm() != 0, self.log
        return self.log

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What `hubauth ...` says where the hub is, in the hub's environment."""
        files = [self.directory.with_name(f"{self.directory.name}.{each}") for each in ("output", "errors")]
        for file in files:
            file.write_bytes(b"")
        where = (str(self.python), "hubauth_core.cli", words, self.directory, self.process.environment)
        code = warm.run(*where, output=files[0], errors=files[1])
        return subprocess.CompletedProcess(["hubauth", *words], code, *(each.read_text() for each in files))

    def stop(self) -> None:
        """Stop hub, proxy and servers. `start()` starts the same hub again: same ports, database, cookie secret."""
        self.process.stop()

    def restart(self) -> None:
        """Stop and start: what is in memory is gone, what is in the directory stays."""
        self.stop()
        self.start()

    @property
    def log(self) -> str:
        """The hub's and the servers' output so far, at level DEBUG. The proxy, which logs queries, has `proxy.log`."""
        return self.process.log

    def callback_url(self, provider: str) -> str:
        """Where the provider's source must send the browser back to."""
        return f"{self.url}/hub/auth/{provider}/callback"

    async def api(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx.Response:
        """Call the hub's REST API, by default as a service with `admin:users`; `path` is below `/hub/api`."""
        headers = {"Authorization": f"Bearer {token or self._token}"} | options.pop("headers", {})
        if method in {"POST", "PUT", "PATCH"} and "content" not in options:
            options.setdefault("json", {})  # the Python proxy turns an empty body into a form
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.request(method, f"{self.url}/hub/api{path}", headers=headers, **options)

    async def user(self, name: str) -> dict[str, Any] | None:
        """The hub's own model of a user, None if there is none. `auth_state` is in it where the hub keeps it."""
        answer = await self.api("GET", f"/users/{name}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        model: dict[str, Any] = answer.json()
        return model

    async def user_names(self) -> set[str]:
        """The names of all hub users."""
        answer = await self.api("GET", "/users")
        answer.raise_for_status()
        return {user["name"] for user in answer.json()}

    def files_with(self, text: str) -> list[Path]:
        """Files in the hub's directory that hold `text`: logs and databases, not its configuration nor `proxy.log`."""
        needle, ignored = text.encode(), {"jupyterhub_config.py", "proxy.log"}
        files = (path for path in self.directory.rglob("*") if path.is_file() and path.name not in ignored)
        return [path for path in files if needle in path.read_bytes()]
