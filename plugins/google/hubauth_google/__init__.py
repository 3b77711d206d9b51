"""Sign in to JupyterHub with Google: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import GoogleProvider

__all__ = ["GoogleProvider"]


@hookimpl
def hubauth_provider_type() -> type[GoogleProvider]:
    """The class behind the type `google`."""
    return GoogleProvider
