"""Sign in to JupyterHub with Bitbucket: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import BitbucketProvider

__all__ = ["BitbucketProvider"]


@hookimpl
def hubauth_provider_type() -> type[BitbucketProvider]:
    """The class behind the type `bitbucket`."""
    return BitbucketProvider
