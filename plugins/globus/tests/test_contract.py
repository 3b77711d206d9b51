"""Globus keeps the contract. The claims have the shape that Globus documents."""

from hubauth_core import Identity
from hubauth_core.testing.openid import OIDCProviderContract
from hubauth_globus import GlobusProvider

# https://docs.globus.org/api/auth/reference/#get_or_post_v2oauth2userinfo_resource
ADA = {
    "sub": "ae341a98-d274-11e5-b888-dbae3a8ba545",
    "preferred_username": "ada@uni.test",
    "name": "Ada Lovelace",
    "email": "ada.lovelace@uni.test",
    "organization": "University of Test",
    "identity_provider": "7daddf46-70c5-45ee-9f0f-7244fe7c8707",
    "identity_provider_display_name": "University of Test",
    "last_authentication": 1761924000,
}


class TestGlobus(OIDCProviderContract):
    provider_type = GlobusProvider
    options = {"client_id": "hub", "client_secret": "canary-globus-secret"}
    authorize_url = "https://auth.globus.org/v2/oauth2/authorize"
    token_url = "https://auth.globus.org/v2/oauth2/token"
    userinfo_url = "https://auth.globus.org/v2/oauth2/userinfo"
    revocation = ("POST", "https://auth.globus.org/v2/oauth2/token/revoke", 200)
    userinfo = ADA
    unverified = None
    identity = Identity(
        subject="ae341a98-d274-11e5-b888-dbae3a8ba545",
        username="ada@uni.test",
        name="Ada Lovelace",
        email="ada.lovelace@uni.test",
    )
