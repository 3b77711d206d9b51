"""binderhub/build_local.py: a build as a child process, with our environment and the credentials in it."""

import os
import subprocess

from .build import BuildExecutor, ProgressEvent


class LocalRepo2dockerBuild(BuildExecutor):
    def submit(self) -> None:
        env = os.environ.copy()
        if self.git_credentials:
            env["GIT_CREDENTIAL_ENV"] = self.git_credentials
        done = subprocess.run(self.get_cmd(), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in done.stdout.splitlines():
            self.progress(ProgressEvent.Kind.LOG_MESSAGE, line)
        status = ProgressEvent.BuildStatus.FAILED if done.returncode else ProgressEvent.BuildStatus.BUILT
        self.progress(ProgressEvent.Kind.BUILD_STATUS_CHANGE, status)
