"""Options that mean nothing on a hub that keeps no credentials: without crypt keys they stop the start.

So do rules by what a source says, where it takes a person's own token to ask it again: who leaves a group would stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from traitlets import HasTraits

from .errors import ConfigError
from .provider import Provider

OF_THE_AUTHENTICATOR: Final = (
    *("auth_state_tokens", "git_credential_helper", "spawner_environment", "spawner_files"),
    *("renew_ahead", "revoke_on_logout", "credential_api_url"),
)
SAID_BY_THE_SOURCE: Final = (
    *("allowed_groups", "required_groups", "admin_groups", "group_map", "role_map", "required_claims"),
)
OF_A_PROVIDER: Final = ("exchange", "offered_scopes", "revoke_on_logout")

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
    for name, provider in providers.items():
        if isinstance(provider, Provider) and (rules := rules_that_ask(provider)):
            raise ConfigError(
                f"Provider {name!r} lets people in by what its source says of them ({', '.join(rules)}). To ask it "
                "again while they are at work takes their tokens, and without crypt keys this hub stores none. "
                f"{REMEDY}; or set membership_max_age = None: what the source says at a sign-in counts until the next."
            )


def rules_that_ask(provider: Provider) -> list[str]:
    """The rules for which it takes a token to ask the source again: options, or the claims of a type's own rules."""
    if not provider.needs_credential or provider.membership_max_age is None:
        return []
    options = [option for option in SAID_BY_THE_SOURCE if getattr(provider, option)]
    return options + [path for path in provider.rule_claims if path not in provider.required_claims]


def _is_set(told: HasTraits, option: str) -> bool:
    """Whether the administrator asks for it; what a provider type has by default asks for nothing."""
    if not told.has_trait(option):
        return False
    value = getattr(told, option)
    return bool(value) and value != told.trait_defaults(option)
