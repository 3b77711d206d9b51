"""The client side of OAuth 2.0 and OpenID Connect: what the author of such a provider imports."""

from ..claims import Claims, VerifiedClaims, claim
from .at_once import together
from .client import Client
from .http import Answer, Api
from .identity import subject, text
from .memberships import Membership, membership
from .oidc import OIDCProvider
from .paging import listed
from .provider import OAuth2Provider
from .rfc6749 import basic
from .selfhosted import SelfHostedProvider
from .token_client import Endpoints

__all__ = [
    "Answer",
    "Api",
    "Claims",
    "Client",
    "Endpoints",
    "Membership",
    "OAuth2Provider",
    "OIDCProvider",
    "SelfHostedProvider",
    "VerifiedClaims",
    "basic",
    "claim",
    "listed",
    "membership",
    "subject",
    "text",
    "together",
]
