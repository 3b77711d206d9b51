"""Sign in to JupyterHub with CILogon: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import CILogonProvider

__all__ = ["CILogonProvider"]


@hookimpl
def hubauth_provider_type() -> type[CILogonProvider]:
    """The class behind the type `cilogon`."""
    return CILogonProvider
