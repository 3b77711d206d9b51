"""Builds whose git hands the credential to the repository's host only.

BinderHub passes it in GIT_CREDENTIAL_ENV, and the helper in repo2docker's image tells it to any host that asks: one
submodule, redirect or LFS address is enough. The settings that prevent it go in front of the command, because every
build class makes its command here; they hold no secret.
"""

from __future__ import annotations

from typing import Any

from binderhub.build import BuildExecutor

from . import git


class OneHost(BuildExecutor):  # type: ignore[misc]  # BinderHub is untyped
    """Mixed into a build class of BinderHub."""

    def get_cmd(self) -> list[str]:
        """BinderHub's command, run with settings for git."""
        command: list[str] = super().get_cmd()
        if not self.git_credentials:
            return command
        settings = git.only_for(git.origin(self.repo_url))
        return ["env", *(f"{name}={value}" for name, value in settings.items()), *command]


def with_one_host(build_class: type[Any]) -> type[Any]:
    """That class with `OneHost`. Its settings in BinderHub's configuration keep their names."""
    if issubclass(build_class, OneHost):
        return build_class
    return type(f"OneHost{build_class.__name__}", (OneHost, build_class), {})
