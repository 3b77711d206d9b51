"""Google keeps the contract. The answers have the shape that Google documents."""

from hubauth_core import Identity
from hubauth_core.testing.openid import OIDCProviderContract
from hubauth_google import GoogleProvider

# https://developers.google.com/identity/openid-connect/openid-connect#obtainuserinfo
ADA = {
    "sub": "110169484474386276334",
    "name": "Ada Lovelace",
    "given_name": "ada",
    "picture": "https://lh3.googleusercontent.com/a-/photo.jpg",
    "email": "ada@uni.test",
    "email_verified": True,
    "hd": "uni.test",
}


class TestGoogle(OIDCProviderContract):
    provider_type = GoogleProvider
    options = {"client_id": "hub", "client_secret": "canary-google-secret", "username_claim": "given_name"}
    authorize_url = "https://accounts.google.com/o/oauth2/v2/auth"
    token_url = "https://oauth2.googleapis.com/token"
    userinfo_url = "https://openidconnect.googleapis.com/v1/userinfo"
    revocation = ("POST", "https://oauth2.googleapis.com/revoke", 200)
    userinfo = ADA
    unverified = {**ADA, "email_verified": False}
    in_id_token = ("hd",)
    identity = Identity(
        subject="110169484474386276334",
        username="ada",
        name="Ada Lovelace",
        email="ada@uni.test",
        email_verified=True,
        avatar="https://lh3.googleusercontent.com/a-/photo.jpg",
    )
