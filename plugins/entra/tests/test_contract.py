"""Entra ID keeps the contract, one directory and several. The claims have the shape that Microsoft documents."""

from hubauth_core import Identity
from hubauth_core.testing.openid import OIDCProviderContract
from hubauth_entra import EntraProvider

TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
LOGIN = "https://login.microsoftonline.com"

# https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
ADA = {
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "tid": TENANT,
    "oid": "00000000-0000-0000-66f3-3332eca7ea81",
    "name": "Ada Lovelace",
    "preferred_username": "ada@contoso.test",
    "email": "ada@contoso.test",
    "xms_edov": True,
    "groups": ["bbbbcccc-1111-dddd-2222-eeee3333ffff"],
    "roles": ["Hub.Admin"],
}


class TestEntra(OIDCProviderContract):
    provider_type = EntraProvider
    options = {
        "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "client_secret": "canary-entra-secret",
        "tenant": TENANT,
        "userinfo": "always",
    }
    authorize_url = f"{LOGIN}/{TENANT}/oauth2/v2.0/authorize"
    token_url = f"{LOGIN}/{TENANT}/oauth2/v2.0/token"
    userinfo_url = "https://graph.microsoft.com/oidc/userinfo"
    userinfo = ADA
    unverified = {name: value for name, value in ADA.items() if name != "xms_edov"}
    in_id_token = tuple(ADA)
    subject_value = "00000000-0000-0000-66f3-3332eca7ea81"
    identity = Identity(
        subject=f"{TENANT}:00000000-0000-0000-66f3-3332eca7ea81",
        username="ada@contoso.test",
        name="Ada Lovelace",
        email="ada@contoso.test",
        email_verified=True,
        groups=frozenset({"bbbbcccc-1111-dddd-2222-eeee3333ffff"}),
        roles=frozenset({"Hub.Admin"}),
    )
