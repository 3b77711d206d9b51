"""The demo's JupyterHub: written configuration, a child process, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

import httpx

from ...errors import HubAuthError

TAG: Final = "HUBAUTH_DEMO"
"""The environment variable that every process of one demo carries."""
START_LIMIT: Final = 120.0
"""Seconds in which the hub must answer; the very first start on a slow machine compiles everything it imports."""
STOP_LIMIT: Final = 20.0
"""Seconds that the hub has to stop its servers and its proxy by itself."""
KILL_LIMIT: Final = 3.0


class DemoFailed(HubAuthError):
    """The demo cannot start, or its hub ended by itself."""

    default_code = "demo_failed"


BELOW_EPHEMERAL: Final = range(12_000, 32_000)
"""Ports that the system gives to no connection; a hub that needs seconds to start would find those taken."""


def free_port() -> int:
    """A port on the loopback address that nobody uses now."""
    for port in random.sample(BELOW_EPHEMERAL, 100):
        with contextlib.suppress(DemoFailed):
            return claim_port(port)
    raise DemoFailed("There is no free port on this machine.")


def claim_port(port: int) -> int:
    """`port` itself, or a free one for 0. Raises DemoFailed where it is in use or not allowed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise DemoFailed(f"Port {port} needs administrator rights. Try: hubauth demo --port 8001") from None
        except OSError:
            raise DemoFailed(
                f"Port {port} is in use by another program. Stop that one, or take another port: "
                f"hubauth demo --port {port + 1 if port < 65535 else 0}"
            ) from None
        return int(probe.getsockname()[1])


def write_config(directory: Path, settings: Mapping[str, object]) -> Path:
    """Fill the templates with `settings`, as Python literals, and write them for their owner only: there are secrets.

    The part about the forge is left out where there is no `forge_issuer`.
    """
    values = {name: literal(value) for name, value in settings.items()}
    forge = _filled("forge_config.py.in", values) if "forge_issuer" in settings else ""
    path = directory / "jupyterhub_config.py"
    path.touch(0o600)
    path.write_text(_filled("jupyterhub_config.py.in", values | {"forge": forge}), "utf-8")
    return path


def _filled(name: str, values: Mapping[str, str]) -> str:
    return Template(files(__package__).joinpath(name).read_text("utf-8")).substitute(values)


def literal(value: object) -> str:
    """`value` as Python source; strings in double quotes, as people write configuration."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


@dataclass(kw_only=True)
class DemoHub:
    """One `jupyterhub` process in `directory`, reachable at `url`. `arguments` are added to its command line."""

    directory: Path
    port: int
    arguments: tuple[str, ...] = ()
    verbose: bool = False
    tag: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        self.log = self.directory / "jupyterhub.log"
        self.own_url = f"http://127.0.0.1:{free_port()}"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, object]:
        """What the template needs to know about this hub."""
        return {
            "bind_url": self.url,
            "hub_bind_url": self.own_url,
            "proxy_api_url": f"http://127.0.0.1:{free_port()}",
            "home": str(self.directory / "home").replace("{", "{{").replace("}", "}}") + "/{username}",
            "tag": self.tag,
            "path": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }

    async def start(self, config: Path) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches the demo alone, which then ends it."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "jupyterhub", "-f", str(config), *self.arguments),
                cwd=self.directory,
                env=os.environ | {TAG: self.tag, "JUPYTERHUB_CRYPT_KEY": self._crypt_key()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=None if self.verbose else log,
                stderr=None if self.verbose else log,
                start_new_session=True,
            )

    async def ended(self) -> None:
        """Wait until the hub ends. Raises DemoFailed then, with the last lines of its log: it should not end."""
        assert self._process is not None  # noqa: S101  # callers start first
        code = await self._process.wait()
        raise DemoFailed(f"JupyterHub ended by itself (exit code {code}).\n{self._last_words()}")

    async def healthy(self) -> None:
        """Wait until the hub answers, and then through its proxy. Raises DemoFailed after START_LIMIT."""
        try:
            async with asyncio.timeout(START_LIMIT), httpx.AsyncClient(trust_env=False) as client:
                for url in (self.own_url, self.url):
                    # Another process tells nobody when it is ready; it can only be asked.
                    while not await _answers(client, f"{url}/hub/health"):  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
        except TimeoutError:
            raise DemoFailed(f"JupyterHub did not answer in {START_LIMIT:.0f} s.\n{self._last_words()}") from None

    async def stop(self) -> None:
        """End the hub, its proxy and every notebook server; what does not end by itself is killed."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_LIMIT)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await asyncio.to_thread(end, self.tag)

    def _crypt_key(self) -> str:
        """The key for stored credentials, kept with the data that it opens."""
        path = self.directory / "crypt_key"
        if not path.exists():
            path.touch(0o600)
            path.write_text(secrets.token_hex(32), "ascii")
        return path.read_text("ascii")

    def _last_words(self) -> str:
        if self.verbose:
            return "Its log is above."
        lines = self.log.read_text("utf-8", "replace").splitlines()[-15:]
        return "\n".join([*(f"    {line}" for line in lines), f"The whole log: {self.log}"])


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def end(tag: str) -> None:
    """End every process that carries `tag`, first kindly."""
    import psutil  # an optional dependency: the extra `demo` brings it

    left = list(carriers(tag))
    for process in left:
        _try(process.terminate)
    _, stubborn = psutil.wait_procs(left, timeout=KILL_LIMIT)
    for process in stubborn:
        _try(process.kill)
    psutil.wait_procs(stubborn, timeout=KILL_LIMIT)


def carriers(tag: str) -> Iterator[Any]:
    """The processes that carry `tag` in their environment."""
    import psutil  # an optional dependency: the extra `demo` brings it

    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get(TAG) == tag:
            yield process


def _try(action: Any) -> None:
    import psutil  # an optional dependency: the extra `demo` brings it

    try:
        action()
    except psutil.Error:
        return  # it ended meanwhile
