"""The provider type `entra`: Microsoft Entra ID (Azure AD), one directory or several.

https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from traitlets import List, TraitError, Unicode, default, validate
from traitlets.utils.bunch import Bunch

from hubauth_core import ConfigError, Credential, Identity, LoginRefused, Transaction
from hubauth_core.oauth2 import Api, Claims, OIDCProvider, text

from . import graph

GUID: Final = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")

SEVERAL: Final = frozenset({"organizations", "common"})
"""What stands for every directory; the latter for private accounts, too."""


class EntraProvider(OIDCProvider):
    """Sign-in with Microsoft Entra ID, by its v2 endpoints.

    The subject is `<tid>:<oid>`, the directory and the person's object in it, and the only thing that nobody there can
    set (row V35). An address of mail is whatever a directory's administrators write, so it counts only where Microsoft
    says that its domain is theirs (`xms_edov`). Groups are ids; the roles of the app are roles.
    """

    title = "Microsoft"
    only_by_claims = True
    required_options: ClassVar[tuple[str, ...]] = ("tenant", "client_id", "client_secret")
    default_scope = ("openid", "profile", "email", "offline_access", "User.Read")
    keys_name_issuers = True
    proven_claims = frozenset({"tid", "oid", "preferred_username", "email", "xms_edov", "groups", "roles"})

    tenant = Unicode(
        help="The id of the directory whose people sign in; 'organizations' for those of every directory (see "
        "`required_tenants`), 'common' for those with private accounts, too."
    ).tag(config=True)
    required_tenants = List(
        Unicode(), help="Let in only people of these directories, by their ids. For a `tenant` that stands for several."
    ).tag(config=True)
    authority = Unicode(
        "https://login.microsoftonline.com", help="Where people sign in; national clouds have another one."
    ).tag(config=True)
    graph_url = Unicode(
        "https://graph.microsoft.com",
        help="Microsoft Graph, which is asked for the groups of somebody who is in more than 200; national clouds have "
        "another one.",
    ).tag(config=True)

    @default("issuer")
    def _default_issuer(self) -> str:
        return f"{self.authority}/{self.tenant}/v2.0"

    @default("icon")
    def _default_icon(self) -> str:
        return "windows"

    @default("subject_claim")
    def _default_subject_claim(self) -> str:
        return "oid"  # with the directory before it

    @default("groups_claim")
    def _default_groups_claim(self) -> str:
        return "groups"

    @default("roles_claim")
    def _default_roles_claim(self) -> str:
        return "roles"

    @validate("tenant")
    def _one_tenant(self, proposal: Bunch) -> str:
        tenant = str(proposal.value).strip().lower()
        if tenant and tenant not in SEVERAL and not GUID.fullmatch(tenant):
            raise TraitError(
                f"tenant = {proposal.value!r} must be the id of a directory (Entra admin center, Overview, Tenant ID), "
                "'organizations' or 'common'"
            )
        return tenant

    @validate("required_tenants")
    def _tenants(self, proposal: Bunch) -> list[str]:
        tenants = [tenant.strip().lower() for tenant in proposal.value]
        if wrong := [tenant for tenant in tenants if not GUID.fullmatch(tenant)]:
            raise TraitError(f"required_tenants: {wrong[0]!r} is no id of a directory")
        return tenants

    @validate("authority", "graph_url")
    def _without_slash(self, proposal: Bunch) -> str:
        return str(proposal.value).rstrip("/")

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        self.check_url("authority")
        self.check_url("graph_url")
        super().check_options()
        if self.tenant and self.tenant not in SEVERAL and set(self.required_tenants) - {self.tenant}:
            raise ConfigError("required_tenants names directories that tenant excludes; set tenant = 'organizations'")

    def warnings(self) -> Sequence[str]:
        """What is probably not as the administrator thinks."""
        found = list(super().warnings())
        if self.tenant in SEVERAL and not self.required_tenants:
            found.append(
                f"tenant = {self.tenant!r} without required_tenants: anybody can make a directory of their own"
            )
        return found

    @property
    def named_issuer(self) -> str:
        """What Entra calls itself where it stands for many directories: with a gap for the directory's id."""
        return f"{self.authority}/{{tenantid}}/v2.0" if self.tenant in SEVERAL else self.issuer

    def issuer_of(self, claims: Claims) -> str:
        """The issuer of the directory that a token says it is from; "" where it says none (row V35)."""
        if self.tenant not in SEVERAL:
            return self.issuer
        tenant = claims.get("tid")
        return f"{self.authority}/{tenant}/v2.0" if isinstance(tenant, str) and GUID.fullmatch(tenant) else ""

    @property
    def rule_claims(self) -> Sequence[str]:
        """Beside those of every provider, the directory."""
        return [*super().rule_claims, *(["tid"] if self.required_tenants else [])]

    def restrict(self, identity: Identity) -> None:
        """Turn away people of other directories."""
        if self.required_tenants and identity.claims.get("tid") not in self.required_tenants:
            raise LoginRefused(f"People of your organization may not enter with {self.label}.", code="tenant")

    async def claims_of(self, tokens: Credential, transaction: Transaction) -> Claims:
        """The claims, and all groups of somebody who is in more than the ID token holds."""
        claims = await super().claims_of(tokens, transaction)
        return await self._with_groups(claims, tokens, self.api)

    async def claims_again(self, tokens: Credential) -> Claims:
        """The claims of now, and all groups of somebody who is in more than the ID token holds."""
        return await self._with_groups(await super().claims_again(tokens), tokens, self.api)

    def parse_identity(self, claims: Claims) -> Identity:
        """The identity of one object in one directory."""
        told: dict[str, Any] = {**claims, "email_verified": claims.get("xms_edov") is True}
        if not told["email_verified"]:
            told.pop("email", None)
        tenant, person = text(claims.get("tid")), text(claims.get("oid"))
        if not GUID.fullmatch(tenant):
            raise ValueError("no directory")
        return replace(super().parse_identity(told), subject=text(f"{tenant}:{person}"))

    async def _with_groups(self, claims: Claims, tokens: Credential, api: Api) -> Claims:
        """Where the groups are is not taken from the claims: nobody but Graph is asked (row C37)."""
        names = claims.get("_claim_names")
        elsewhere = isinstance(names, Mapping) and "groups" in names
        if self.groups_claim != "groups" or not (elsewhere or claims.get("hasgroups") is True):
            return claims
        return {**claims, "groups": await graph.groups(api, self.graph_url, tokens.access_token)}
