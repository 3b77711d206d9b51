"""What becomes of a source's tokens after the sign-in: they are renewed, exchanged, and taken back.

Nothing here keeps a token; the core does, and asks one at a time for each credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..errors import ConfigError, CredentialError, ProviderError, ProviderUnavailable
from ..options import read_secret
from ..types import Credential, Fresh, ReauthRequired, RefreshedCredential, Rotated, Secret, Unavailable
from . import answers, keycloak, rfc6749, rfc7009, rfc8693
from .client import NO_SECRET, Client, Server
from .configured import ConfiguredClient
from .http import Api
from .rfc8693 import Exchange


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where one authorization server is, and who it says it is ("" where it has no name)."""

    authorize: str
    token: str
    userinfo: str = ""
    revocation: str = ""
    issuer: str = ""
    sends_issuer: bool = False


class TokenClient(ConfiguredClient):
    """Renews a credential, exchanges it for others, and has it taken back."""

    form_encoded_tokens = False
    """Whether the token endpoint may answer form-encoded in place of JSON (row F06)."""

    scope_separator = " "
    """What parts the scopes in an answer of the token endpoint."""

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        self._elsewhere = {key: self._another(each) for key, each in self.exchanges.items() if each.token_url}

    async def endpoints(self) -> Endpoints:
        """Where the source is. Raises ProviderError."""
        return Endpoints(
            authorize=self.authorize_url,
            token=self.token_url,
            userinfo=self.userinfo_url,
            revocation=self.revocation_url,
        )

    # Renewal.

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        """Renew a credential with its refresh token, which is sent once. RFC 6749, section 6 (rows R12, F11).

        Raises ProviderError where the source does not accept this hub as its client, or answers rubbish: the grant may
        well be good.
        """
        if credential.refresh_token is None:
            good = credential.expires_at is None or self.now() < credential.expires_at
            return Fresh() if good else ReauthRequired("expired")
        if not self.issues(credential.resource):
            return ReauthRequired("expired")  # nobody knows any more where it came from
        try:
            async with self._api(credential.resource).patience():
                renewed = await self._renewed(credential, credential.refresh_token)
        except CredentialError as error:
            return ReauthRequired(error.code)
        except ProviderUnavailable as error:
            return Unavailable(error.retry_after)
        return await self._accepted(credential, renewed)

    def issues(self, resource: str) -> bool:
        """Whether credentials for a resource come from the source's token endpoint: those that an exchange brings do,
        and an author names those that come along with a sign-in."""
        return not resource or resource in self.exchanges

    def credential(self, members: answers.Members, requested: Iterable[str] = ()) -> Credential:
        """The credential in an answer of the token endpoint, `requested` being its scope where it names none.

        Raises ProviderError.
        """
        return answers.credential(members, self.token_rules, requested, self.now())

    async def _renewed(self, credential: Credential, refresh_token: Secret) -> Credential:
        exchange = self._exchange_of(credential)
        server = await self._server(credential.resource)
        fields = rfc6749.refresh_fields(refresh_token, exchange.resource if exchange else self.resource)
        try:
            members = await server.tokens(fields)
        except answers.TokenRefused as refused:
            if refused.ends_the_grant:
                raise CredentialError("This grant has ended.", code="refused") from None
            raise answers.fault(refused.error, self.label) from None
        answered = answers.credential(members, server.rules, credential.scopes, self.now())
        if exchange and exchange.is_widened_by(answered):  # it is got anew, and says then what is wrong
            raise CredentialError("This token became one for more than was asked.", code="exchange_widened")
        return replace(  # what does not come again stays (row R12)
            answered,
            refresh_token=answered.refresh_token or refresh_token,
            resource=credential.resource,
        )

    async def _accepted(self, before: Credential, renewed: Credential) -> RefreshedCredential:
        """From here on the old refresh token may be worth nothing, so that no silence may lose the new one."""
        try:
            async with self.api.patience():
                return Rotated(replace(renewed, id_token=await self.renewed_id_token(before, renewed)))
        except CredentialError as error:
            return ReauthRequired(error.code)
        except ProviderError as error:
            self.log.warning("hubauth: %s: an ID token that a refresh brought is not used: %s", self.label, error.code)
            return Rotated(replace(renewed, id_token=before.id_token))

    async def renewed_id_token(self, before: Credential, renewed: Credential) -> Secret | None:
        """The ID token to keep after a refresh; where nobody verifies one, that is the one before.

        Raises CredentialError where all that came along belongs to somebody else, ProviderError to keep the one before.
        """
        return before.id_token

    # Exchange.

    async def retrieve_credential(self, credential: Credential, resource: str) -> Credential:
        """Exchange the person's own credential as the option `exchange` says (rows R13, R14).

        One whose life is not told lasts as long as what it was got with. Raises CredentialError `unknown_resource`,
        `invalid_request`, `invalid_target`, `needs_login`; ProviderError.
        """
        exchange = self.exchanges.get(resource)
        if exchange is None or credential.resource:
            raise CredentialError(f"{self.label} has no such resource.", code="unknown_resource")
        async with self._api(resource).patience():
            if exchange.via:
                url = keycloak.broker_url((await self.endpoints()).issuer, exchange.requested_issuer)
                found = await keycloak.stored_token(self.api, url, credential, resource, self.now())
            else:
                found = await self._exchanged(credential, resource, exchange)
        self._note_actors(found, resource)
        until = credential.expires_at if found.expires_at is None else found.expires_at
        return replace(found, resource=resource, expires_at=until)

    async def _exchanged(self, credential: Credential, resource: str, exchange: Exchange) -> Credential:
        subject = exchange.subject(credential)
        if subject is None:
            raise rfc8693.lost(resource, self.label)
        server = await self._server(resource)
        try:
            members = await server.tokens(exchange.fields(subject, await self._actor(exchange)))
        except answers.TokenRefused as refused:
            raise rfc8693.refusal(refused.error, resource, self.label) from None
        return exchange.issued(members, server.rules, self.now())

    async def _actor(self, exchange: Exchange) -> Secret | None:
        if not exchange.actor_token_file:
            return None
        try:  # read each time: such a token is short-lived, and whoever issues it writes the file anew
            return await asyncio.to_thread(read_secret, "actor_token_file", exchange.actor_token_file)
        except ConfigError as error:
            self.log.error("hubauth: provider %r: %s", self.name, error)
            raise ProviderError(
                "This hub cannot say for whom it acts; the administrators must look at it.", code="actor_token_missing"
            ) from None

    def _note_actors(self, found: Credential, resource: str) -> None:
        if chain := rfc8693.actors(found.access_token):
            self.log.info(
                "hubauth: provider %r: a token for %s is used by %s", self.name, resource, ", for ".join(chain)
            )

    # Revocation.

    async def revoke_credential(self, credential: Credential) -> None:
        """Have a credential taken back where it was issued: first what renews it (row R17). RFC 7009.

        What another issuer's token is belongs to whoever keeps it there, and is left alone. Raises ProviderError.
        """
        exchange = self._exchange_of(credential)
        if not self.issues(credential.resource) or (exchange is not None and exchange.requested_issuer):
            return
        async with self._api(credential.resource).patience():
            server = await self._server(credential.resource)
            if not server.revocation_url:
                return
            if credential.refresh_token is not None:
                await rfc7009.revoke(server, credential.refresh_token, "refresh_token")
            if credential.expires_at is None or self.now() < credential.expires_at:
                await rfc7009.revoke(server, credential.access_token, "access_token")

    # Who is asked.

    def _exchange_of(self, credential: Credential) -> Exchange | None:
        return self.exchanges.get(credential.resource)

    def _api(self, resource: str) -> Api:
        return self._elsewhere[resource].api if resource in self._elsewhere else self.api

    async def _server(self, resource: str) -> Server:
        """The server that issues the credential for a resource."""
        if resource in self._elsewhere:
            return self._elsewhere[resource]
        return self.server_at(await self.endpoints())

    def server_at(self, endpoints: Endpoints) -> Server:
        """The provider's own server, with the hub as its client."""
        return Server(
            api=self.api,
            client=self.client,
            rules=self.token_rules,
            token_url=endpoints.token,
            revocation_url=endpoints.revocation,
            issuer=endpoints.issuer,
        )

    @property
    def token_rules(self) -> answers.TokenRules:
        """How the token endpoint answers."""
        return answers.TokenRules(
            label=self.label, form_encoded=self.form_encoded_tokens, scope_separator=self.scope_separator
        )

    def _another(self, exchange: Exchange) -> Server:
        """The server that an exchange names, with connections of its own: if it fails, sign-ins go on."""
        secret = exchange.client_secret_file and read_secret("client_secret_file", exchange.client_secret_file)
        method = self.client_authentication if self.client_authentication in {"basic", "post"} else "basic"
        return Server(
            api=self.new_api(),
            client=Client(id=exchange.client_id, method=method if secret else "none", secret=secret or NO_SECRET),
            rules=answers.TokenRules(label=self.label),
            token_url=exchange.token_url,
            revocation_url=exchange.revocation_url,
        )
