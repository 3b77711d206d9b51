"""OAuth2Provider: a source that speaks OAuth 2.0. An author adds endpoints, scopes and `parse_identity`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from traitlets import default

from ..calls import where
from ..claims import Claims
from ..errors import LoginRefused, ProviderUnavailable
from ..types import (
    Credential,
    HubCall,
    Identity,
    ReauthRequired,
    Redirect,
    RefreshedIdentity,
    Refused,
    Request,
    SignIn,
    Transaction,
    Unavailable,
    Unchanged,
    Updated,
)
from . import answers, rfc6749, rfc9207
from .client import Server
from .http import SMALL_CAP, Api, TokenNotTaken
from .identity import ClaimFailed, Paths, identity_of, text
from .token_client import Endpoints, TokenClient


class OAuth2Provider(TokenClient):
    """A source that speaks OAuth 2.0 with the authorization code grant.

    State, PKCE and nonce are always sent and nothing here turns them off.
    """

    title = "OAuth 2.0"

    needs_credential = True

    anew_prompt: ClassVar[str] = ""
    """The `prompt` with which the source asks a person whom it knows; "" where it understands none."""

    only_by_claims: ClassVar[bool] = False
    """Whether a type with a `parse_identity` of its own leaves groups and roles to `groups_claim` and `roles_claim`."""

    @default("membership_max_age")
    def _default_membership_max_age(self) -> float:
        return 900.0

    async def begin_login(self, request: Request, transaction: Transaction) -> Redirect:
        """Send the browser to the source."""
        async with self.api.patience():
            endpoints = await self.endpoints()
        url = rfc6749.authorization_url(
            endpoints.authorize,
            self.client_id,
            transaction,
            self.asked_scope(transaction),
            self._further_params(transaction),
            self.resource,
        )
        return Redirect(url=url, memo={"issuer": endpoints.issuer})

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn:
        """Turn the answer that the browser brought into a sign-in. Raises LoginRefused, ProviderError."""
        callback = rfc6749.parse_callback(request)
        async with self.api.patience():
            endpoints = await self.endpoints()
            self._check_issuer(callback, endpoints, transaction)
            code = rfc6749.code_of(callback, self.label)
            members = await self._redeemed(code, transaction, self.server_at(endpoints))
            tokens = self.credential(members, self.asked_scope(transaction))
            claims = await self.claims_of(tokens, transaction)
        return SignIn(identity=self.identity(claims), credentials=(tokens, *self.further_credentials(members)))

    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        """Ask who the person is once more, with the person's own token. Raises ProviderError, CredentialError."""
        if credential is None:
            return Unchanged()
        try:
            async with self.api.patience():
                now = self.identity(await self.claims_again(credential))
        except TokenNotTaken:
            return ReauthRequired("token_refused")
        except ProviderUnavailable as error:
            return Unavailable(error.retry_after)
        except LoginRefused as refusal:
            again = refusal.code == "scope_insufficient"  # granted at a sign-in, and nowhere else
            return ReauthRequired(refusal.code) if again else Refused(refusal.code)
        return Updated(now) if now.subject == identity.subject else Refused("somebody_else")

    async def claims_again(self, tokens: Credential) -> Claims:
        """What the source says of the person now. Raises CredentialError where renewed tokens could tell more."""
        return await self.fetch_claims(tokens, self.api)

    async def claims_of(self, tokens: Credential, transaction: Transaction) -> Claims:
        """Who signed in, by everything that came with the tokens."""
        return await self.fetch_claims(tokens, self.api)

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """Who signed in: by default what the userinfo endpoint says. An author asks further addresses here."""
        endpoints = await self.endpoints()
        return (
            await api.get_json(
                endpoints.userinfo, token=tokens.access_token, params=self.userinfo_params, cap=SMALL_CAP
            )
        ).mapping()

    def further_credentials(self, members: Claims) -> Sequence[Credential]:
        """Credentials for other services that came along in an answer of the token endpoint; by default none does."""
        return ()

    def parse_identity(self, claims: Claims) -> Identity:
        """The identity in the claims. By default the options for claims say where; an author says it in code."""
        paths = Paths(self.subject_claim, self.username_claim, self.groups_claim, self.roles_claim)
        return identity_of(claims, paths, self.label)

    def identity(self, claims: Claims) -> Identity:
        """What `parse_identity` makes of the claims.

        Raises ProviderError where they lack or muddle something, LoginRefused for a name that is an unproven address
        and where a function of the administrator's fails.
        """
        try:
            identity = self.parse_identity(claims)
            text(identity.username)
            if text(identity.subject) == str(None):  # str() over a claim that is null would make everybody one person
                raise ValueError("no subject")
        except ClaimFailed as error:
            told = where(error.__cause__) if isinstance(error.__cause__, Exception) else ""
            self.log.error("hubauth: a function among the options of provider %r failed\n%s", self.name, told)
            raise
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self.api.bad_response() from None
        return identity

    @property
    def says_groups(self) -> bool:
        """Whether a person's groups are read, by `groups_claim` or in code."""
        return bool(self.groups_claim) or self._reads_in_code

    @property
    def says_roles(self) -> bool:
        """Whether a person's roles are read, by `roles_claim` or in code."""
        return bool(self.roles_claim) or self._reads_in_code

    @property
    def _reads_in_code(self) -> bool:
        return not self.only_by_claims and type(self).parse_identity is not OAuth2Provider.parse_identity

    def _check_issuer(self, callback: rfc6749.Callback, endpoints: Endpoints, transaction: Transaction) -> None:
        begun_at = transaction.memo.get("issuer", "")
        if begun_at != endpoints.issuer:
            raise LoginRefused("The sign-in was begun elsewhere. Sign in again.", code="issuer_mismatch")
        rfc9207.check_issuer(callback.issuer, begun_at, advertised=endpoints.sends_issuer)

    def _further_params(self, transaction: Transaction) -> dict[str, str]:
        """What the administrator adds to the authorization request, and what asks a known person once more."""
        prompts = self.authorize_params.get("prompt", "").split()
        if transaction.anew and self.anew_prompt:
            prompts = [prompt for prompt in prompts if prompt not in {"none", self.anew_prompt}] + [self.anew_prompt]
        return {**self.authorize_params, **({"prompt": " ".join(prompts)} if prompts else {})}

    async def _redeemed(self, code: str, transaction: Transaction, server: Server) -> Claims:
        try:
            return await server.tokens({**self.token_params, **rfc6749.code_fields(code, transaction, self.resource)})
        except answers.TokenRefused as refused:
            raise answers.code_refused(refused, self.label) from None
