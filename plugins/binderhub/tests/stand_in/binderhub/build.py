"""binderhub/build.py: what a build is told."""

from __future__ import annotations

from enum import Enum
from typing import Any

from tornado.ioloop import IOLoop
from traitlets import Any as AnyTrait
from traitlets import Unicode
from traitlets.config import LoggingConfigurable


class ProgressEvent:
    class Kind(Enum):
        BUILD_STATUS_CHANGE = 1
        LOG_MESSAGE = 2

    class BuildStatus(Enum):
        RUNNING = "running"
        BUILT = "built"
        FAILED = "failed"

    def __init__(self, kind: Kind, payload: Any) -> None:
        self.kind = kind
        self.payload = payload


class BuildExecutor(LoggingConfigurable):
    q = AnyTrait()
    name = Unicode()
    repo_url = Unicode()
    ref = Unicode()
    image_name = Unicode()
    git_credentials = Unicode("", config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.main_loop = IOLoop.current()

    def get_cmd(self) -> list[str]:
        return ["jupyter-repo2docker", f"--ref={self.ref}", f"--image={self.image_name}", self.repo_url]

    def progress(self, kind: ProgressEvent.Kind, payload: Any) -> None:
        self.main_loop.add_callback(self.q.put, ProgressEvent(kind, payload))


class KubernetesBuildExecutor(BuildExecutor):
    build_image = Unicode(config=True)
