"""The hub as a client of an authorization server: how it proves itself, and what it asks there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..types import Secret
from . import answers, rfc6749, rfc7523
from .http import Api, Fields, Response

NO_SECRET: Final = Secret("")
WITH_SECRET: Final = frozenset({"basic", "post", "client_secret_jwt"})


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client of some name, with one way to prove itself in every request (row C19).

    `method` is a value of the option `client_authentication`.
    """

    id: str
    method: str
    secret: Secret = NO_SECRET
    private_key: rfc7523.PrivateKey | None = None
    key_id: str = ""

    def proof(self, audience: str) -> tuple[dict[str, str], dict[str, str]]:
        """Fields of a form and headers that prove it to the server of that name."""
        match self.method:
            case "basic":
                return {}, {"Authorization": rfc6749.basic(self.id, self.secret)}
            case "post":
                return {"client_id": self.id, "client_secret": self.secret.reveal()}, {}
            case "client_secret_jwt":
                return rfc7523.by_secret(self.id, self.secret, audience), {}
            case "private_key_jwt" if self.private_key is not None:
                return rfc7523.by_private_key(self.id, self.private_key, self.key_id, audience), {}
            case _:
                return {"client_id": self.id}, {}


@dataclass(frozen=True, kw_only=True)
class Server:
    """An authorization server as one client asks it. `issuer` and `revocation_url` are "" where it has none."""

    api: Api
    client: Client
    rules: answers.TokenRules
    token_url: str
    revocation_url: str = ""
    issuer: str = ""

    async def tokens(self, fields: Fields) -> answers.Members:
        """What the token endpoint issues, asked for once. Raises answers.TokenRefused, ProviderError."""
        return answers.members(await self.post(self.token_url, fields), self.rules)

    async def post(self, url: str, fields: Fields) -> Response:
        """Send a form to one of its endpoints, as its client. Raises ProviderError."""
        proof, headers = self.client.proof(self.issuer or self.token_url)
        return await self.api.post_form(url, {**fields, **proof}, headers=headers)
