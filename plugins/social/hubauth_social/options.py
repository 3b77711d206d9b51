"""What can be configured of a social account, and what is wrong with it, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from traitlets import Bool, Dict, Float, List, Unicode, default

from hubauth_core import ConfigError, Provider
from hubauth_core.plugin import problem_with, reusable

from .catalogue import Backend, find
from .identity import Reading
from .settings import Settings, resolve

ISSUES: Final = frozenset({"oauth2", "oidc"})
"""Kinds of backends that issue credentials which somebody else can use; others are never asked again."""

ADDRESSES: Final = ("URL", "URI", "ENDPOINT", "HOST")
"""What the names of settings end in that hold an address."""

SAML_NAMES: Final = frozenset({"urn:oid:0.9.2342.19200300.100.1.1", "urn:oid:0.9.2342.19200300.100.1.3"})
"""SAML's attributes for the login name and the address of mail."""

ANYBODYS: Final = frozenset({"KEY", "SECRET", "API_KEY", "CLIENT", "TEAM", "PUBLIC_KEY", "BOT_TOKEN", "APP_ID"})
"""What a service that anybody can join gives a hub; backends that need more ask a place of the administrator's own."""

CIRCLES: Final = ("TENANT_ID", "WHITELISTED_DOMAINS", "WHITELISTED_EMAILS")
"""Settings that draw a circle within such a service."""

EPPN: Final = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
"""SAML's attribute for the principal's name, which universities hand on to others."""


class SocialOptions(Provider):
    """The options of the type, checked together as soon as there is a provider."""

    required_options = ("backend",)

    backend = Unicode(
        help="The backend of python-social-auth: its name ('twitter-oauth2'), or the import path of its class. "
        "`hubauth social backends` lists all."
    ).tag(config=True)
    settings = Settings(
        help="The backend's settings, as python-social-auth documents them: `KEY`, `SECRET` and others, with or "
        "without the prefix `SOCIAL_AUTH_` or `SOCIAL_AUTH_<BACKEND>_`. `hubauth social settings <backend>` lists all."
    ).tag(config=True)
    setting_files = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Settings whose value stands in a file: the name of each and the path. A setting that the backend needs "
        "may also come from the environment, as HUBAUTH_<NAME>_<SETTING>.",
    ).tag(config=True)
    username_claim = Unicode(
        help="Where in the source's answer the username is, as a dotted path. Empty takes the backend's own word."
    ).tag(config=True)
    groups_claim = Unicode(
        help="Where in the source's answer the names of groups are, as a dotted path. Empty takes the backend's own "
        "word, which most do not have."
    ).tag(config=True)
    pipeline_steps = List(
        Unicode(),
        help="Import paths of pipeline steps of your own: they see what the source said before anything is written "
        "down, and may refuse.",
    ).tag(config=True)
    reusable_subject = Bool(
        False,
        help="Whether the backend may know people by something that can pass from one person to another: a login name, "
        "an address of mail. Whoever gets it next gets the account, too.",
    ).tag(config=True)
    dangerous_no_proof = Bool(
        False,
        help="Let people in with the backends `email` and `username`, which believe what is typed: everybody can be "
        "anybody.",
    ).tag(config=True)
    allow_insecure_hosts = List(
        Unicode(), help="Hosts that may be reached by http, without encryption. Loopback addresses always may."
    ).tag(config=True)
    request_timeout = Float(20.0, help="Seconds that all calls to the source may take together, in one step.").tag(
        config=True
    )

    described: Backend
    resolved: Mapping[str, Any]

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        if self.backend:
            self.described = find(self.backend)
            self.only_connects = self.described.only_connects
            self.needs_credential = self.described.kind in ISSUES
            self.resolved = resolve(self.described, self.settings, self.setting_files, name)
            circle = any(self.resolved.get(each) for each in CIRCLES)
            self.open_to_anybody = not circle and ANYBODYS.issuperset(self.described.needs)
            for problem in self._problems():
                raise ConfigError(problem)

    @default("label")
    def _default_label(self) -> str:
        return find(self.backend).title if self.backend else self.title

    @default("icon")
    def _default_icon(self) -> str:
        return find(self.backend).brand if self.backend else ""

    @property
    def longest_call(self) -> float:
        """Seconds of one step."""
        return self.request_timeout

    @property
    def reading(self) -> Reading:
        """How the source's answer is read."""
        return Reading(self.described.name, self.label, self.username_claim, self.groups_claim)

    def _problems(self) -> Iterator[str]:
        backend = self.described
        if backend.kind == "unproven" and not self.dangerous_no_proof:
            yield (
                f"the backend {backend.name!r} checks no password: whoever types an address or a name is believed. "
                "For accounts with passwords use the type 'native'. Only dangerous_no_proof = True lets it start"
            )
        if backend.kind == "embedded":
            yield (
                f"the backend {backend.name!r} works by a page or a script of the service itself, which a hub does not "
                "show; use another backend of the same service"
            )
        if backend.kind == "saml" and not _is_sources(self.resolved["ENABLED_IDPS"]):
            yield "the setting 'ENABLED_IDPS' must be a dictionary from names of sources to their settings"
            return
        if not (self.reusable_subject or backend.only_connects or backend.kind == "unproven"):
            yield from self._reusable()
        yield from self._insecure()

    def _reusable(self) -> Iterator[str]:
        """Row V16: a subject is the source's own immutable id."""
        backend, told = self.described, "can pass from one person to another; set reusable_subject = True to accept it"
        key = str(self.resolved.get("ID_KEY") or backend.subject)
        if reusable(key) or key in backend.mutable:
            yield f"the backend {backend.name!r} knows people by {key!r}, which {told}"
        if self.resolved.get("USERNAME_AS_ID"):
            yield f"USERNAME_AS_ID: a name {told}"
        if backend.kind == "saml":
            yield from _reusable_names(self.resolved["ENABLED_IDPS"], told)

    def _insecure(self) -> Iterator[str]:
        sources = self.resolved["ENABLED_IDPS"] if self.described.kind == "saml" else {}
        urls = {f"ENABLED_IDPS[{idp!r}] URL": conf.get("url") for idp, conf in sources.items()}
        for name, value in {**self.resolved, **urls}.items():
            if name.endswith(ADDRESSES) and isinstance(value, str) and "://" in value:
                problem = problem_with(value, self.allow_insecure_hosts)
                if problem:
                    yield f"the setting {name!r} cannot be used: {problem}"


def _is_sources(idps: Any) -> bool:
    return isinstance(idps, Mapping) and all(isinstance(conf, Mapping) for conf in idps.values())


def _reusable_names(idps: Mapping[str, Any], told: str) -> Iterator[str]:
    """What each source of SAML knows people by; the attributes that python-social-auth tries first are login names."""
    for idp, conf in idps.items():
        named = conf.get("attr_user_permanent_id")
        if not named:
            yield (
                f"ENABLED_IDPS[{idp!r}] needs 'attr_user_permanent_id': the attribute that stays a person's for ever, "
                "or 'name_id' where the source sends a persistent one"
            )
        elif reusable(str(named)) or named in SAML_NAMES or named == EPPN:
            yield f"ENABLED_IDPS[{idp!r}] knows people by {named!r}, which {told}"
