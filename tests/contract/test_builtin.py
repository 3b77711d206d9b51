"""The provider types that come with the core keep the contract."""

from hubauth_core import Identity
from hubauth_core.builtin.oauth2 import GenericOAuth2Provider
from hubauth_core.builtin.oidc import GenericOIDCProvider
from hubauth_core.testing.contract import ProviderContract
from hubauth_core.testing.openid import OIDCProviderContract

CLAIMS = {
    "sub": "248289761001",
    "preferred_username": "jdoe",
    "name": "Jane Doe",
    "email": "jdoe@idp.test",
    "email_verified": True,
    "picture": "https://idp.test/jane.png",
}
IDENTITY = Identity(
    subject="248289761001",
    username="jdoe",
    name="Jane Doe",
    email="jdoe@idp.test",
    email_verified=True,
    avatar="https://idp.test/jane.png",
)


class TestOAuth2(ProviderContract):
    provider_type = GenericOAuth2Provider
    options = {
        "client_id": "hub",
        "client_secret": "canary-oauth2-secret",
        "authorize_url": "https://idp.test/authorize",
        "token_url": "https://idp.test/token",
        "userinfo_url": "https://idp.test/userinfo",
        "revocation_url": "https://idp.test/revoke",
        "username_claim": "preferred_username",
        "scope": ["profile"],
    }
    revocation = ("POST", "https://idp.test/revoke", 200)
    authorize_url = "https://idp.test/authorize"
    token_url = "https://idp.test/token"
    userinfo_url = "https://idp.test/userinfo"
    userinfo = CLAIMS
    unverified = {**CLAIMS, "email_verified": False}
    identity = IDENTITY


class TestOAuth2WithTextForTruth(TestOAuth2):
    """An address is verified by the truth value alone, not by a text that says so."""

    unverified = {**CLAIMS, "email_verified": "true"}


class TestOIDC(OIDCProviderContract):
    revocation = ("POST", "https://idp.test/revoke", 200)
    provider_type = GenericOIDCProvider
    options = {
        "issuer": "https://idp.test/realms/uni",
        "client_id": "hub",
        "client_secret": "canary-oidc-secret",
    }
    authorize_url = "https://idp.test/authorize"
    token_url = "https://idp.test/token"
    userinfo_url = "https://idp.test/userinfo"
    userinfo = CLAIMS
    unverified = {**CLAIMS, "email_verified": False}
    identity = IDENTITY
