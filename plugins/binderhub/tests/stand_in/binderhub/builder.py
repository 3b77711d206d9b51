"""binderhub/builder.py and base.py: from an address to a running server, as a stream of events."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import escapism
from jupyterhub.services.auth import HubOAuth, HubOAuthenticated
from prometheus_client import Counter
from tornado.queues import Queue
from tornado.web import RequestHandler, authenticated

from .build import ProgressEvent

LAUNCH_COUNT = Counter("binderhub_launch_count", "Launches by repo", ["status", "provider", "repo"])


def _safe_build_slug(build_slug: str, limit: int, hash_length: int = 6) -> str:
    digest = hashlib.sha256(build_slug.encode()).hexdigest()[:hash_length]
    escaped = escapism.escape(build_slug, escape_char="-")[: limit - hash_length - 1]
    return f"{escaped}-{digest}".lower()


def _generate_build_name(build_slug: str, ref: str, prefix: str = "", limit: int = 63, ref_length: int = 6) -> str:
    slug = _safe_build_slug(build_slug, limit=limit - len(prefix) - ref_length - 1)
    return f"{prefix}{slug}-{_safe_build_slug(ref, limit=ref_length, hash_length=2)[:ref_length]}".lower()


class BuildHandler(HubOAuthenticated, RequestHandler):
    def initialize(self) -> None:
        super().initialize()
        if self.settings["auth_enabled"]:
            self.hub_auth = HubOAuth.instance(config=self.settings["traitlets_config"])

    def get_current_user(self) -> Any:
        return super().get_current_user() if self.settings["auth_enabled"] else "anonymous"

    def redirect(self, *args: Any, **kwargs: Any) -> None:
        self.send_error(403)

    def send_error(self, status_code: int, **kwargs: Any) -> None:
        try:
            error = kwargs["exc_info"][1]
            message = error.log_message % error.args
        except Exception:
            message = "Unknown HTTP Error"
        event = {"phase": "failed", "status_code": status_code, "message": f"{message}\n"}
        self.write(f"data: {json.dumps(event)}\n\n")
        self.finish()

    async def emit(self, data: Any) -> None:
        self.write(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")
        await self.flush()

    async def fail(self, message: str) -> None:
        await self.emit({"phase": "failed", "message": f"{message}\n"})

    def get_provider(self, provider_prefix: str, spec: str) -> Any:
        provider = self.settings["repo_providers"][provider_prefix]
        return provider(config=self.settings["traitlets_config"], spec=spec)

    @authenticated
    async def get(self, provider_prefix: str, _unescaped_spec: str) -> None:
        spec = self.request.path.partition(f"/build/{provider_prefix}/")[2].rstrip("/")
        key = f"{provider_prefix}:{spec}"
        try:
            provider = self.get_provider(provider_prefix, spec=spec)
        except Exception as e:
            await self.fail(str(e))
            return
        repo_url = self.repo_url = provider.get_repo_url()
        self.repo_metric_labels = {"provider": provider.name, "repo": repo_url}
        try:
            ref = await provider.get_resolved_ref()
        except Exception as e:
            await self.fail(f"Error resolving ref for {key}: {e}")
            return
        if ref is None:
            await self.fail(f"Could not resolve ref for {key}. Double check your URL and that your repo is public.")
            return
        await provider.get_resolved_ref_url()
        await provider.get_resolved_spec()
        prefix = self.settings["image_prefix"]
        slug = _safe_build_slug(provider.get_build_slug(), limit=255 - len(prefix))
        build_name = _generate_build_name(provider.get_build_slug(), ref, prefix="build-")
        self.image_name = f"{prefix}{slug}:{ref}".replace("_", "-").lower()
        image, _, tag = self.image_name.partition("/")[2].rpartition(":")
        if await self.settings["registry"].get_image_manifest(image, tag):
            await self.emit({"phase": "built", "imageName": self.image_name, "message": "Found built image\n"})
            await self.launch(provider)
        elif await self._build(provider, build_name, ref):
            await self.launch(provider)

    async def _build(self, provider: Any, name: str, ref: str) -> bool:
        q: Queue[ProgressEvent] = Queue()
        build = self.settings["build_class"](
            parent=self.settings["traitlets_parent"],
            q=q,
            name=name,
            repo_url=self.repo_url,
            ref=ref,
            image_name=self.image_name,
            git_credentials=provider.git_credentials,
        )
        self.settings["build_pool"].submit(build.submit)
        await self.emit({"phase": "waiting", "message": "Waiting for build to start...\n"})
        while True:
            progress = await q.get()
            if progress.kind == ProgressEvent.Kind.LOG_MESSAGE:
                await self.emit(progress.payload)
            else:
                await self.emit({"phase": progress.payload.value, "imageName": self.image_name, "message": "\n"})
                return bool(progress.payload == ProgressEvent.BuildStatus.BUILT)

    async def launch(self, provider: Any) -> None:
        username = self.hub_auth.get_user(self)["name"] if self.settings["auth_enabled"] else "guest"
        info = await self.settings["launcher"].launch(image=self.image_name, username=username, repo_url=self.repo_url)
        LAUNCH_COUNT.labels(status="success", **self.repo_metric_labels).inc()
        await self.emit({"phase": "ready", "message": f"server running at {info['url']}\n"} | info)
