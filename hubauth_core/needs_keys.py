"""Options that mean nothing on a hub that keeps no credentials: without crypt keys they stop the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from traitlets import HasTraits

from .errors import ConfigError

OF_THE_AUTHENTICATOR: Final = (
    *("auth_state_tokens", "git_credential_helper", "spawner_environment", "spawner_files"),
    *("renew_ahead", "revoke_on_logout", "credential_api_url"),
)
OF_A_PROVIDER: Final = ("exchange", "offered_scopes")

REMEDY: Final = "Set JUPYTERHUB_CRYPT_KEY, for example to the output of `openssl rand -hex 32`"


def check_without_keys(authenticator: HasTraits, providers: Mapping[str, HasTraits]) -> None:
    """Raise ConfigError if an option is set that needs stored credentials; call it where there are no crypt keys."""
    found = [f"c.HubAuthenticator.{option}" for option in OF_THE_AUTHENTICATOR if _is_set(authenticator, option)]
    for name, provider in providers.items():
        found += [f"{option} of provider {name!r}" for option in OF_A_PROVIDER if _is_set(provider, option)]
    if found:
        need, them = ("needs", "that option") if len(found) == 1 else ("need", "those options")
        raise ConfigError(
            f"{' and '.join(found)} {need} stored credentials, and without crypt keys this hub stores none. "
            f"{REMEDY}, or leave {them} out."
        )


def _is_set(told: HasTraits, option: str) -> bool:
    """Whether the administrator asks for it; what a provider type has by default asks for nothing."""
    if not told.has_trait(option):
        return False
    value = getattr(told, option)
    return bool(value) and value != told.trait_defaults(option)
