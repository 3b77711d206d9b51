"""CILogon keeps the contract. The claims have the shape that CILogon documents."""

from hubauth_cilogon import CILogonProvider
from hubauth_core import Identity
from hubauth_core.testing.openid import OIDCProviderContract

# https://www.cilogon.org/oidc
ADA = {
    "sub": "http://cilogon.org/serverE/users/12345",
    "idp": "https://idp.uni.test/shibboleth",
    "idp_name": "University of Test",
    "eppn": "alovelace@uni.test",
    "eptid": "https://idp.uni.test/shibboleth!https://cilogon.org/shibboleth!aa62",
    "name": "Ada Lovelace",
    "email": "ada@uni.test",
    "affiliation": "staff@uni.test;member@uni.test",
}


class TestCILogon(OIDCProviderContract):
    provider_type = CILogonProvider
    options = {
        "client_id": "cilogon:/client_id/1",
        "client_secret": "canary-cilogon-secret",
        "idps": {"https://idp.uni.test/shibboleth": {"username_claim": "eppn", "allow_all": True}},
    }
    authorize_url = "https://cilogon.org/authorize"
    token_url = "https://cilogon.org/oauth2/token"
    userinfo_url = "https://cilogon.org/oauth2/userinfo"
    revocation = ("POST", "https://cilogon.org/oauth2/revoke", 200)
    userinfo = ADA
    unverified = None
    identity = Identity(
        subject="http://cilogon.org/serverE/users/12345",
        username="alovelace@uni.test",
        name="Ada Lovelace",
        email="ada@uni.test",
    )
