"""The test kit for OpenID Connect provider types: as `contract`, with metadata, keys and ID tokens.

State `options["issuer"]`, or have it as a default; the addresses are announced by the metadata. `userinfo` holds the
claims; the ID token names the person, and what else of them `in_id_token` says.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ..errors import LoginRefused, ProviderError, ProviderUnavailable
from ..oauth2 import OIDCProvider
from ..types import Request
from .contract import ProviderContract
from .facts import Answers
from .faults import DOWN
from .marks import each, holds
from .source import FakeSource, Reply, answer_json

WRONG_CLAIMS: Final[Mapping[str, dict[str, Any]]] = {
    "another-sign-in": {"nonce": "of another sign-in"},
    "another-client": {"aud": "another client"},
    "another-issuer": {"iss": "https://elsewhere.test"},
    "too-old": {"exp": 1},
}


@functools.cache
def signing_key() -> RSAKey:
    """The key of the source, one for all tests: making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class OIDCProviderContract(ProviderContract):
    """What every OpenID Connect provider type owes."""

    wrong_claims: dict[str, Any]

    in_id_token: ClassVar[tuple[str, ...]] = ()
    """Further members of `userinfo` that the ID token has as well."""

    @property
    def issuer(self) -> str:
        return self.as_configured.issuer

    @property
    def as_configured(self) -> OIDCProvider:
        """The provider with the options, to be asked where its addresses are."""
        provider = self.provider_type("as_configured", **copy.deepcopy(dict(self.options)))
        assert isinstance(provider, OIDCProvider)
        return provider

    @property
    def metadata_url(self) -> str:
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    def state_answers(self, source: FakeSource, answers: Answers) -> None:
        super().state_answers(source, answers)
        self.wrong_claims = {}
        jwks_url = f"{self.issuer.rstrip('/')}/keys"
        metadata = {
            "issuer": self.as_configured.named_issuer,
            "authorization_endpoint": self.authorize_url,
            "token_endpoint": self.token_url,
            "userinfo_endpoint": self.userinfo_url,
            "jwks_uri": jwks_url,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        if self.revocation is not None:
            metadata["revocation_endpoint"] = self.revocation[1]
        source.on("GET", self.metadata_url, answer_json(metadata), optional=True)
        source.on("GET", jwks_url, answer_json({"keys": [signing_key().as_dict(private=False)]}), optional=True)

    def token_answer(self, request: httpx.Request) -> Reply:
        asked = self.asked_with(request)
        now = int(time.time())
        said = self.stated[self.userinfo_url]
        claims = {
            **{name: said[name] for name in self.in_id_token if name in said},
            "iss": self.as_configured.issuer_of(said),
            "sub": said.get("sub", self.identity.subject),
            "aud": asked["client_id"][0],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"][0],
            **self.wrong_claims,
        }
        id_token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, signing_key())
        self.canaries.append(id_token)
        return answer_json({"scope": " ".join(asked["scope"]), **self.token, "id_token": id_token})

    @pytest.mark.asyncio
    @holds("C02", "C04", "C15", "X01", "B3")
    @each("wrong", WRONG_CLAIMS)
    async def test_a_wrong_id_token(self, source: FakeSource, provider: OIDCProvider, wrong: str) -> None:
        source.excuse()
        self.wrong_claims = WRONG_CLAIMS[wrong]
        with self.refused(LoginRefused, ProviderError):
            await self.sign_in(provider)

    @pytest.mark.asyncio
    @holds("F01", "F02")
    @each("fault", DOWN)
    async def test_metadata_down(self, source: FakeSource, provider: OIDCProvider, fault: str) -> None:
        source.excuse()
        source.on("GET", self.metadata_url, DOWN[fault]())
        transaction = self.new_transaction(provider)
        with self.refused(ProviderUnavailable):
            await provider.begin_login(Request(), transaction)
