"""A BinderHub whose builds only clone, and whose registry is a folder.

BinderHub's application, handler, providers and local build are its own; what they reach outside is made here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import binderhub.app
import httpx
from binderhub.build_local import LocalRepo2dockerBuild
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets import Unicode
from traitlets.config import Config

from hubauth_binderhub.configure import configure

from .stub_hub import SERVICE_TOKEN

CLONE_ONLY = Path(__file__).with_name("clone_only.py")
PREFIX = "registry.test/binder-"


class CloneOnly(LocalRepo2dockerBuild):
    """A build whose image is the folder of the clone."""

    images = Unicode(config=True)

    def get_cmd(self) -> list[str]:
        """The command that stands for `jupyter-repo2docker`."""
        return [sys.executable, str(CLONE_ONLY), str(folder_of(self.images, self.image_name)), self.ref, self.repo_url]


def folder_of(images: str, image: str) -> Path:
    """Where an image is, if it was built."""
    return Path(images) / image.removeprefix("registry.test/").replace(":", "@")


@dataclass
class Registry:
    """Knows an image when it was built."""

    images: str

    async def get_image_manifest(self, image: str, tag: str) -> bool:
        """Whether it is there."""
        return (folder_of(self.images, f"{image}:{tag}") / "README.md").exists()

    async def get_credentials(self, image: str, tag: str) -> None:
        """None is needed."""


@dataclass
class Launcher:
    """Starts nothing, and remembers what it should have started."""

    retries: int = 1
    retry_delay: int = 0
    allow_named_servers: bool = False
    started: list[tuple[str, str]] = field(default_factory=list)
    """User and image."""

    def unique_name_from_repo(self, repo_url: str) -> str:
        """Of a user for one launch, where nobody signs in."""
        return f"guest-{len(self.started)}"

    async def launch(self, *, image: str, username: str, **_: Any) -> dict[str, str]:
        """As BinderHub's: what the last event tells."""
        self.started.append((username, image))
        return {"url": f"https://hub.test/user/{username}/", "image": image}


@dataclass
class Outcome:
    """What the build page was told."""

    events: list[dict[str, Any]]

    @property
    def phase(self) -> str:
        """Of the last event: `ready` or `failed`."""
        return str(self.events[-1]["phase"])

    @property
    def message(self) -> str:
        """Of the last event."""
        return str(self.events[-1]["message"])

    @property
    def text(self) -> str:
        """All that was told."""
        return json.dumps(self.events)

    @property
    def built(self) -> bool:
        """Whether there was a build, not an image that was found."""
        return any(event["phase"] == "waiting" for event in self.events)

    @property
    def image(self) -> str:
        """The name of the image that started."""
        assert self.phase == "ready", self.events
        return str(self.events[-1]["image"])


class Visitor(Protocol):
    """Somebody of whom BinderHub has an OAuth token."""

    @property
    def token(self) -> str: ...


@dataclass
class Binder:
    """A BinderHub that listens."""

    url: str
    app: Any
    launcher: Launcher
    images: Path

    async def launch(self, person: Visitor | None, spec: str) -> Outcome:
        """Open the build page's event stream for `gh/...`, `gl/...` or `git/...`, until it is ready or has failed."""
        headers = {"Accept": "text/event-stream"}
        if person is not None:
            headers["Authorization"] = f"token {person.token}"
        events = []
        async with (
            httpx.AsyncClient(trust_env=False, timeout=120) as client,
            client.stream("GET", f"{self.url}/build/{spec}", headers=headers) as stream,
        ):
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
                if events and events[-1]["phase"] in {"ready", "failed"}:
                    break  # after a build, BinderHub keeps the stream open for a minute
        return Outcome(events)

    async def metrics(self) -> str:
        """What /metrics tells everybody."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.url}/metrics")).text


@asynccontextmanager
async def binder(hub_url: str, folder: Path, **settings: Any) -> AsyncIterator[Binder]:
    """A running one; `settings` are sections of its configuration."""
    images = folder / "images"
    images.mkdir()
    c = Config(
        BinderHub={
            "auth_enabled": True,
            "build_class": CloneOnly,
            "builder_required": False,
            "hub_api_token": SERVICE_TOKEN,
            "hub_url": f"{hub_url}/",
            "image_prefix": PREFIX,
            "launch_quota_class": "binderhub.quota.LaunchQuota",
        },
        CloneOnly={"images": str(images)},
        HubOAuth={
            "api_token": SERVICE_TOKEN,
            "api_url": f"{hub_url}/hub/api",
            "access_scopes": {"access:services!service=binder"},
            "hub_host": "https://hub.test",
            "oauth_client_id": "service-binder",
        },
    )
    c.merge(Config(settings))
    configure(c)
    app = binderhub.app.BinderHub(config=c)
    app.initialize([])
    launcher = Launcher()
    app.tornado_app.settings.update(launcher=launcher, registry=Registry(str(images)))
    listening, port = bind_unused_port()
    server = HTTPServer(app.tornado_app)
    server.add_socket(listening)
    try:
        yield Binder(f"http://127.0.0.1:{port}", app, launcher, images)
    finally:
        server.stop()
        await server.close_all_connections()
        app.build_pool.shutdown(wait=False)
