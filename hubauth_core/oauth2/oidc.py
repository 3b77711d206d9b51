"""OIDCProvider: a source that speaks OpenID Connect, found by its issuer alone.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

from typing import ClassVar

from traitlets import Enum, Float, List, Unicode, default

from ..claims import Claims, VerifiedClaims, claim
from ..errors import ConfigError, CredentialError, LoginRefused, ProviderError
from ..types import Credential, Secret, Transaction
from . import idtoken, logout_token, word
from .cached import Cached
from .http import SMALL_CAP, Api
from .identity import Where
from .jwks import ALGORITHMS, Keys
from .rfc8414 import Metadata, fetch_metadata, issuer_problem
from .signing_out import SigningOut
from .token_client import Endpoints


class OIDCProvider(SigningOut):
    """A source that speaks OpenID Connect. Its metadata and keys are fetched at the first sign-in and kept.

    `parse_identity` gets the verified claims of the ID token, completed by the userinfo endpoint where they lack one
    that is needed.
    """

    title = "OpenID Connect"
    anew_prompt = "login"  # OpenID Connect Core, section 3.1.2.1
    required_options: ClassVar[tuple[str, ...]] = ("issuer", "client_id")
    default_scope: ClassVar[tuple[str, ...]] = ("openid", "profile", "email")

    proven_claims: ClassVar[frozenset[str]] = frozenset()
    """Claims that a sign-in takes from the ID token alone, whatever the userinfo endpoint says (row V04)."""

    keys_name_issuers: ClassVar[bool] = False
    """Whether the source's keys say for which issuers they sign; then `issuer_of` says which one a token needs."""

    issuer = Unicode(help="The source's issuer, exactly as it writes it itself.").tag(config=True)
    userinfo = Enum(
        ["auto", "always", "never"],
        "auto",
        help="Whether the hub asks the userinfo endpoint at a sign-in: where the ID token lacks a claim that is "
        "needed, always, or never.",
    ).tag(config=True)
    id_token_algorithms = List(
        Enum(ALGORITHMS), list(idtoken.DEFAULT_ALGORITHMS), help="Algorithms that may sign an ID token."
    ).tag(config=True)
    clock_skew = Float(60, min=0, max=120, help="Seconds by which the source's clock may differ.").tag(config=True)
    trusted_audiences = List(Unicode(), help="Further clients that an ID token may be meant for beside this one.").tag(
        config=True
    )

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "preferred_username"

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        self._metadata = Cached(lambda: fetch_metadata(self.api, self.issuer, self.named_issuer))
        self._keys = Keys(self.api, self._jwks_uri)

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        super().check_options()
        if self.issuer and (problem := issuer_problem(self.issuer, self.allow_insecure_hosts)):
            raise ConfigError(f"issuer = {self.issuer!r} cannot be used: {problem}")
        if "openid" not in self.scope:
            raise ConfigError(f"scope = {self.scope!r} lacks an entry 'openid', without which there is no ID token")
        max_age = self.authorize_params.get("max_age", "0")
        if not (max_age.isascii() and max_age.isdigit()):
            raise ConfigError("authorize_params: max_age is a number of seconds")

    @property
    def exchange_server(self) -> str:
        """Which server exchanges a token, where an exchange names none."""
        return self.issuer

    @property
    def named_issuer(self) -> str:
        """What the issuer calls itself in its metadata, where that is not `issuer`: it stands for many."""
        return self.issuer

    def issuer_of(self, claims: Claims) -> str:
        """The issuer that an ID token with these claims must come from. Nothing but its signature is checked yet."""
        return self.issuer

    @property
    def known_metadata(self) -> Metadata | None:
        """What the source said of itself last, None if it was never asked."""
        return self._metadata.last

    async def metadata(self) -> Metadata:
        """What the source says of itself. Raises ProviderError."""
        return await self._metadata.get()

    async def endpoints(self) -> Endpoints:
        """Where the source is by its own word; an address among the options wins."""
        metadata = await self.metadata()
        return Endpoints(
            authorize=self.authorize_url or metadata.authorization_endpoint,
            token=self.token_url or metadata.token_endpoint,
            userinfo=self.userinfo_url or metadata.userinfo_endpoint,
            revocation=self.revocation_url or metadata.revocation_endpoint,
            issuer=metadata.issuer,
            sends_issuer=metadata.sends_issuer,
        )

    async def claims_of(self, tokens: Credential, transaction: Transaction) -> Claims:
        """The verified claims of the ID token, completed by userinfo. What both say, the ID token says."""
        verified = await self._verified(tokens, transaction)
        self._check_anew(verified, transaction)
        endpoints = await self.endpoints()
        if not self._wants_userinfo(verified, endpoints):
            return verified
        further = await self.fetch_claims(tokens, self.api)
        if further.get("sub") != verified["sub"]:  # rows C14, R20
            raise ProviderError(f"{self.label} spoke of two different people.", code="userinfo_subject")
        if "email" in verified and verified["email"] != further.get("email"):
            further = {name: value for name, value in further.items() if name != "email_verified"}  # of another one
        return {**{name: value for name, value in further.items() if name not in self.proven_claims}, **verified}

    async def claims_again(self, tokens: Credential) -> Claims:
        """What userinfo says now, completed by the last ID token, which was verified when it came (row R20)."""
        known = idtoken.said(tokens.id_token) if tokens.id_token else {}
        further: Claims = {}
        if (await self.endpoints()).userinfo and self.userinfo != "never":
            further = await self.fetch_claims(tokens, self.api)
            if known and further.get("sub") != known.get("sub"):
                raise LoginRefused("Somebody else has signed in there.", code="somebody_else")
        if word.is_young(known, self.now(), (self.membership_max_age or 0) / 2):
            return word.together(known, further, self.proven_claims)
        if not further or word.stands_alone(known, further, self._needed(), self.proven_claims):
            raise CredentialError("This sign-in is too old to tell.", code="id_token_old")
        return {name: value for name, value in further.items() if name not in self.proven_claims}

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """What the userinfo endpoint says, plain or signed. OpenID Connect Core, section 5.3.2."""
        url = (await self.endpoints()).userinfo
        headers = {"Accept": "application/json, application/jwt;q=0.5"}
        params = self.userinfo_params
        response = await api.get(url, token=tokens.access_token, params=params, headers=headers, cap=SMALL_CAP)
        if response.status == 200 and response.media_type == "application/jwt":
            token = Secret(response.body.decode("ascii", errors="replace"))
            return await idtoken.verify_userinfo(token, self._keys, self._expected())
        return api.answer(response).mapping()

    async def verified_logout(self, token: Secret) -> VerifiedClaims:
        """The claims of a logout token that holds. Raises LoginRefused, ProviderError."""
        untyped = self.backchannel_untyped
        return await logout_token.verify(token, self._keys, self._expected(), self.now(), untyped=untyped)

    async def renewed_id_token(self, before: Credential, renewed: Credential) -> Secret | None:
        """The new ID token, if it continues the one before. Section 12.2 (rows C32, C33, R20).

        One that names another issuer or person ends the grant. For any other fault, and where the keys cannot be had,
        the token before stays: a refresh need not bring an ID token at all, and the grant may well be good.
        """
        if renewed.id_token is None or before.id_token is None or renewed.id_token == before.id_token:
            return before.id_token
        if not idtoken.same_person(renewed.id_token, before.id_token):
            raise CredentialError(f"{self.label} spoke of two different people.", code="another_person")
        context = idtoken.Context(now=self.now(), nonce=None, access_token=renewed.access_token)
        claims = await idtoken.verify(renewed.id_token, self._keys, self._expected(), context)
        if not idtoken.continues(claims, before.id_token):
            raise ProviderError(f"{self.label} spoke of another sign-in.", code="id_token_renewed")
        return renewed.id_token

    async def _verified(self, tokens: Credential, transaction: Transaction) -> VerifiedClaims:
        if tokens.id_token is None:
            raise ProviderError(f"{self.label} did not say who signed in.", code="id_token_missing")
        asked = self.authorize_params
        context = idtoken.Context(
            now=self.now(),
            nonce=transaction.nonce,
            access_token=tokens.access_token,
            max_age=float(asked["max_age"]) if "max_age" in asked else None,
            acr_values=tuple(asked.get("acr_values", "").split()),
        )
        return await idtoken.verify(tokens.id_token, self._keys, self._expected(), context)

    def _check_anew(self, verified: VerifiedClaims, transaction: Transaction) -> None:
        """Whether the person was asked again, where the token tells: the browser could have taken the wish out."""
        at = verified.get("auth_time")
        if transaction.anew and isinstance(at, int | float) and at < transaction.started_at - self.clock_skew:
            raise LoginRefused(f"{self.label} has not asked you again. Sign in again.", code="not_asked_again")

    def _expected(self) -> idtoken.Expected:
        return idtoken.Expected(
            issuer=self.issuer,
            client_id=self.client_id,
            label=self.label,
            algorithms=frozenset(self.id_token_algorithms),
            trusted_audiences=frozenset(self.trusted_audiences),
            skew=self.clock_skew,
            issuer_of=self.issuer_of if self.keys_name_issuers else None,
        )

    def _wants_userinfo(self, verified: VerifiedClaims, endpoints: Endpoints) -> bool:
        if not endpoints.userinfo or self.userinfo == "never":
            return False
        return self.userinfo == "always" or any(path and _may_lack(verified, path) for path in self._needed())

    def _needed(self) -> list[Where]:
        """Where what an identity and the rules need stands in the claims."""
        needed: list[Where] = [self.subject_claim, self.username_claim, self.groups_claim, self.roles_claim]
        return [*needed, *self.rule_claims, *(("email",) if "email" in self.scope else ())]

    async def _jwks_uri(self) -> str:
        return (await self.metadata()).jwks_uri


def _may_lack(claims: Claims, path: Where) -> bool:
    """Whether something is not there that is needed; of a function nobody knows what it needs."""
    return not isinstance(path, str) or claim(claims, path) is None
