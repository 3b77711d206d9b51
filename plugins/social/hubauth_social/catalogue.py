"""Every backend of social-auth-core, as data: what there is can be told without importing any of it.

`catalogue.json` is written by `plugins/social/generate.py`, from the classes themselves.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hubauth_core import ConfigError

from .reading import read

DATA: Final = Path(__file__).with_name("catalogue.json")

KINDS: Final = {
    "oauth2": "OAuth 2.0",
    "oidc": "OpenID Connect",
    "oauth1": "OAuth 1.0",
    "openid": "OpenID 2.0",
    "saml": "SAML 2.0",
    "own": "of its own",
    "unproven": "proves nothing",
    "embedded": "a page of the service itself",
}
"""What a backend speaks. An `unproven` one believes what is typed; no sign-in with an `embedded` one starts here."""

_BASES: Final = {
    "social_core.backends.open_id_connect.OpenIdConnectAuth": "oidc",
    "social_core.backends.oauth.BaseOAuth2": "oauth2",
    "social_core.backends.oauth.BaseOAuth1": "oauth1",
    "social_core.backends.open_id.OpenIdAuth": "openid",
    "social_core.backends.saml.SAMLAuth": "saml",
    "social_core.backends.legacy.LegacyAuth": "unproven",
}
"""The class that makes a backend of a kind; the first that stands in its bases."""

_EMBEDDED: Final = frozenset(
    {
        "facebook.FacebookAppOAuth2",
        "facebook_limited.FacebookLimitedLogin",
        "google_onetap.GoogleOneTap",
        "loginradius.LoginRadiusAuth",
        "odnoklassniki.OdnoklassnikiApp",
        "vk.VKAppOAuth2",
        "vk.VKontakteOpenAPI",
    }
)

_ASKS: Final = {
    "livejournal.LiveJournalOpenId": "openid_lj_user",
    "open_id.OpenIdAuth": "openid_identifier",
    "shopify.ShopifyOAuth2": "shop",
}
"""What a backend asks the person for before it knows where to send the browser."""

_EXTRAS: Final = {"saml": "saml", "shopify": "shopify", "google_onetap": "google-onetap"}
"""Modules that need an extra of social-auth-core."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One backend. `path` is where its class is, `name` what python-social-auth calls it, which may stand for several.

    `needs` are the settings without which it cannot work, `knows` all that it reads. `subject` is the part of the
    answer that a person is known by. `icon` is the file that comes with it, `brand` an icon of the hub's Font Awesome.
    """

    path: str
    name: str
    title: str
    kind: str
    subject: str = ""
    mutable: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    knows: frozenset[str] = field(default=frozenset(), repr=False)
    icon: str = ""
    brand: str = ""
    asks: str = ""
    extra: str = ""
    only_connects: bool = False
    revokes: bool = False

    def load(self) -> type[Any]:
        """The class; its module is imported. Raises ConfigError."""
        module, _, name = self.path.rpartition(".")
        try:
            cls = getattr(import_module(module), name)
        except ImportError as error:
            hint = f"; install social-auth-core[{self.extra}]" if self.extra else ""
            raise ConfigError(f"the backend {self.path} cannot be imported: {error}{hint}") from None
        return _checked(cls, self.path)


@cache
def backends() -> tuple[Backend, ...]:
    """Every backend that comes with social-auth-core, by import path."""
    rows = json.loads(DATA.read_text())["backends"]
    return tuple(_from_row(row) for row in rows)


def find(wanted: str) -> Backend:
    """The backend of a name, or of an import path, which may also lead to a class of somebody else's.

    Raises ConfigError: none, or several of that name.
    """
    named = [each for each in backends() if wanted in (each.name, each.path)]
    if len(named) == 1:
        return named[0]
    if named:
        paths = ", ".join(each.path for each in named)
        raise ConfigError(f"backend = {wanted!r} is the name of several: write the import path of one, {paths}")
    if "." in wanted:
        module, _, name = wanted.rpartition(".")
        try:
            return described(_checked(getattr(import_module(module), name, None), wanted))
        except ImportError as error:
            raise ConfigError(f"backend = {wanted!r} cannot be imported: {error}") from None
    near = difflib.get_close_matches(wanted, [each.name for each in backends()], n=3, cutoff=0.5)
    hint = f"The nearest: {', '.join(dict.fromkeys(near))}." if near else "`hubauth social backends` lists all."
    raise ConfigError(f"there is no backend {wanted!r}. {hint}")


def described(cls: type[Any]) -> Backend:
    """What there is to say of a backend class."""
    kind, said = kind_of(cls), read(cls)
    short = cls.__module__.removeprefix("social_core.backends.") + "." + cls.__name__
    return Backend(
        path=f"{cls.__module__}.{cls.__name__}",
        name=cls.name,
        title=cls.title or cls.name,
        kind="embedded" if short in _EMBEDDED else kind,
        subject=cls.ID_KEY or "",
        mutable=tuple(cls.MUTABLE_ID_KEYS),
        needs=(*_identified_by(cls, kind, said.needed), *_addresses(cls, kind)),
        knows=said.known,
        icon=cls.icon or "",
        asks=_ASKS.get(short, ""),
        extra=_EXTRAS.get(cls.__module__.rpartition(".")[2], ""),
        only_connects=bool(cls.ASSOCIATION_ONLY),
        revokes=bool(getattr(cls, "REVOKE_TOKEN_URL", "")),
    )


def kind_of(cls: type[Any]) -> str:
    """What a backend class speaks: one of `KINDS`."""
    found = (_BASES.get(f"{base.__module__}.{base.__name__}") for base in cls.__mro__)
    return next((kind for kind in found if kind), "own")


def row(backend: Backend) -> dict[str, Any]:
    """A backend as it stands in `catalogue.json`, without what is empty."""
    values = {name: getattr(backend, name) for name in Backend.__dataclass_fields__}
    plain = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items() if value}


def _from_row(row: dict[str, Any]) -> Backend:
    lists = {name: tuple(row.get(name, ())) for name in ("mutable", "needs")}
    return Backend(**{**row, **lists, "knows": frozenset(row.get("knows", ()))})


def _identified_by(cls: type[Any], kind: str, needed: Sequence[str]) -> Iterable[str]:
    """What identifies the hub at the source comes first; what else the class reads follows."""
    own = any("get_key_and_secret" in vars(each) for each in cls.__mro__ if each.__name__ != "BaseAuth")
    uses = kind in {"oauth1", "oauth2", "oidc"} or "get_key_and_secret" in _names(cls)
    return dict.fromkeys([*(("KEY", "SECRET") if uses and not own else ()), *needed])


def _names(cls: type[Any]) -> set[str]:
    """The names that the methods of a class use."""
    methods = (each for base in cls.__mro__ if base.__name__ != "BaseAuth" for each in vars(base).values())
    plain = (inspect.unwrap(each) for each in methods if inspect.isfunction(each))
    return {name for each in plain for name in each.__code__.co_names}


def _addresses(cls: type[Any], kind: str) -> Iterable[str]:
    """Addresses that the class leaves to whoever configures it."""
    if kind == "oidc":
        known = cls.OIDC_ENDPOINT or _overrides(cls, "oidc_config_url", "OIDCDiscoveryMixin", "OpenIdConnectAuth")
        asked = cls.__name__ != "EGICheckinOpenIdConnect"
        reads = not {"DOMAIN"} & read(cls).known
        return () if known or not asked or not reads else ("OIDC_ENDPOINT",)
    if kind != "oauth2":
        return ()
    pairs = (("AUTHORIZATION_URL", "authorization_url"), ("ACCESS_TOKEN_URL", "access_token_url"))
    started = _overrides(cls, "auth_url", "BaseOAuth2", "BaseAuth") or _overrides(cls, "auth_html", "BaseAuth")
    return [
        setting
        for setting, method in pairs
        if not getattr(cls, setting) and not _overrides(cls, method, "OAuthAuth") and not started
    ]


def _overrides(cls: type[Any], method: str, *bases: str) -> bool:
    definer = next((each for each in cls.__mro__ if method in vars(each)), None)
    return definer is not None and definer.__name__ not in bases


def _checked(cls: Any, path: str) -> type[Any]:
    if not (isinstance(cls, type) and any(base.__name__ == "BaseAuth" for base in cls.__mro__)):
        raise ConfigError(f"backend = {path!r} is not a backend of python-social-auth")
    if not cls.name:  # type: ignore[attr-defined]
        raise ConfigError(f"backend = {path!r} is a base of backends, and none itself: it has no name")
    return cls
