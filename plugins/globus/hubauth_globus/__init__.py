"""Sign in to JupyterHub with Globus: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import GlobusProvider

__all__ = ["GlobusProvider"]


@hookimpl
def hubauth_provider_type() -> type[GlobusProvider]:
    """The class behind the type `globus`."""
    return GlobusProvider
