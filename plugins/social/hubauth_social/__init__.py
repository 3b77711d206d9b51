"""Any backend of python-social-auth as a source of sign-ins: a provider type for hubauth."""

from hubauth_core import hookimpl

from .provider import SocialProvider

__all__ = ["SocialProvider"]


@hookimpl
def hubauth_provider_type() -> type[SocialProvider]:
    """The class behind the type `social`."""
    return SocialProvider
