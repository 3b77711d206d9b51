"""OAuth2Provider: a source that speaks OAuth 2.0. An author adds endpoints, scopes and `parse_identity`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from traitlets import Dict, Enum, Float, List, Unicode, default

from ..errors import ConfigError, LoginRefused, ProviderUnavailable
from ..provider import Provider, reusable
from ..types import (
    Credential,
    Fresh,
    Identity,
    ReauthRequired,
    Redirect,
    RefreshedCredential,
    Request,
    Rotated,
    SignIn,
    Transaction,
    Unavailable,
)
from ..urls import problem_with
from . import rfc6749, rfc7523, rfc9207
from .claims import Claims
from .http import SMALL_CAP, Api
from .identity import Paths, identity_of, text
from .options import SecretOption, from_environment, read_file, read_secret, variable

WITH_SECRET: Final = frozenset({"basic", "post", "client_secret_jwt"})


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where one authorization server is, and who it says it is ("" where it has no name)."""

    authorize: str
    token: str
    userinfo: str = ""
    issuer: str = ""
    sends_issuer: bool = False


class OAuth2Provider(Provider):
    """A source that speaks OAuth 2.0 with the authorization code grant.

    State, PKCE and nonce are always sent and nothing here turns them off.
    """

    title = "OAuth 2.0"
    required_options: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    default_authorize_url: ClassVar[str] = ""
    default_token_url: ClassVar[str] = ""
    default_userinfo_url: ClassVar[str] = ""
    default_scope: ClassVar[tuple[str, ...]] = ()

    form_encoded_tokens: ClassVar[bool] = False
    """Whether the token endpoint may answer form-encoded in place of JSON (row F06)."""

    scope_separator: ClassVar[str] = " "
    """What parts the scopes in an answer of the token endpoint."""

    client_id = Unicode(help="What the source calls this hub.").tag(config=True)
    client_secret = SecretOption(
        help="The secret that goes with `client_id`, where neither `client_secret_file` nor the environment "
        "(`HUBAUTH_<NAME>_CLIENT_SECRET`, `<NAME>` being the provider's) holds it."
    ).tag(config=True)
    client_secret_file = Unicode(help="A file that holds the client secret.").tag(config=True)
    client_authentication = Enum(
        ["basic", "post", "none", "private_key_jwt", "client_secret_jwt"],
        "basic",
        help="How the hub proves itself at the token endpoint: HTTP Basic, fields of the form, not at all (a public "
        "client), or a signed statement.",
    ).tag(config=True)
    private_key_file = Unicode(help="A PEM file with the private key for `private_key_jwt`.").tag(config=True)
    private_key_id = Unicode(help="What the source calls that key (`kid`), where it has several.").tag(config=True)
    scope = List(Unicode(), help="What to ask the source for.").tag(config=True)
    authorize_url = Unicode(help="Where the browser goes to sign in.").tag(config=True)
    token_url = Unicode(help="Where the hub turns a code into tokens.").tag(config=True)
    userinfo_url = Unicode(help="Where the hub asks who signed in.").tag(config=True)
    username_claim = Unicode("username", help="The claim that becomes the username; dots lead into objects.").tag(
        config=True
    )
    subject_claim = Unicode(
        "sub", help="The claim that never changes and is never given to somebody else; not a login or an address."
    ).tag(config=True)
    groups_claim = Unicode(help="The claim that lists the groups of a person; empty reads none.").tag(config=True)
    redirect_url = Unicode(
        help="The callback address registered at the source, where it is not `<public url>/hub/auth/<name>/callback`."
    ).tag(config=True)
    authorize_params = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Further parameters of the authorization request, such as `prompt` or `hd`.",
    ).tag(config=True)
    allow_insecure_hosts = List(
        Unicode(), help="Hosts that may be reached over plain http; this machine always may. For an intranet or a test."
    ).tag(config=True)
    connect_timeout = Float(5, min=0.1, max=30, help="Seconds to wait for a connection.").tag(config=True)
    request_timeout = Float(
        10,
        min=0.1,
        max=60,
        help="Seconds that the source may take for one step of a sign-in, all its answers together.",
    ).tag(config=True)

    now: Callable[[], float] = staticmethod(time.time)

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        if self.client_secret and self.client_secret_file:
            raise ConfigError("client_secret and client_secret_file are both set; keep one of them")
        self._read_environment()
        if self.client_secret_file and not self.client_secret:
            self.client_secret = read_secret("client_secret_file", self.client_secret_file)
        self._private_key = self._load_private_key()
        self.check_options()
        self.api = Api(
            self.label,
            insecure_hosts=frozenset(self.allow_insecure_hosts),
            connect_timeout=self.connect_timeout,
            timeout=self.request_timeout,
            log=self.log,
        )

    @default("authorize_url")
    def _default_authorize_url(self) -> str:
        return self.default_authorize_url

    @default("token_url")
    def _default_token_url(self) -> str:
        return self.default_token_url

    @default("userinfo_url")
    def _default_userinfo_url(self) -> str:
        return self.default_userinfo_url

    @default("scope")
    def _default_scope_option(self) -> list[str]:
        return list(self.default_scope)

    # Configuration.

    def missing_options(self) -> list[str]:
        """The required options that are not set, the secret only where the client authentication has one."""
        missing = [option for option in super().missing_options() if option != "client_secret"]
        if self.client_authentication in WITH_SECRET and not self.client_secret:
            missing.append("client_secret")
        if self.client_authentication == "private_key_jwt" and self._private_key is None:
            missing.append("private_key_file")
        return missing

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        for option in ("authorize_url", "token_url", "userinfo_url", "redirect_url"):
            self.check_url(option)
        if reusable(self.subject_claim):
            raise ConfigError(
                f"subject_claim = {self.subject_claim!r} can pass from one person to another; name the claim that "
                "holds the source's own immutable id"
            )
        if ours := rfc6749.OURS.intersection(self.authorize_params):
            raise ConfigError(f"authorize_params cannot set {', '.join(sorted(ours))}: the sign-in itself does")
        if ours := rfc6749.reserved_in(self.authorize_url):
            raise ConfigError(f"authorize_url cannot hold {', '.join(sorted(ours))}: the sign-in itself sets it")

    def check_url(self, option: str) -> None:
        """Check the address in an option, where it is set. Raises ConfigError."""
        url = getattr(self, option)
        if url and (problem := problem_with(url, self.allow_insecure_hosts)):
            raise ConfigError(f"{option} = {url!r} cannot be used: {problem}")

    def _read_environment(self) -> None:
        for option in {*self.required_options, "client_secret"}:
            if not getattr(self, option) and (value := from_environment(self.name, option)):
                self.log.info(
                    "hubauth: %s of provider %r comes from %s", option, self.name, variable(self.name, option)
                )
                setattr(self, option, value)

    def _load_private_key(self) -> rfc7523.PrivateKey | None:
        if not self.private_key_file:
            return None
        try:
            return rfc7523.load_private_key(read_file("private_key_file", self.private_key_file))
        except ValueError as error:
            raise ConfigError(f"the file of 'private_key_file' is {error}: {self.private_key_file}") from None

    # A sign-in.

    async def begin_login(self, request: Request, transaction: Transaction) -> Redirect:
        """Send the browser to the source."""
        async with self.api.patience():
            endpoints = await self.endpoints()
        url = rfc6749.authorization_url(
            endpoints.authorize, self.client_id, transaction, self.scope, self.authorize_params
        )
        return Redirect(url=url, memo={"issuer": endpoints.issuer})

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn:
        """Turn the answer that the browser brought into a sign-in. Raises LoginRefused, ProviderError."""
        callback = rfc6749.parse_callback(request)
        async with self.api.patience():
            endpoints = await self.endpoints()
            self._check_issuer(callback, endpoints, transaction)
            code = rfc6749.code_of(callback, self.label)
            tokens = await self._tokens(rfc6749.code_fields(code, transaction), endpoints, self.scope)
            claims = await self.claims_of(tokens, transaction)
        return SignIn(identity=self.identity(claims), credentials=(tokens,))

    async def endpoints(self) -> Endpoints:
        """Where the source is."""
        return Endpoints(authorize=self.authorize_url, token=self.token_url, userinfo=self.userinfo_url)

    async def claims_of(self, tokens: Credential, transaction: Transaction) -> Claims:
        """Who signed in, by everything that came with the tokens."""
        return await self.fetch_claims(tokens, self.api)

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """Who signed in: by default what the userinfo endpoint says. An author asks further addresses here."""
        endpoints = await self.endpoints()
        return (await api.get_json(endpoints.userinfo, token=tokens.access_token, cap=SMALL_CAP)).mapping()

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        """Renew a credential with its refresh token. RFC 6749, section 6.

        Raises ProviderError where the source does not accept this hub as its client: the grant may well be good.
        """
        if credential.refresh_token is None:
            good = credential.expires_at is None or self.now() < credential.expires_at
            return Fresh() if good else ReauthRequired("expired")
        try:
            fields = rfc6749.refresh_fields(credential.refresh_token)
            answered = await self._tokens(fields, await self.endpoints(), sorted(credential.scopes))
        except LoginRefused:
            return ReauthRequired("refused")
        except ProviderUnavailable as error:
            return Unavailable(error.retry_after)
        renewed = replace(  # what does not come again stays (row R12)
            answered,
            refresh_token=answered.refresh_token or credential.refresh_token,
            id_token=answered.id_token or credential.id_token,
            resource=credential.resource,
        )
        await self.check_renewed(credential, renewed)
        return Rotated(renewed)

    async def check_renewed(self, before: Credential, renewed: Credential) -> None:
        """Look at what a refresh brought before it is kept. Raises ProviderError to drop it."""

    def parse_identity(self, claims: Claims) -> Identity:
        """The identity in the claims. By default the options for claims say where; an author says it in code."""
        return identity_of(claims, Paths(self.subject_claim, self.username_claim, self.groups_claim), self.label)

    def identity(self, claims: Claims) -> Identity:
        """What `parse_identity` makes of the claims. Raises ProviderError where they lack or muddle something."""
        try:
            identity = self.parse_identity(claims)
            text(identity.username)
            if text(identity.subject) == str(None):  # str() over a claim that is null would make everybody one person
                raise ValueError("no subject")
            return identity
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self.api.bad_response() from None

    def _check_issuer(self, callback: rfc6749.Callback, endpoints: Endpoints, transaction: Transaction) -> None:
        begun_at = transaction.memo.get("issuer", "")
        if begun_at != endpoints.issuer:
            raise LoginRefused("The sign-in was begun elsewhere. Sign in again.", code="issuer_mismatch")
        rfc9207.check_issuer(callback.issuer, begun_at, advertised=endpoints.sends_issuer)

    async def _tokens(self, fields: Mapping[str, str], endpoints: Endpoints, requested: Sequence[str]) -> Credential:
        proof, headers = self._proof(endpoints)
        response = await self.api.post_form(endpoints.token, {**fields, **proof}, headers=headers)
        rules = rfc6749.TokenRules(
            label=self.label, form_encoded=self.form_encoded_tokens, scope_separator=self.scope_separator
        )
        return rfc6749.parse_tokens(response, rules, requested, self.now())

    def _proof(self, endpoints: Endpoints) -> tuple[dict[str, str], dict[str, str]]:
        """What proves that we are the client: fields of the form, and headers. One method per request (row C19)."""
        audience = endpoints.issuer or endpoints.token
        match self.client_authentication:
            case "basic":
                return {}, {"Authorization": rfc6749.basic(self.client_id, self.client_secret)}
            case "post":
                return {"client_id": self.client_id, "client_secret": self.client_secret.reveal()}, {}
            case "client_secret_jwt":
                return rfc7523.by_secret(self.client_id, self.client_secret, audience), {}
            case "private_key_jwt" if self._private_key is not None:
                return rfc7523.by_private_key(self.client_id, self._private_key, self.private_key_id, audience), {}
            case _:
                return {"client_id": self.client_id}, {}
