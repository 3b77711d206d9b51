"""binderhub/app.py: an application that looks its build handler up by name, and has no setting for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client import REGISTRY, generate_latest
from tornado.web import Application as WebApplication
from tornado.web import RequestHandler
from traitlets import Bool, Dict, Type, Unicode
from traitlets.config import Application

from .build import BuildExecutor, KubernetesBuildExecutor
from .builder import BuildHandler
from .quota import LaunchQuota
from .repoproviders import GistRepoProvider, GitHubRepoProvider, GitLabRepoProvider, GitRepoProvider


class MetricsHandler(RequestHandler):
    def get(self) -> None:
        self.write(generate_latest(REGISTRY))


class BinderHub(Application):
    auth_enabled = Bool(False, config=True)
    builder_required = Bool(True, config=True)
    hub_api_token = Unicode(config=True)
    hub_url = Unicode(config=True)
    image_prefix = Unicode("", config=True)
    build_class = Type(KubernetesBuildExecutor, klass=BuildExecutor, config=True)
    launch_quota_class = Type(LaunchQuota, config=True)
    repo_providers = Dict(
        {"gh": GitHubRepoProvider, "gist": GistRepoProvider, "git": GitRepoProvider, "gl": GitLabRepoProvider},
        config=True,
    )

    def initialize(self, argv: list[str]) -> None:
        self.build_pool = ThreadPoolExecutor(4)
        settings: dict[str, Any] = {
            "auth_enabled": self.auth_enabled,
            "build_class": self.build_class,
            "build_pool": self.build_pool,
            "cookie_secret": b"x" * 32,
            "image_prefix": self.image_prefix,
            "repo_providers": self.repo_providers,
            "traitlets_config": self.config,
            "traitlets_parent": self,
        }
        handlers = [(r"/build/([^/]+)/(.+)", BuildHandler), (r"/metrics", MetricsHandler)]
        self.tornado_app = WebApplication(handlers, **settings)
