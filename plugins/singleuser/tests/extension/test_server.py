"""The extension in a real jupyterhub-singleuser: who is let in, what is written down, and that it ends cleanly."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from bs4 import BeautifulSoup

try:
    from harness.hubs import BOTH_ENDS, VERSIONS
    from harness.parts import require
    from harness.ports import free_port
    from harness.process import LIGHT
except ImportError:  # away from the repository there is one version
    BOTH_ENDS, VERSIONS, LIGHT = ("newest",), {"newest": Path(sys.executable)}, ""

    def require(part: str, present: object, remedy: str = "") -> None:
        """Everything is there."""

    def free_port() -> int:
        """A port that nobody listens on now."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port: int = taken.getsockname()[1]
        return port


OWNER = "token-of-ann"
GUEST = "token-of-ben"
SERVICE = "token-of-a-service-named-ann"

WITHOUT_LAB = "--ServerApp.jpserver_extensions={'jupyterlab': False}"
"""Half of a server's start goes into JupyterLab, which these tests do not open."""


def heed_interrupts() -> None:
    """Programs in a shell's background ignore Ctrl-C, and so do the programs that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Server:
    """One jupyterhub-singleuser of ann's."""

    def __init__(self, hub: Any, python: Path, folder: Path, arguments: list[str], environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/user/ann"
        self.home = folder / "home"
        self.home.mkdir()
        self.log_file = folder / "log"
        access = json.dumps(["access:servers!server=ann/"])
        told = {
            **hub.environment,
            "JUPYTERHUB_SERVICE_URL": f"{self.url}/",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/ann/",
            "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ann",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/ann/oauth_callback",
            "JUPYTERHUB_OAUTH_SCOPES": access,
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": access,
            "JUPYTERHUB_ACTIVITY_URL": f"{hub.url}/hub/api/users/ann/activity",
            "HOME": str(self.home),
            "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(LIGHT),
        }
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [python, "-m", "jupyterhub.singleuser", "--debug", "--allow-root", WITHOUT_LAB, *arguments],
                env={name: value for name, value in (told | environment).items() if value},
                cwd=self.home,
                stdout=log,
                stderr=log,
                preexec_fn=heed_interrupts,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def wait(self) -> Server:
        """Until it answers; raises AssertionError if it ends instead."""
        while self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/api", trust_env=False, verify=False)
                return self
            time.sleep(0.1)
        raise AssertionError(self.log[-3000:])

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        """A request as a program makes it."""
        authorization = {"Authorization": f"token {token}"} if token else {}
        return httpx.get(f"{self.url}/{path}", headers=authorization | headers, trust_env=False, timeout=60)

    def browser(self, token: str) -> httpx.Client:
        """A browser whose session at the hub is this token, signed in to the server."""
        client = httpx.Client(trust_env=False, timeout=60, headers={"Sec-Fetch-Mode": "navigate"})
        to_hub = client.get(f"{self.url}/hubauth/")
        state = parse_qs(urlsplit(to_hub.headers["Location"]).query)["state"][0]
        client.get(f"{self.url}/oauth_callback", params={"code": token, "state": state})
        return client

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(how)
        return self.process.wait(60)


@pytest.fixture(scope="module", params=BOTH_ENDS)
def python(request: pytest.FixtureRequest) -> Path:
    """The environment of a server, with one version of JupyterHub each."""
    found = VERSIONS[request.param]
    require(f"JupyterHub {request.param}", found.exists(), "make hubs")
    return found


@contextlib.contextmanager
def started(hub: Any, python: Path, folder: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    server = Server(hub, python, folder, list(arguments), environment)
    try:
        yield server.wait()
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def lasting(lasting_hub: Any, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that hands out tokens, and keeps two files."""
    files = {"~/.tokens/github": "github", "~/.tokens/kafka": "github/kafka"}
    folder = tmp_path_factory.mktemp("server")
    exposed = "--HubAuthSingleUser.expose_tokens=True"
    with started(lasting_hub, python, folder, exposed, HUBAUTH_TOKEN_FILES=json.dumps(files)) as running:
        yield running


@pytest.fixture
def server(lasting: Server, lasting_hub: Any) -> Iterator[Server]:
    """The same, with a hub that has forgotten the last test."""
    for token, name, kind in ((OWNER, "ann", "user"), (GUEST, "ben", "user"), (SERVICE, "ann", "service")):
        lasting_hub.visit(token, name, kind)
    yield lasting
    lasting_hub.refusal = None
    lasting_hub.requests.clear()


@pytest.fixture
def hub(server: Server, lasting_hub: Any) -> Any:
    """Its hub."""
    return lasting_hub


@pytest.fixture
def start(lasting_hub: Any, python: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A server of the test's own."""
    lasting_hub.visit(OWNER, "ann")
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **environment: stack.enter_context(
            started(lasting_hub, python, tmp_path, *arguments, **environment)
        )


newest_only = pytest.mark.parametrize("python", ["newest"], indirect=True)

PATHS = ["hubauth/", "hubauth/tokens", "hubauth/tokens/github"]


def test_the_owner_sees_accounts_without_secrets(server: Server) -> None:
    answer = server.get("hubauth/tokens", OWNER)
    [account] = answer.json()["credentials"]
    assert (account["provider"], account["state"], account["scopes"]) == ("github", "ready", ["repo"])
    assert "gho_token" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_owner_gets_a_token(server: Server) -> None:
    answer = server.get("hubauth/tokens/github?resource=kafka", OWNER)
    assert answer.json()["access_token"] == "gho_token-for-kafka"
    assert answer.json()["scopes"] == ["repo"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "gho_token" not in server.log


def test_the_server_itself_is_the_owner(server: Server, hub: Any) -> None:
    token = hub.environment["JUPYTERHUB_API_TOKEN"]
    assert server.get("hubauth/tokens/github", token).json()["access_token"] == "gho_token"


@pytest.mark.parametrize("who", [GUEST, SERVICE], ids=["a guest of the server", "a service with the owner's name"])
@pytest.mark.parametrize("path", PATHS)
def test_others_who_may_use_the_server_may_not_see_this(server: Server, hub: Any, path: str, who: str) -> None:
    assert server.get("api/contents", who).status_code == 200
    answer = server.get(path, who)
    assert answer.status_code == 403
    assert "octocat" not in answer.text
    assert not [url for url in hub.requests if "hubauth" in url]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "unknown"])
def test_strangers_see_nothing(server: Server, path: str, token: str) -> None:
    answer = server.get(path, token)
    assert answer.status_code == (302 if path == "hubauth/" else 403)
    assert "octocat" not in answer.text


@pytest.mark.parametrize("path", PATHS[1:])
def test_a_cookie_alone_opens_no_api(server: Server, path: str) -> None:
    """As another site, or another user's server on this site, makes a browser send it."""
    browser = server.browser(OWNER)
    assert browser.get(f"{server.url}/hubauth/").status_code == 200
    for mode in ("navigate", "no-cors", "cors", "same-origin", ""):
        for site in ("cross-site", "same-site", "same-origin", ""):
            headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": site}
            answer = browser.get(
                f"{server.url}/{path}", headers={name: value for name, value in headers.items() if value}
            )
            assert answer.status_code == 403, headers
            assert "octocat" not in answer.text


def test_the_servers_own_pages_may_ask(server: Server) -> None:
    browser = server.browser(OWNER)
    browser.get(f"{server.url}/nothing")  # any page of the server sets its XSRF cookie
    xsrf = browser.cookies["_xsrf"]
    own = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "X-XSRFToken": xsrf}
    url = f"{server.url}/hubauth/tokens"
    assert browser.get(url, headers=own).status_code == 200
    for wrong in ({"X-XSRFToken": "guessed"}, {"X-XSRFToken": ""}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.get(url, headers=own | wrong).status_code == 403, wrong
    assert browser.get(f"{url}?_xsrf={xsrf}", headers=own | {"X-XSRFToken": ""}).status_code == 403
    unchecked = {"Sec-Fetch-Mode": "navigate", "X-XSRFToken": "guessed"}
    assert browser.get(url, headers=unchecked).status_code == 403


def test_a_guest_in_a_browser_is_refused_too(server: Server) -> None:
    browser = server.browser(GUEST)
    assert browser.get(f"{server.url}/api/contents").status_code == 200
    assert browser.get(f"{server.url}/hubauth/").status_code == 403


def test_a_token_in_the_address_opens_nothing(start: Callable[..., Server]) -> None:
    """JupyterHub can be told to take it there; addresses end up in logs."""
    server = start(JUPYTERHUB_ALLOW_TOKEN_IN_URL="1")
    assert server.get(f"api/contents?token={OWNER}").status_code == 200
    assert [server.get(f"{path}?token={OWNER}").status_code for path in PATHS[1:]] == [403, 403]


@pytest.mark.parametrize(
    ("status", "slug"), [(409, "needs_login"), (503, "provider_unavailable"), (501, "storage_disabled")]
)
@pytest.mark.parametrize("path", ["hubauth/tokens", "hubauth/tokens/github?resource=refused"])
def test_refusals_are_the_hubs(server: Server, hub: Any, path: str, status: int, slug: str) -> None:
    hub.refuse(status, slug, "Plain words.", Retry_After="7")
    answer = server.get(path, OWNER)
    assert answer.status_code == status
    assert (answer.json()["error"], answer.json()["message"]) == (slug, "Plain words.")
    assert answer.json().get("login_url") == ("/hub/connections" if slug == "needs_login" else None)
    assert answer.headers.get("Retry-After") == ("7" if status == 503 else None)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("hubauth/tokens/gitlab", 404),
        ("hubauth/tokens/..%2f..%2fapi", 404),
        ("hubauth/tokens/Git%0aHub", 404),
        ("hubauth/tokens/github?min_ttl=soon", 400),
        ("hubauth/tokens/github?min_ttl=-1", 400),
        ("hubauth/tokens/github?min_ttl=nan", 400),
    ],
)
def test_bad_questions_have_plain_answers(server: Server, path: str, status: int) -> None:
    answer = server.get(path, OWNER)
    assert answer.status_code == status
    assert answer.json()["error"] in {"unknown_provider", "bad_request"}


def test_the_page_is_for_people(server: Server, hub: Any) -> None:
    browser = server.browser(OWNER)
    answer = browser.get(f"{server.url}/hubauth/")
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.h2.text == "GitHub"
    assert page.find("a")["href"] == "/hub/connections"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "gho_token" not in answer.text
    hub.refuse(503, "provider_unavailable", "Plain words.")
    answer = browser.get(f"{server.url}/hubauth/")
    assert answer.status_code == 503
    assert "Plain words." in answer.text


def test_files_are_there_and_private(server: Server) -> None:
    folder = server.home / ".tokens"
    while len(list(folder.glob("*"))) < 2:
        time.sleep(0.05)
    assert (folder / "github").read_text() == "gho_token"
    assert (folder / "kafka").read_text() == "gho_token-for-kafka"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "github", folder / "kafka")]
    assert modes == [0o700, 0o600, 0o600]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_files_go_when_the_server_ends(start: Callable[..., Server], how: int) -> None:
    server = start(HUBAUTH_TOKEN_FILES='{"~/github": "github"}')
    while not (server.home / "github").exists():
        time.sleep(0.05)
    assert (server.home / "github").read_text() == "gho_token"
    server.stop(how)
    assert not (server.home / "github").exists()
    assert "gho_token" not in server.log


@newest_only
def test_tokens_are_not_handed_out_by_default(start: Callable[..., Server], lasting_hub: Any) -> None:
    server = start()
    assert server.get("hubauth/tokens", OWNER).status_code == 200
    lasting_hub.requests.clear()
    answer = server.get("hubauth/tokens/github", OWNER)
    assert (answer.status_code, answer.json()["error"]) == (403, "not_exposed")
    assert "expose_tokens" in answer.json()["message"]
    assert not [url for url in lasting_hub.requests if "hubauth" in url]


@newest_only
def test_the_path_is_the_administrators(start: Callable[..., Server]) -> None:
    server = start("--HubAuthSingleUser.local_path=/my/tokens/")
    assert server.get("my/tokens", OWNER).status_code == 200
    assert server.get("hubauth/tokens", OWNER).status_code == 404


@newest_only
def test_a_list_of_files_that_cannot_be_read_is_said_and_the_rest_works(start: Callable[..., Server]) -> None:
    server = start(HUBAUTH_TOKEN_FILES='["x"]')
    assert "HUBAUTH_TOKEN_FILES does not map paths to providers; no token files are written" in server.log
    assert server.get("hubauth/tokens", OWNER).status_code == 200


@newest_only
def test_without_jupyterhub_there_is_nothing(python: Path, tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    command = [python, "-m", "jupyter_server", f"--port={port}", "--IdentityProvider.token=t", "--allow-root"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB")}
    clean["PYTHONPATH"] = str(LIGHT)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=clean | {"HOME": str(tmp_path)}, cwd=tmp_path, stdout=output, stderr=output
        )
    try:
        answer = None
        while answer is None and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                url = f"http://127.0.0.1:{port}/hubauth/tokens"
                answer = httpx.get(url, headers={"Authorization": "token t"}, trust_env=False, verify=False)
            time.sleep(0.05)
        assert answer is not None, log.read_text()
        assert answer.status_code == 404
        assert "not started by JupyterHub" in log.read_text()
    finally:
        process.kill()
        process.wait()
