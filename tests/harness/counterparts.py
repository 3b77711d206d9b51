"""Identity providers written by others, started for the tests. Each tells a hub's configuration what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from .hub import Hub
from .parts import COUNTERPARTS
from .ports import free_port
from .process import Child

READY = re.compile(r"^ready (http\S+)", re.MULTILINE)
OPENAPI = COUNTERPARTS / "node_modules/@octokit/openapi/generated/api.github.com.json"
HUB_SECRET = "hub-secret-hub-secret-hub-secret-00"


class Counterpart:
    """A running identity provider: its address, the options with which a hub becomes its client, its test controls."""

    def __init__(
        self, child: Child, url: str, options: Mapping[str, Any], passwords: Mapping[str, str] | None = None
    ) -> None:
        self.child = child
        self.url = url
        self._options = dict(options)
        self._passwords = dict(passwords or {})

    def options(self, **more: Any) -> dict[str, Any]:
        """An entry of `c.HubAuthenticator.providers` for this source; `more` adds to it or replaces."""
        return self._options | more

    def password(self, username: str) -> str:
        """What this person types; most of these programs take anything."""
        return self._passwords.get(username, "any password")

    def allow(self, hub: Hub, provider: str) -> None:
        """Register the hub's callback for the provider of that name."""
        self.control("PUT", "redirect_uris", [hub.callback_url(provider)])

    def account(self, key: str | int, **claims: Any) -> None:
        """Set all claims of an account of oidc-provider; a name that is new becomes one."""
        self.control("PUT", f"accounts/{key}", claims)

    def events(self) -> list[Any]:
        """What the program saw, in order."""
        events: list[Any] = self.control("GET", "events")
        return events

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use a test control below `/_test/`."""
        root = httpx.URL(self.url).join("/_test/")
        answer = httpx.request(method, root.join(path), json=body, trust_env=False, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class Forge(Counterpart):
    """A counterpart whose accounts have numbers: GitHub, GitLab."""

    def account(self, key: str | int, **claims: Any) -> None:
        """Change fields of an account by its number; a number that is new becomes one."""
        self.control("PUT", f"users/{key}", claims)

    def setting(self, name: str, value: Any) -> None:
        """Change one of the settings that the program's own text names."""
        self.control("PUT", name, value)


def _run(
    stack: ExitStack, command: list[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> Child:
    child = Child(command, COUNTERPARTS, folder / "log", environment)
    stack.callback(child.stop)
    child.start()
    return child


def _address(child: Child) -> str:
    child.wait_until(lambda: READY.search(child.log) is not None)
    found = READY.search(child.log)
    assert found is not None
    return found[1]


@contextmanager
def oidc_provider(folder: Path, **environment: str) -> Iterator[Counterpart]:
    """npm `oidc-provider`, a certified OpenID provider. Anybody signs in, with any password; `sub` is the name.

    alice is in groups staff and hub-admins, bob in students; mallory claims alice's address, unverified.
    """
    with ExitStack() as stack:
        settings = {"PORT": str(free_port())} | environment
        child = _run(stack, ["node", "oidc_provider.mjs"], folder, settings)
        issuer = _address(child)
        yield Counterpart(
            child, issuer, {"type": "oidc", "issuer": issuer, "client_id": "hub", "client_secret": HUB_SECRET}
        )


@contextmanager
def django_provider(folder: Path, **environment: str) -> Iterator[Counterpart]:
    """django-oauth-toolkit, written by others again: issuer with a path, numbers as `sub`. alice (staff) and bob."""
    with ExitStack() as stack:
        child = _run(stack, [sys.executable, "django_provider.py", str(free_port()), folder], folder, environment)
        issuer = _address(child)
        options = {"type": "oidc", "issuer": issuer, "client_id": "hub", "client_secret": HUB_SECRET}
        yield Counterpart(child, issuer, options, {"alice": "alice-pw-123456", "bob": "bob-pw-123456"})


@contextmanager
def github(folder: Path) -> Iterator[Forge]:
    """GitHub's own OpenAPI document on prism, behind OAuth endpoints of ours. octocat 1, alice 1001, bob 1002."""
    with ExitStack() as stack:
        slim = folder / "slim.json"
        subprocess.run(
            [sys.executable, "github_slim.py", OPENAPI, slim], cwd=COUNTERPARTS, check=True, capture_output=True
        )
        port = free_port()
        (folder / "prism").mkdir()
        prism_command: list[str | Path] = [
            "node",
            "node_modules/.bin/prism",
            "mock",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            slim,
        ]
        prism = _run(stack, prism_command, folder / "prism")
        prism.wait_until(lambda: "Prism is listening" in prism.log)
        front = _run(stack, [sys.executable, "github.py", "0", f"http://127.0.0.1:{port}"], folder)
        url = _address(front)
        yield Forge(
            front, url, {"type": "github", "url": url, "client_id": "hub", "client_secret": "github-app-secret"}
        )


@contextmanager
def gitlab(folder: Path) -> Iterator[Forge]:
    """A stand-in for GitLab after its documentation: ann 41, ben 42, unconfirmed 43, blocked 44."""
    with ExitStack() as stack:
        child = _run(stack, [sys.executable, "gitlab.py", "0"], folder)
        url = _address(child)
        yield Forge(
            child, url, {"type": "gitlab", "url": url, "client_id": "hub", "client_secret": "gitlab-app-secret"}
        )
