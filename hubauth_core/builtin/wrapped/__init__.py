"""The provider type `authenticator`: any existing JupyterHub authenticator as one provider among others."""

from __future__ import annotations

from ...hookspecs import hookimpl
from .handlers import Flow, Host
from .provider import WrappedAuthenticator

__all__ = ["Flow", "Host", "WrappedAuthenticator", "hubauth_provider_type"]


@hookimpl
def hubauth_provider_type() -> type[WrappedAuthenticator]:
    return WrappedAuthenticator
