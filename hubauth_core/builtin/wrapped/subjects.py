"""What identifies a person at a wrapped source: a path into what it returned, or, declared so, the username.

The presets name the keys that OAuthenticator 17.4 and ltiauthenticator 1.6 keep in `auth_state`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ...errors import ConfigError, ProviderError
from ...provider import reusable

Path = tuple[str, ...]
"""One or several dotted paths; several together make one subject. `a|b` in a path takes the first that is there."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What is known of a class. `{user}` in a path stands for the class's `user_auth_state_key`.

    `elsewhere`: a sign-in can only begin at the source. `blocks`: its coroutine `authenticate` blocks the event loop.
    `refreshes`: its `refresh_user` works with the auth_state it keeps.
    """

    subject: Path = ()
    reusable_names: bool = False
    elsewhere: bool = False
    blocks: bool = False
    refreshes: bool = True


_BY_NAME: Final = Preset(reusable_names=True)
"""Names of a system, a directory or a shared secret: there is nothing else, and somebody else may get one later."""

_SUB: Final = Preset(subject=("{user}.sub",))

PRESETS: Final[Mapping[str, Preset]] = {
    "jupyterhub.auth.PAMAuthenticator": _BY_NAME,
    "jupyterhub.auth.DummyAuthenticator": _BY_NAME,
    "jupyterhub.authenticators.shared.SharedPasswordAuthenticator": _BY_NAME,
    # An entryUUID is better where the directory has one: subject_key = "user_attributes.entryUUID".
    "ldapauthenticator.ldapauthenticator.LDAPAuthenticator": Preset(reusable_names=True, blocks=True),
    "ltiauthenticator.lti11.auth.LTI11Authenticator": Preset(subject=("user_id",), elsewhere=True),
    "ltiauthenticator.lti13.auth.LTI13Authenticator": Preset(subject=("sub",), elsewhere=True),
    "oauthenticator.auth0.Auth0OAuthenticator": _SUB,
    "oauthenticator.azuread.AzureAdOAuthenticator": Preset(subject=("{user}.tid", "{user}.oid")),
    "oauthenticator.bitbucket.BitbucketOAuthenticator": Preset(subject=("{user}.uuid",)),
    "oauthenticator.cilogon.CILogonOAuthenticator": _SUB,
    "oauthenticator.generic.GenericOAuthenticator": _SUB,
    "oauthenticator.github.GitHubOAuthenticator": Preset(subject=("{user}.id",)),
    "oauthenticator.gitlab.GitLabOAuthenticator": Preset(subject=("{user}.id",)),
    "oauthenticator.globus.GlobusOAuthenticator": _SUB,
    # Google's older userinfo endpoint says `id` for the same value.
    "oauthenticator.google.GoogleOAuthenticator": Preset(subject=("{user}.sub|{user}.id",)),
    "oauthenticator.mediawiki.MWOAuthenticator": Preset(subject=("{user}.sub",), refreshes=False),
    "oauthenticator.openshift.OpenShiftOAuthenticator": Preset(subject=("{user}.metadata.uid",)),
}
"""By the full name of a class; its subclasses inherit the entry."""


def preset_of(cls: type[Any]) -> Preset:
    """What is known of a class or of the nearest class it extends."""
    for each in cls.__mro__:
        if known := PRESETS.get(f"{each.__module__}.{each.__qualname__}"):
            return known
    return Preset()


def subject_path(inner: Any, subject_key: str | Sequence[str], reusable_names: bool | None) -> Path:
    """The paths that make the subject; none where the name is the subject. Raises ConfigError where nothing says."""
    cls = type(inner)
    preset = preset_of(cls)
    if subject_key and reusable_names:
        raise ConfigError("subject_key and reusable_names exclude each other: set one of them")
    if subject_key:
        return _lasting((subject_key,) if isinstance(subject_key, str) else tuple(subject_key))
    if reusable_names or (reusable_names is None and preset.reusable_names):
        return ()
    if not preset.subject:
        raise ConfigError(
            f"nothing says what identifies a person of {cls.__name__} for ever. Set subject_key to the dotted path of "
            "an immutable id in its auth_state (for example 'oauth_user.sub'), or, if there is none, "
            "reusable_names = True, which gives a hub user to whoever has the name"
        )
    if len(getattr(inner, "consumers", ())) > 1:
        raise ConfigError(
            f"two consumers of {cls.__name__} may give one user_id to two people: configure a provider for each "
            "consumer, or set subject_key"
        )
    user = getattr(inner, "user_auth_state_key", "")
    return tuple(path.replace("{user}", user) for path in preset.subject)


def _lasting(path: Path) -> Path:
    """The path, if it leads to nothing that passes from one person to another (row V16). Raises ConfigError."""
    for alternative in (each for part in path for each in part.split("|")):
        if reusable(alternative):
            raise ConfigError(
                f"subject_key = {alternative!r} can pass from one person to another; name an id that never changes, "
                "or, if there is none, set reusable_names = True"
            )
    return path


def subject_of(model: Mapping[str, Any], path: Path) -> str:
    """The subject in the model that a sign-in of a wrapped authenticator returned. Raises ProviderError."""
    if not path:
        return str(model["name"])
    parts = [_first_of(model, alternatives) for alternatives in path]
    if None in parts:
        missing = ", ".join(alternatives for alternatives, part in zip(path, parts, strict=True) if part is None)
        raise ProviderError(f"The answer does not say who you are ({missing} is missing).", code="subject_missing")
    found = [str(part) for part in parts]
    return found[0] if len(found) == 1 else "/".join(quote(part, safe="") for part in found)


def _first_of(model: Mapping[str, Any], alternatives: str) -> str | int | None:
    for path in alternatives.split("|"):
        for place in (model.get("auth_state"), model):
            value = _look_up(place, path)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return value
    return None


def _look_up(place: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(place, Mapping):
            return None
        place = place.get(key)
    if isinstance(place, list | tuple) and len(place) == 1:  # LDAP's attributes are lists
        return place[0]
    return place
