"""Accounts of the hub's own: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import NativeProvider

__all__ = ["NativeProvider"]


@hookimpl
def hubauth_provider_type() -> type[NativeProvider]:
    """The class behind the type `native`."""
    return NativeProvider
