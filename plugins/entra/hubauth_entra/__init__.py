"""Sign in to JupyterHub with Microsoft Entra ID: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import EntraProvider

__all__ = ["EntraProvider"]


@hookimpl
def hubauth_provider_type() -> type[EntraProvider]:
    """The class behind the type `entra`."""
    return EntraProvider
