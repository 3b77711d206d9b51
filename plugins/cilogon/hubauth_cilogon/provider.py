"""The provider type `cilogon`: people of many institutions, each with rules of its own.

https://www.cilogon.org/oidc
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, ClassVar, Final

from traitlets import Dict, Unicode, default

from hubauth_core import ConfigError, Identity, LoginRefused
from hubauth_core.oauth2 import Claims, OIDCProvider

from .institutions import Institution, institutions

TELLS_IDP: Final = "org.cilogon.userinfo"
"""The scope without which nobody knows from where somebody comes."""


class CILogonProvider(OIDCProvider):
    """Sign-in with CILogon.

    The subject is `sub`. Where somebody comes from is the claim `idp`, the entity id of the identity provider: an
    address at a campus that somebody has entered at another one proves nothing (row V03). Only providers in `idps` may
    be used, each names its people in its own way.
    """

    title = "CILogon"
    only_by_claims = True
    required_options: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "idps")
    default_scope = ("openid", "email", "profile", TELLS_IDP)

    idps = Dict(
        key_trait=Unicode(),
        help="The identity providers that may be used, by their entity ids (cilogon.org/idplist); all others are "
        "refused. Each: `{'username_claim': 'eppn', 'strip_domain': 'uni.example', 'prefix': 'uni', 'allow_all': True, "
        "'allowed_domains': ['*.uni.example'], 'domain_claim': 'eppn', 'verifies_email': True}`; only `username_claim` "
        "is needed.",
    ).tag(config=True)
    default_idp = Unicode(help="The one of `idps` that CILogon's page proposes first.").tag(config=True)
    skin = Unicode(help="The skin of CILogon's page that was made for this hub.").tag(config=True)

    def __init__(self, name: str, **options: object) -> None:
        self.institutions: dict[str, Institution] = {}
        super().__init__(name, **options)
        self.authorize_params = {**self._shown(), **self.authorize_params}

    @default("issuer")
    def _default_issuer(self) -> str:
        return "https://cilogon.org"

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "sub"  # idps names people; this is only where the ID token's own claims end

    @default("userinfo")
    def _default_userinfo(self) -> str:
        return "always"  # what names people is another claim at each institution, and not each is in the ID token

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        super().check_options()
        if TELLS_IDP not in self.scope:
            raise ConfigError(f"scope = {self.scope!r} lacks {TELLS_IDP!r}, without which nobody may enter")
        self.institutions = institutions(self.idps)
        if self.default_idp and self.default_idp not in self.institutions:
            raise ConfigError(f"default_idp = {self.default_idp!r} is not among idps")

    @property
    def grants(self) -> bool:
        """Whether any rule can let somebody in, those of the institutions included."""
        return super().grants or any(each.grants for each in self.institutions.values())

    @property
    def rule_claims(self) -> Sequence[str]:
        """Beside those of every provider: where people come from, and the domains that institutions look at."""
        domains = {each.domain_claim or each.username_claim for each in self.institutions.values() if each.grants}
        return [*super().rule_claims, "idp", *sorted(domains)]

    def restrict(self, identity: Identity) -> None:
        """Turn away whoever comes from elsewhere."""
        self._institution(identity.claims)

    def admits(self, identity: Identity, scopes: AbstractSet[str]) -> bool:
        """Whether a rule of the person's institution lets them in."""
        return super().admits(identity, scopes) or self._institution(identity.claims).admits(identity.claims)

    def parse_identity(self, claims: Claims) -> Identity:
        """The identity, named as its institution names people. Raises LoginRefused for another institution's."""
        institution = self._institution(claims)
        told: dict[str, Any] = {**claims, "email_verified": institution.verifies_email and bool(claims.get("email"))}
        return replace(super().parse_identity(told), username=institution.username(told))

    def _institution(self, claims: Claims) -> Institution:
        """Where somebody comes from, by what CILogon asserts. Raises LoginRefused."""
        idp = claims.get("idp")
        institution = self.institutions.get(idp) if isinstance(idp, str) else None
        if institution is None:
            raise LoginRefused(
                f"This hub does not let people in with that institution; choose another one at {self.label}.",
                code="idp_not_allowed",
            )
        return institution

    def _shown(self) -> dict[str, str]:
        """What CILogon's page offers: the identity providers that may be used. https://www.cilogon.org/oidc"""
        idps = sorted(self.institutions, key=lambda idp: idp != self.default_idp)
        shown = {"selected_idp": ",".join(idps)} if idps else {}
        return {**shown, **({"skin": self.skin} if self.skin else {})}
