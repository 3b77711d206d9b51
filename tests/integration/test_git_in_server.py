"""What all of it is for: somebody signs in, starts a real server, and uses a private repository there.

The source is oidc-provider. The git server takes its access tokens for as long as the source does: it asks userinfo.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shlex
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from harness import counterparts
from harness.browser import Browser
from harness.counterparts import Counterpart
from harness.git import GitServer, git, git_server
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from harness.waiting import until

pytestmark = newest_only  # what a server asks the hub for, test_api asks every version

KEYS = {"JUPYTERHUB_CRYPT_KEY": "5a" * 32}

CONFIG = """
from hubauth_core import configure

configure(c)
c.JupyterHub.authenticator_class = "hubauth"
c.JupyterHub.services += [{{"name": "guest", "api_token": "token-of-guest"}}]
c.JupyterHub.load_roles += [{{"name": "guest", "scopes": ["access:servers"], "services": ["guest"]}}]
c.HubAuthenticator.providers = {{"uni": {options!r}}}
c.HubAuthenticator.git_credential_helper = True
c.HubAuthenticator.spawner_files = {{"~/.tokens/uni": "uni"}}
c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]
c.Spawner.args = ["--allow-root", "--debug", "--ServerApp.jpserver_extensions={{'jupyterlab': False}}"]
c.SimpleLocalProcessSpawner.home_dir_template = {home!r} + "/{{username}}"
"""


LIFETIMES = {"AccessToken": 3600, "RefreshToken": 3600}


@pytest.fixture(scope="module")
def source(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counterpart]:
    """A provider of these tests' own, because they change how long tokens live."""
    with counterparts.oidc_provider(tmp_path_factory.mktemp("source")) as running:
        yield running


@pytest.fixture(scope="module")
def forge(source: Counterpart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """A git server."""
    with git_server(tmp_path_factory.mktemp("forge"), f"{source.url}/me") as running:
        running.repository("of-others.git")
        yield running


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everybody's home is."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture
def name() -> str:
    """Somebody whom nobody has seen before."""
    return f"alice-{secrets.token_hex(3)}"


@pytest.fixture
def private(forge: GitServer, name: str) -> str:
    """The name of a repository that is theirs alone."""
    forge.repository(f"{name}.git")
    forge.grant({name: {f"{name}.git": "rw"}})
    return f"{name}.git"


class Terminal:
    """A terminal of a person's server, opened by its websocket as JupyterLab does it."""

    def __init__(self, connection: Any, home: Path) -> None:
        self._connection = connection
        self._home = home

    async def run(self, command: str) -> tuple[int, str]:
        """Exit code of a command, and all that it printed."""
        script, out, code = (self._home / name for name in ("run.sh", "run.out", "run.code"))
        script.write_text(command)
        code.unlink(missing_ok=True)
        typed = f"sh {script} >{out} 2>&1 </dev/null; echo $? >{code}.new; mv {code}.new {code}\r"
        await self._connection.write_message(json.dumps(["stdin", typed]))
        while not code.exists():
            await self._connection.read_message()
        return int(code.read_text()), out.read_text()

    async def succeed(self, command: str) -> str:
        """What a command printed that must go well."""
        status, out = await self.run(command)
        assert status == 0, out
        return out


class Server:
    """A person's running notebook server, as seen with a token of theirs."""

    def __init__(self, hub: Hub, name: str, token: str, home: Path) -> None:
        self.hub, self.name, self.token, self.home = hub, name, token, home

    async def get(self, path: str, token: str = "") -> httpx.Response:
        """A GET below the server's address."""
        headers = {"Authorization": f"token {token or self.token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.get(f"{self.hub.url}/user/{self.name}/{path}", headers=headers)

    async def run_in_kernel(self, code: str) -> str:
        """What a notebook's cell prints. https://jupyter-client.readthedocs.io/en/stable/messaging.html"""
        headers = {"Authorization": f"token {self.token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=120) as client:
            made = await client.post(f"{self.hub.url}/user/{self.name}/api/kernels", headers=headers, json={})
        made.raise_for_status()
        address = f"{self.hub.url.replace('http', 'ws', 1)}/user/{self.name}/api/kernels/{made.json()['id']}/channels"
        connection = await websocket_connect(HTTPRequest(address, headers=headers))
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "", "version": "5.3"}
        content = {"code": code, "silent": False}
        asked = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
        await connection.write_message(json.dumps(asked))
        printed = ""
        while True:
            message = json.loads(await connection.read_message() or "null")
            if message["parent_header"].get("msg_id") != "1":
                continue
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                connection.close()
                return printed

    @asynccontextmanager
    async def terminal(self) -> AsyncIterator[Terminal]:
        """A login shell, as the server starts it."""
        headers = {"Authorization": f"token {self.token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            made = await client.post(f"{self.hub.url}/user/{self.name}/api/terminals", headers=headers, json={})
        made.raise_for_status()
        address = f"{self.hub.url.replace('http', 'ws', 1)}/user/{self.name}/terminals/websocket/{made.json()['name']}"
        connection = await websocket_connect(HTTPRequest(address, headers=headers))
        try:
            yield Terminal(connection, self.home)
        finally:
            connection.close()


@pytest.fixture
def hub(shared_hub: StartHub, source: Counterpart, forge: GitServer, homes: Path) -> Hub:
    """A hub with one provider, whose tokens open the git server."""
    options = source.options(allow_all=True, scope=["openid", "profile"], git_urls=[forge.url])
    hub = shared_hub(CONFIG.format(options=options, home=str(homes)), environment=KEYS)
    source.allow(hub, "uni")
    source.control("PUT", "ttl", LIFETIMES)
    return hub


async def server_of(hub: Hub, browser: Browser, name: str, homes: Path) -> Server:
    """Sign in, start the server, and make a token for its API."""
    await browser.sign_in("uni", name)
    page = await browser.start_server(name)
    assert page.path.startswith(f"/user/{name}/"), page.text
    made = await hub.api("POST", f"/users/{name}/tokens", json={})
    return Server(hub, name, made.json()["token"], homes / name)


def accepts(source: Counterpart, token: str) -> bool:
    """Whether the source still takes an access token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{source.url}/me", headers=headers, trust_env=False, timeout=60).status_code == 200


def files_with(text: str, folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()}


async def test_clone_push_and_pull_in_a_real_server_over_the_expiry_of_the_token(
    hub: Hub,
    source: Counterpart,
    forge: GitServer,
    new_browser: Callable[[Hub], Browser],
    homes: Path,
    name: str,
    private: str,
) -> None:
    source.control("PUT", "ttl", LIFETIMES | {"AccessToken": 6})
    server = await server_of(hub, new_browser(hub), name, homes)
    async with server.terminal() as terminal:
        await terminal.succeed("printf '[credential]\\n\\thelper = store\\n' > ~/.gitconfig")
        await terminal.succeed(f"git clone {forge.url}/{private} work")
        await terminal.succeed(
            "cd work && git -c user.name=A -c user.email=a@b commit --allow-empty -m one && git push"
        )
        first = await terminal.succeed("cat ~/.tokens/uni")
        source.control("PUT", "ttl", LIFETIMES)
        while accepts(source, first):
            await terminal.succeed("sleep 0.2")

        colleague = str(forge.root.parent / f"{private}-work")
        git("-C", colleague, "pull", "--quiet", "origin", "main")
        git("-C", colleague, "commit", "--quiet", "--allow-empty", "-m", "by a colleague")
        git("-C", colleague, "push", "--quiet", "origin", "HEAD:main")
        await terminal.succeed("cd work && git pull")
        assert "by a colleague" in await terminal.succeed("git -C work log -1 --format=%s")
        await terminal.succeed(
            "cd work && git -c user.name=A -c user.email=a@b commit --allow-empty -m two && git push"
        )

        python = shlex.quote(str(hub.python))
        told = await terminal.succeed(f"{python} -c 'import hubauth_singleuser as h; print(h.get_token(\"uni\"))'")
        second = told.strip()
        assert second != first
        status, said = await terminal.run(f"git ls-remote {forge.url}/of-others.git")
        assert status != 0
        assert "not found" in said

    for token in (first, second):
        assert files_with(token, homes) <= {"run.out", "uni"}
        assert token not in hub.log
    assert not (server.home / ".git-credentials").exists()
    log = git("-C", str(forge.root / private), "log", "--format=%s", "main").splitlines()
    assert log == ["two", "by a colleague", "one", "first"]


async def test_the_page_and_the_files_are_the_owners_and_end_with_the_server(
    hub: Hub, new_browser: Callable[[Hub], Browser], homes: Path, name: str
) -> None:
    browser = new_browser(hub)
    server = await server_of(hub, browser, name, homes)
    page = await browser.open(f"/user/{name}/hubauth/")
    assert page.status == 200
    assert name in page.text
    assert (await browser.open(page.link("/hub/connections"))).path == "/hub/connections"

    [account] = (await server.get("hubauth/tokens")).json()["credentials"]
    assert (account["provider"], account["username"], account["state"]) == ("uni", name, "ready")
    assert (await server.get("hubauth/tokens/uni")).json()["error"] == "not_exposed"
    assert (await browser.request("GET", f"/user/{name}/hubauth/tokens")).status == 403
    assert (await server.get("api/contents", "token-of-guest")).status_code == 200
    for path in ("hubauth/", "hubauth/tokens", "hubauth/tokens/uni"):
        assert (await server.get(path, "token-of-guest")).status_code == 403

    file = server.home / ".tokens" / "uni"
    await until(lambda: is_private(file))
    stopped = await hub.api("DELETE", f"/users/{name}/server")
    while stopped.status_code == 202:
        await asyncio.sleep(0.1)
        stopped = await hub.api("DELETE", f"/users/{name}/server")
    assert not is_private(file)


async def test_a_kernel_gets_fresh_tokens(
    hub: Hub, source: Counterpart, new_browser: Callable[[Hub], Browser], homes: Path, name: str
) -> None:
    server = await server_of(hub, new_browser(hub), name, homes)
    printed = await server.run_in_kernel("from hubauth_singleuser import get_token; print(get_token('uni'))")
    assert accepts(source, printed.strip())


def is_private(path: Path) -> bool:
    """Whether a file is there, for its owner only."""
    return path.exists() and stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_dead_grant_is_said_in_the_terminal_and_a_new_sign_in_is_enough(
    hub: Hub,
    source: Counterpart,
    forge: GitServer,
    new_browser: Callable[[Hub], Browser],
    homes: Path,
    name: str,
    private: str,
) -> None:
    source.control("PUT", "ttl", LIFETIMES | {"AccessToken": 5})
    browser = new_browser(hub)
    server = await server_of(hub, browser, name, homes)
    async with server.terminal() as terminal:
        status, said = await terminal.run(f"git ls-remote {forge.url}/{private}")
        source.account(name, disabled=True)
        while "/hub/connections" not in said:  # until the token has run out, and the hub hears that there is no other
            status, said = await terminal.run(f"git ls-remote {forge.url}/{private}")
        assert status != 0
        assert "hubauth: " in said
        source.control("PUT", "ttl", LIFETIMES)
        source.account(name)
        await browser.sign_in("uni", name)
        await terminal.succeed(f"git clone {forge.url}/{private} work")
