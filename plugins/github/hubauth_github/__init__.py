"""Sign in to JupyterHub with GitHub: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import GitHubProvider

__all__ = ["GitHubProvider"]


@hookimpl
def hubauth_provider_type() -> type[GitHubProvider]:
    """The class behind the type `github`."""
    return GitHubProvider
