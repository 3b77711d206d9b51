"""A backend's settings, as python-social-auth documents them: by plain names, each once, checked when the hub starts.

https://python-social-auth.readthedocs.io/en/latest/configuration/settings.html
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from traitlets import TraitType

from hubauth_core import ConfigError, Secret
from hubauth_core.plugin import from_environment, read_secret, variable

from .catalogue import Backend
from .reading import AROUND

EVERYWHERE: Final = frozenset({"GROUPS_KEY", "USE_PKCE"})
"""Settings that we know for every backend."""

OF_OURS: Final = {"social_core.backends.telegram.TelegramAuth": ("BOT_USERNAME",)}
"""Settings that a page of ours needs, by the backend's path."""

INSTEAD: Final = {"SECRET": ("CLIENT_ASSERTION", "FEDERATED_TOKEN_FILE")}
"""Settings that stand in for a needed one: Azure's own ways to prove who the hub is."""

SENT_BY_US: Final = frozenset(
    {"client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "response_type", "state"}
)
"""Parameters of an authorization request that the sign-in itself sets."""

NEVER: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "VERIFY_SSL": (
        lambda value: value is not True and not (isinstance(value, str) and value),
        "certificates are always verified; give the path of a CA bundle",
    ),
    "ALLOW_IDP_INITIATED": (bool, "a sign-in begins here, or it could be somebody else's"),
    "IGNORE_MISSING_CSRF_COOKIE": (bool, "an answer that nobody asked for here is not taken"),
    "AUTH_EXTRA_ARGUMENTS": (
        lambda value: bool(SENT_BY_US & set(value)),
        "the sign-in itself sets what it binds it with",
    ),
    "SCOPE": (lambda value: isinstance(value, str), "it is a list with an entry for each scope"),
    "PKCE_CODE_CHALLENGE_METHOD": (lambda value: str(value).lower() != "s256", "only S256 keeps the code safe"),
    "JWT_ALGORITHMS": (lambda value: "none" in {str(each).lower() for each in value}, "tokens are always signed"),
    "JWT_LEEWAY": (
        lambda value: not 0 <= float(value) <= 300,
        "tokens count to their end, and five minutes more at most",
    ),
    "JWT_DECODE_OPTIONS": (
        lambda value: any(str(name).startswith("verify") and each is False for name, each in dict(value).items()),
        "tokens are always verified in full",
    ),
}
"""Values that would take a protection away, or never work: setting -> which, and why not."""


class Settings(TraitType[dict[str, Any], dict[str, Any]]):
    """Settings by name. Secrets stand among them, so no message quotes a value."""

    info_text = "a dictionary of settings"

    def make_dynamic_default(self) -> dict[str, Any]:
        """Each provider has its own."""
        return {}

    def validate(self, obj: Any, value: Any) -> dict[str, Any]:
        """Traitlets' check of a value."""
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return dict(value)
        raise self._refused()

    def _refused(self) -> ConfigError:
        return ConfigError(f"the option {self.name!r} must be a dictionary from the names of settings to their values")

    def error(self, obj: Any, value: Any, error: Any = None, info: Any = None) -> NoReturn:
        """Traitlets would print the value."""
        raise self._refused()


def resolve(backend: Backend, given: Mapping[str, Any], files: Mapping[str, str], provider: str) -> dict[str, Any]:
    """The settings of a provider, by plain names: from the configuration, from files, from the environment.

    Raises ConfigError: unknown, given twice, missing, or one that would take a protection away.
    """
    found: dict[str, Any] = {}
    for written, value in [
        *given.items(),
        *((name, read_secret(f"setting_files[{name}]", files[name])) for name in files),
    ]:
        name = plain(written, backend)
        _check_known(name, written, backend)
        if name in found:
            raise ConfigError(f"the setting {name!r} is given twice; keep one of them")
        found[name] = value.reveal() if isinstance(value, Secret) else value
    for name in needed(backend):
        if not found.get(name) and (value := from_environment(provider, name)):
            found[name] = value
    _check_missing(backend, found, provider)
    _check_safe(found)
    return found


def plain(written: str, backend: Backend) -> str:
    """The plain name of a setting that may be written with its prefix: `SOCIAL_AUTH_TWITTER_OAUTH2_KEY` is `KEY`."""
    name = written.upper()
    own = "SOCIAL_AUTH_" + backend.name.upper().replace("-", "_") + "_"
    return next((name.removeprefix(prefix) for prefix in (own, "SOCIAL_AUTH_") if name.startswith(prefix)), name)


def needed(backend: Backend) -> tuple[str, ...]:
    """Every setting without which a backend cannot work here."""
    return (*backend.needs, *OF_OURS.get(backend.path, ()))


def known(backend: Backend) -> frozenset[str]:
    """Every setting that a backend reads and hubauth leaves to it."""
    return (backend.knows | frozenset(needed(backend)) | EVERYWHERE) - AROUND


def _check_known(name: str, written: str, backend: Backend) -> None:
    if name in AROUND:
        raise ConfigError(
            f"the setting {written!r} does nothing here: what it is about, hubauth does itself, by options of its own"
        )
    if name not in known(backend):
        near = difflib.get_close_matches(name, sorted(known(backend)), n=1, cutoff=0.5)
        hint = f"The nearest one is {near[0]!r}." if near else f"`hubauth social settings {backend.name}` lists all."
        raise ConfigError(f"the backend {backend.name!r} knows no setting {written!r}. {hint}")


def _check_missing(backend: Backend, found: Mapping[str, Any], provider: str) -> None:
    missing = [name for name in needed(backend) if found.get(name) in (None, "", {}, []) and not _stood_in(name, found)]
    if missing:
        several = len(missing) > 1
        raise ConfigError(
            f"the backend {backend.name!r} needs the setting{'s' if several else ''} {', '.join(map(repr, missing))}: "
            f"write {'them' if several else 'it'} into 'settings', or set {variable(provider, missing[0])}"
        )


def _stood_in(name: str, found: Mapping[str, Any]) -> bool:
    return any(found.get(other) for other in INSTEAD.get(name, ()))


def _check_safe(found: Mapping[str, Any]) -> None:
    for name, (taken_away, why) in NEVER.items():
        try:
            bad = name in found and taken_away(found[name])
        except (TypeError, ValueError):
            raise ConfigError(f"the setting {name!r} has a wrong value") from None
        if bad:
            raise ConfigError(f"the setting {name!r} cannot have this value: {why}")
