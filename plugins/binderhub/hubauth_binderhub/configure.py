"""What BinderHub must be told, in one call from its configuration."""

from __future__ import annotations

from typing import Any, Final

import binderhub.app
from binderhub.repoproviders import GitHubRepoProvider, GitLabRepoProvider, GitRepoProvider
from traitlets import import_item

from .builds import with_one_host
from .handler import VisitorsBuildHandler
from .providers import GitHubProvider, GitLabProvider, GitProvider

OURS: Final = {
    GitHubRepoProvider: GitHubProvider,
    GitLabRepoProvider: GitLabProvider,
    GitRepoProvider: GitProvider,
}


def configure(c: Any) -> None:
    """Put our providers, build class and build handler in the place of BinderHub's. Call it last.

    Providers of another class stay as they are, with what the configuration gives them.
    """
    settings = c.BinderHub
    traits = binderhub.app.BinderHub.class_traits()
    providers = settings.get("repo_providers") or traits["repo_providers"].default()
    settings.repo_providers = {prefix: OURS.get(provider, provider) for prefix, provider in providers.items()}
    build_class = settings.get("build_class") or traits["build_class"].default()
    settings.build_class = with_one_host(import_item(build_class) if isinstance(build_class, str) else build_class)
    binderhub.app.BuildHandler = VisitorsBuildHandler  # there is no setting for handlers
