"""Sign in to JupyterHub with GitLab: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import GitLabProvider

__all__ = ["GitLabProvider"]


@hookimpl
def hubauth_provider_type() -> type[GitLabProvider]:
    """The class behind the type `gitlab`."""
    return GitLabProvider
