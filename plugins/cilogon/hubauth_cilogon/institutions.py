"""The identity providers behind CILogon, each with a rule of its own for names and for who may enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from hubauth_core import ConfigError
from hubauth_core.oauth2 import Claims, claim, text


@dataclass(frozen=True, kw_only=True)
class Institution:
    """One identity provider.

    `username_claim` is what names its people; they lose the ending `@strip_domain`, and get `prefix` and a colon in
    front. Of the two rules either lets somebody in: `allow_all`, or one of `allowed_domains` (`*` stands for anything),
    which is compared with the domain in `domain_claim`, by default `username_claim`. `verifies_email` says that the
    addresses that this institution tells are true.
    """

    username_claim: str
    strip_domain: str = ""
    prefix: str = ""
    allow_all: bool = False
    allowed_domains: tuple[str, ...] = ()
    domain_claim: str = ""
    verifies_email: bool = False

    def username(self, claims: Claims) -> str:
        """The provider username of one of its people. Raises ValueError where the claim lacks."""
        name = text(claim(claims, self.username_claim))
        local, _, domain = name.rpartition("@")
        if self.strip_domain and local and domain.lower() == self.strip_domain:
            name = local
        return f"{self.prefix}:{name}" if self.prefix else name

    def admits(self, claims: Claims) -> bool:
        """Whether one of its own rules lets somebody in."""
        if self.allow_all:
            return True
        told = claim(claims, self.domain_claim or self.username_claim)
        local, _, domain = told.rpartition("@") if isinstance(told, str) else ("", "", "")
        domain = domain.lower() if local else ""  # a name may look like a domain
        return bool(domain) and any(fnmatchcase(domain, pattern) for pattern in self.allowed_domains)

    @property
    def grants(self) -> bool:
        """Whether it has a rule that can let somebody in."""
        return self.allow_all or bool(self.allowed_domains)


def institutions(option: Mapping[str, Any]) -> dict[str, Institution]:
    """The identity providers in the option `idps`, by entity id. Raises ConfigError that names what is wrong."""
    return {entity: _institution(entity, entry) for entity, entry in option.items()}


def _institution(entity: str, entry: Any) -> Institution:
    where = f"idps[{entity!r}]"
    if urlsplit(entity).scheme not in {"http", "https", "urn"}:
        raise ConfigError(f"{where}: an identity provider is named by its entity id, see cilogon.org/idplist")
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} must be a dictionary")
    kinds = {each.name: type(each.default) for each in fields(Institution)} | {"username_claim": str}
    for key in entry.keys() - kinds.keys():
        near = get_close_matches(str(key), kinds, 1)
        raise ConfigError(f"{where}: there is no {key!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    for key, value in values.items():
        texts = isinstance(value, tuple) and all(isinstance(each, str) and each for each in value)
        if type(value) is not kinds[key] or (kinds[key] is tuple and not texts):
            raise ConfigError(f"{where}: {key!r} cannot be {value!r}")
    if not values.get("username_claim"):
        raise ConfigError(f"{where} lacks 'username_claim', for example 'eppn'")
    _check_address(where, values)
    values["allowed_domains"] = tuple(domain.lower() for domain in values.get("allowed_domains", ()))
    values["strip_domain"] = values.get("strip_domain", "").removeprefix("@").lower()
    return Institution(**values)


def _check_address(where: str, values: Mapping[str, Any]) -> None:
    """An address that the institution does not vouch for names nobody, and lets nobody in (rows V03, V06)."""
    claims = {values["username_claim"], *([values.get("domain_claim", "")] if values.get("allowed_domains") else [])}
    if claims & {"email", "mail"} and not values.get("verifies_email"):
        raise ConfigError(
            f"{where} goes by the e-mail address: take 'eppn' or another claim that the institution itself gives out, "
            "or say 'verifies_email': True if people there cannot choose their address"
        )
