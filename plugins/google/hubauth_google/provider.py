"""The provider type `google`: Google accounts, those of a Google Workspace with its groups.

https://developers.google.com/identity/openid-connect/openid-connect
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from traitlets import Bool, Dict, List, TraitError, Unicode, default, validate
from traitlets.utils.bunch import Bunch

from hubauth_core import ConfigError, Credential, Identity, LoginRefused
from hubauth_core.oauth2 import Api, Claims, OIDCProvider, text

from .directory import Directory, service_account


class GoogleProvider(OIDCProvider):
    """Sign-in with Google.

    The subject is `sub`. Which organization an account belongs to is `hd` of the ID token: neither the domain of the
    address nor what the browser asked for proves it (row V04). Groups come from the organization's own directory.
    """

    title = "Google"
    only_by_claims = True
    required_options: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")
    anew_prompt = "select_account"  # of OpenID Connect's words Google knows none, consent and this one
    proven_claims = frozenset({"hd"})

    required_hosted_domains = List(
        Unicode(),
        help="Let in only accounts of these organizations (Google Workspace or Cloud Identity), by their primary "
        "domains. With exactly one, the sign-in page of Google offers its accounts first.",
    ).tag(config=True)
    strip_domain = Bool(
        help="Whether usernames at a domain of `required_hosted_domains` lose it. Defaults to yes with exactly one of "
        "them, else to no."
    ).tag(config=True)
    directory = Dict(
        key_trait=Unicode(),
        help="Where groups come from: the primary domain of an organization -> `{'key_file': ..., 'administrator': "
        "...}`, the JSON key of a service account with domain-wide delegation, and the administrator for whom it "
        "reads.",
    ).tag(config=True)
    nested_groups = Bool(
        False, help="Whether a member of a group is in the groups, too, which that group is in: one question for each."
    ).tag(config=True)
    directory_url = Unicode("https://admin.googleapis.com", help="The address of the Admin SDK.").tag(config=True)

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        self._directories = {
            domain.lower(): Directory(service_account(f"directory[{domain!r}]", entry), self.directory_url)
            for domain, entry in self.directory.items()
        }

    @default("issuer")
    def _default_issuer(self) -> str:
        return "https://accounts.google.com"

    @default("icon")
    def _default_icon(self) -> str:
        return "google"

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "email"

    @default("groups_claim")
    def _default_groups_claim(self) -> str:
        return "groups" if self.directory else ""

    @default("strip_domain")
    def _default_strip_domain(self) -> bool:
        return len(self.required_hosted_domains) == 1

    @default("authorize_params")
    def _default_authorize_params(self) -> dict[str, str]:
        asked = {"access_type": "offline"}  # else there is no refresh token
        return {**asked, "hd": self.required_hosted_domains[0]} if len(self.required_hosted_domains) == 1 else asked

    @validate("required_hosted_domains")
    def _domains(self, proposal: Bunch) -> list[str]:
        domains = [domain.strip().lower() for domain in proposal.value]
        if wrong := [domain for domain in domains if "@" in domain or "." not in domain]:
            raise TraitError(f"required_hosted_domains: {wrong[0]!r} is no domain")
        return domains

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        super().check_options()
        self.check_url("directory_url")
        if self.directory and self.userinfo == "never":
            raise ConfigError("userinfo = 'never' and directory exclude each other: groups are asked with it")
        groups = self.allowed_groups | self.required_groups | self.admin_groups
        if groups and not self.groups_claim:
            raise ConfigError("rules about groups need directory: Google says nothing about them at a sign-in")
        if self.directory and (wrong := sorted(name for name in groups if "@" not in name or name != name.lower())):
            raise ConfigError(f"a rule names the group {wrong[0]!r}; groups are addresses, in lower case")

    @property
    def rule_claims(self) -> Sequence[str]:
        """Beside those of every provider, the organization."""
        return [*super().rule_claims, *(["hd"] if self.required_hosted_domains else [])]

    def restrict(self, identity: Identity) -> None:
        """Turn away accounts of no or another organization (row V04)."""
        if self.required_hosted_domains and identity.claims.get("hd") not in self.required_hosted_domains:
            raise LoginRefused(
                f"Only {self.label} accounts of {', '.join(self.required_hosted_domains)} may enter.",
                code="hosted_domain",
            )

    async def fetch_claims(self, tokens: Credential, api: Api) -> Claims:
        """What userinfo says, and the groups of an account whose organization has its directory here."""
        claims = await super().fetch_claims(tokens, api)
        if not self._directories:
            return claims
        directory = self._directories.get(str(claims.get("hd")))
        if directory is None:
            return {**claims, "groups": []}
        person = self._person(claims, api)
        return {**claims, "groups": sorted(await directory.groups_of(api, person, nested=self.nested_groups))}

    async def claims_again(self, tokens: Credential) -> Claims:
        """What userinfo says now, asked with the person's own token; the last ID token only where that lacks `hd`."""
        claims = await self.fetch_claims(tokens, self.api)
        return claims if "hd" in claims or not self.required_hosted_domains else await super().claims_again(tokens)

    def parse_identity(self, claims: Claims) -> Identity:
        """The identity, without the domain in its username where that is the wish."""
        identity = super().parse_identity(claims)
        local, _, domain = identity.username.rpartition("@")
        if self.strip_domain and local and domain.lower() in self.required_hosted_domains:
            return replace(identity, username=local)
        return identity

    def _person(self, claims: Claims, api: Api) -> str:
        """The directory's key of a person: the id, which stays, and not the address."""
        try:
            return text(claims.get("sub"))
        except ValueError:
            raise api.bad_response() from None
