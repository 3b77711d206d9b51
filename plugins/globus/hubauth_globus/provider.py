"""The provider type `globus`: people of many institutions, with tokens for several services of Globus.

https://docs.globus.org/api/auth/reference/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from traitlets import Bool, List, Unicode, default, validate
from traitlets.utils.bunch import Bunch

from hubauth_core import (
    ConfigError,
    Credential,
    HubCall,
    Identity,
    LoginRefused,
    ProviderUnavailable,
    ReauthRequired,
    RefreshedIdentity,
    Request,
    Rotated,
    SignIn,
    Transaction,
    Unavailable,
    Updated,
)
from hubauth_core.oauth2 import Claims, OIDCProvider, text

from . import keeping

GROUPS: Final = "groups.api.globus.org"
"""The service that knows groups; its token comes beside the person's own."""

SEE_GROUPS: Final = f"urn:globus:auth:scope:{GROUPS}:view_my_groups_and_memberships"

GROUP: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SERVICE: Final = re.compile(rf"[a-z0-9-]+(\.[a-z0-9-]+)+|{GROUP.pattern}")
"""What a service (`resource_server`) is called: a host, or an id."""

MOST_SERVICES: Final = 50
"""Further tokens of one sign-in."""


class GlobusProvider(OIDCProvider):
    """Sign-in with Globus.

    The subject is `sub`, the id of the identity. Globus hands out one token for each service among the scopes; all are
    kept, by the names of the services. Groups are ids, and asked for with the token for them.
    """

    title = "Globus"
    only_by_claims = True
    required_options: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    required_identity_providers = List(
        Unicode(),
        help="Let in only people of these identity providers: a domain (`uni.example`), which is that of the username, "
        "or the provider's id at Globus.",
    ).tag(config=True)
    strip_domain = Bool(
        help="Whether usernames lose their domain. Defaults to yes with exactly one domain in "
        "`required_identity_providers`, else to no."
    ).tag(config=True)
    groups_url = Unicode(
        f"https://{GROUPS}/v2/groups/my_groups", help="Where the groups of a person are asked for."
    ).tag(config=True)

    @default("issuer")
    def _default_issuer(self) -> str:
        return "https://auth.globus.org"

    @default("scope")
    def _default_scope(self) -> list[str]:
        by_groups = self.allowed_groups or self.required_groups or self.admin_groups or self.group_map or self.role_map
        return [*self.default_scope, *([SEE_GROUPS] if by_groups else [])]

    @default("authorize_params")
    def _default_authorize_params(self) -> dict[str, str]:
        return {"access_type": "offline"}  # else there are no refresh tokens

    @default("strip_domain")
    def _default_strip_domain(self) -> bool:
        return len(self.required_identity_providers) == 1 and "." in self.required_identity_providers[0]

    @validate("required_identity_providers")
    def _lower(self, proposal: Bunch) -> list[str]:
        return [entry.strip().removeprefix("@").lower() for entry in proposal.value]

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        super().check_options()
        self.check_url("groups_url")
        groups = self.allowed_groups | self.required_groups | self.admin_groups
        if SEE_GROUPS in self.scope and (wrong := sorted(each for each in groups if not GROUP.fullmatch(each))):
            raise ConfigError(f"a rule names the group {wrong[0]!r}; groups are ids, as in the address of their page")

    @property
    def says_groups(self) -> bool:
        """Whether a person's groups are read."""
        return SEE_GROUPS in self.scope or super().says_groups

    @property
    def rule_claims(self) -> Sequence[str]:
        """Beside those of every provider, what tells the identity provider."""
        return [
            *super().rule_claims,
            *(["identity_provider", "preferred_username"] if self.required_identity_providers else []),
        ]

    def restrict(self, identity: Identity) -> None:
        """Turn away people of other identity providers, whatever address they have."""
        wanted = self.required_identity_providers
        told = identity.claims.get("identity_provider"), _domain(identity.claims.get("preferred_username"))
        if wanted and not {each for each in told if isinstance(each, str)} & set(wanted):
            raise LoginRefused(
                f"Only people of {', '.join(wanted)} may enter with {self.label}. Sign in there with that account, or "
                "connect it at app.globus.org.",
                code="idp_not_allowed",
            )

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn:
        """A sign-in, with the person's groups where there is a token to ask for them."""
        signed_in = await super().finish_login(request, transaction)
        token = next((each for each in signed_in.credentials if each.resource == GROUPS), None)
        if token is None:
            return signed_in
        groups = await self._groups(token)
        if groups is None:
            raise self.api.bad_response()
        return replace(signed_in, identity=replace(signed_in.identity, groups=groups), state=keeping.kept(token))

    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        """What Globus says of the person now, groups with the token for them that was kept.

        Where none is, groups stay until the next sign-in. Raises ProviderError, CredentialError.
        """
        outcome = await super().refresh_identity(identity, credential, hub)
        if not isinstance(outcome, Updated) or SEE_GROUPS not in self.scope:
            return outcome
        token = keeping.recalled(hub.state, GROUPS)
        if token is None:
            return Updated(replace(outcome.identity, groups=identity.groups))
        if token.expires_at is not None and token.expires_at <= self.now():
            renewed = await self.refresh_credential(token)
            if isinstance(renewed, ReauthRequired | Unavailable):
                return renewed
            token = renewed.credential if isinstance(renewed, Rotated) else token
        try:
            groups = await self._groups(token)
        except ProviderUnavailable as error:
            return Unavailable(error.retry_after)
        if groups is None:
            return ReauthRequired("token_refused")
        return Updated(replace(outcome.identity, groups=groups), state=keeping.kept(token))

    def further_credentials(self, members: Claims) -> Sequence[Credential]:
        """The tokens for other services, by their names. Raises ProviderError."""
        others = members.get("other_tokens", [])
        if not isinstance(others, list) or len(others) > MOST_SERVICES:
            raise self.api.bad_response()
        found = {}
        for other in others:
            name = other.get("resource_server") if isinstance(other, Mapping) else None
            if not isinstance(name, str) or not SERVICE.fullmatch(name) or name in found:
                raise self.api.bad_response()
            found[name] = replace(self.credential(other), resource=name, id_token=None)
        return tuple(found.values())

    def issues(self, resource: str) -> bool:
        """Whether Globus renews and takes back credentials for a resource: those of its services."""
        return super().issues(resource) or SERVICE.fullmatch(resource) is not None

    def parse_identity(self, claims: Claims) -> Identity:
        """The identity, without the domain in its username where that is the wish."""
        identity = super().parse_identity(claims)
        local, _, _ = identity.username.rpartition("@")
        return replace(identity, username=local) if self.strip_domain and local else identity

    async def _groups(self, token: Credential) -> frozenset[str] | None:
        """The ids of a person's groups, None where the token is not taken. Raises ProviderError."""
        async with self.api.patience():
            answer = await self.api.get_json(self.groups_url, token=token.access_token)
        if answer.status == 401:
            return None
        found = answer.sequence()
        return frozenset(str(group["id"]) for group in found if isinstance(group, dict) and "id" in group)


def _domain(username: object) -> str | None:
    try:
        local, _, domain = text(username).rpartition("@")
    except ValueError:
        return None
    return domain.lower() if local else None  # a name may look like a domain
