"""The type `oidc`: any OpenID Connect source, described by its issuer."""

from __future__ import annotations

from ..hookspecs import hookimpl
from ..oauth2.oidc import OIDCProvider


class GenericOIDCProvider(OIDCProvider):
    """Any OpenID Connect source: an issuer, a client id and its secret are enough."""

    common_variables = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")


@hookimpl
def hubauth_provider_type() -> type[GenericOIDCProvider]:
    """The class behind the type."""
    return GenericOIDCProvider
