"""The type `oauth2`: any OAuth 2.0 source, described by configuration alone."""

from __future__ import annotations

from ..hookspecs import hookimpl
from ..oauth2.provider import OAuth2Provider


class GenericOAuth2Provider(OAuth2Provider):
    """Any OAuth 2.0 source that answers at a userinfo address. Everything is an option."""

    required_options = ("client_id", "client_secret", "authorize_url", "token_url", "userinfo_url")
    common_variables = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")


@hookimpl
def hubauth_provider_type() -> type[GenericOAuth2Provider]:
    """The class behind the type."""
    return GenericOAuth2Provider
