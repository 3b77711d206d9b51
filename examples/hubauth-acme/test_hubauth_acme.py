"""Acme keeps the contract."""

from hubauth_acme import AcmeProvider

from hubauth_core import Identity
from hubauth_core.testing.contract import ProviderContract

ANN = {"id": 7, "nick": "ann", "email": "ann@acme.example", "email_confirmed": True}


class TestAcme(ProviderContract):
    provider_type = AcmeProvider
    options = {"client_id": "hub", "client_secret": "canary-acme-secret"}
    authorize_url = "https://acme.example/oauth/authorize"
    token_url = "https://acme.example/oauth/token"
    userinfo_url = "https://acme.example/api/me"
    userinfo = ANN
    unverified = {**ANN, "email_confirmed": False}
    identity = Identity(subject="7", username="ann", email="ann@acme.example", email_verified=True)
