"""Sign in to JupyterHub with Acme."""

from hubauth_core import Identity, hookimpl
from hubauth_core.oauth2 import OAuth2Provider, subject, text


class AcmeProvider(OAuth2Provider):
    title = "Acme"
    default_authorize_url = "https://acme.example/oauth/authorize"
    default_token_url = "https://acme.example/oauth/token"
    default_userinfo_url = "https://acme.example/api/me"
    default_scope = ("profile",)

    def parse_identity(self, claims):
        return Identity(
            subject=subject(claims["id"]),
            username=text(claims["nick"]),
            email=claims.get("email"),
            email_verified=claims.get("email_confirmed") is True,
            claims=claims,
        )


@hookimpl
def hubauth_provider_type():
    return AcmeProvider
