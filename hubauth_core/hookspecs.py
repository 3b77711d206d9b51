"""The contract with plugins: every hook, its arguments, what it answers.

An *addressed* hook is answered only by the provider that is named; a *broadcast* one by every plugin. Codes, tokens and
passwords travel only in addressed calls. An answer of None means "not mine"; an exception means "mine, and bad".
Providers do not implement these: `Provider` does, and calls its plain methods (`begin_login`, `finish_login`, ...).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, Final, get_type_hints

import pluggy

from .core import Core
from .types import (
    Answered,
    Challenge,
    Credential,
    Event,
    HubCall,
    Identity,
    Page,
    RefreshedCredential,
    RefreshedIdentity,
    Request,
    SignIn,
    Step,
    Transaction,
)

PROJECT: Final = "hubauth"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hubauth_provider_type() -> type[Any]:
    """Each entry point of the group `hubauth`: the `Provider` subclass that it brings."""
    raise NotImplementedError


@hookspec
def hubauth_start(provider: str, core: Core) -> None:
    """Addressed: the hub is about to serve; once, before anything else. Raise ConfigError to stop it."""


@hookspec
async def hubauth_begin_login(provider: str, request: Request, transaction: Transaction) -> Step:
    """Addressed: a `Redirect` to the source, or a `Form` to show."""
    raise NotImplementedError


@hookspec
async def hubauth_finish_login(provider: str, request: Request, transaction: Transaction) -> SignIn | Step:
    """Addressed: a `SignIn`, or the next step of the same transaction. Raises LoginRefused, ProviderError."""
    raise NotImplementedError


@hookspec
async def hubauth_check_login(
    provider: str, identity: Identity, granted_scopes: Set[str], answer: Answered | None
) -> Challenge | None:
    """Broadcast, all run: raise LoginRefused to turn the person away. Any other exception refuses as well.

    A `Challenge` asks for one more step (a second factor, terms to accept). The hook is called again with the `answer`,
    which goes to nobody else: None lets the person go on and counts for the rest of this sign-in.
    """


@hookspec
def hubauth_map_identity(provider: str, identity: Identity) -> str | None:
    """Broadcast: a username for this identity, or None to leave it to others; raise LoginRefused to turn it away.

    The answer stands in place of the provider's username: it is prefixed and checked like one. Two different answers
    refuse the sign-in.
    """


@hookspec
async def hubauth_retrieve_credential(provider: str, credential: Credential, resource: str) -> Credential:
    """Addressed: a credential for a resource of the provider (`Provider.resources`), got with its own `credential`.

    Token exchange lives here. The answer is stored and, where it has a refresh token, renewed by itself. Raises
    CredentialError `invalid_target` or `invalid_request` for what the source will never give.
    """
    raise NotImplementedError


@hookspec
async def hubauth_refresh_credential(provider: str, credential: Credential) -> RefreshedCredential:
    """Addressed: `Fresh`, `Rotated`, `ReauthRequired` or `Unavailable`; one call at a time for each credential.

    `Fresh` of a credential that has expired counts as `ReauthRequired`.
    """
    raise NotImplementedError


@hookspec
async def hubauth_refresh_identity(
    provider: str, identity: Identity, credential: Credential | None, hub: HubCall
) -> RefreshedIdentity:
    """Addressed: who a person at work is now. `Unchanged`; `Updated`, which is recorded and passes the rules; `Refused`
    for a definite no, which ends sessions and API tokens; `ReauthRequired`; or `Unavailable`, which changes nothing.

    Called when what was said last is older than `membership_max_age`, for the home identity alone; `credential` is good
    for a minute, None where none is stored. After ReauthRequired and CredentialError it is called once more with a
    renewed one. ProviderError says nothing about the person.
    """
    raise NotImplementedError


@hookspec
async def hubauth_revoke_credential(provider: str, credential: Credential) -> None:
    """Addressed: tell the source that the credential is no longer wanted; in the background, perhaps more than once.

    After ProviderError the hook is called again for three days, with growing pauses; CredentialError is a definite no.
    """


@hookspec
def hubauth_logout_url(provider: str, credential: Credential | None, return_to: str) -> str | None:
    """Addressed: where the browser goes to end the source's own session, or None."""


@hookspec
async def hubauth_user_added(provider: str, identity: Identity, hub: HubCall) -> None:
    """Addressed: the identity has a hub user now; also called for each known one when the hub starts."""


@hookspec
async def hubauth_user_renamed(provider: str, identity: Identity, hub: HubCall, old_name: str) -> None:
    """Addressed: the identity's hub user has another name now."""


@hookspec
async def hubauth_user_deleted(provider: str, identity: Identity, hub: HubCall) -> None:
    """Addressed: the identity's hub user is gone."""


@hookspec
async def hubauth_pre_spawn(provider: str, identity: Identity, hub: HubCall) -> None:
    """Addressed: a server is about to start; `hub.spawner.environment` may be added to."""


@hookspec
async def hubauth_post_stop(provider: str, identity: Identity, hub: HubCall) -> None:
    """Addressed: a server has stopped."""


@hookspec
async def hubauth_logged_out(provider: str, identity: Identity, hub: HubCall) -> None:
    """Addressed: the user has signed out of the hub."""


@hookspec
def hubauth_pages(provider: str) -> Sequence[Page]:
    """Addressed: the provider's own pages below its path."""
    raise NotImplementedError


@hookspec
def hubauth_event(event: Event) -> None:
    """Broadcast: something happened. A failing listener is logged and breaks nothing."""


BROADCAST: Final = frozenset({"hubauth_check_login", "hubauth_map_identity", "hubauth_event"})
"""Hooks that cross-cutting plugins implement. Every other one is addressed to one provider (or one entry point)."""

SPECS: Final = {name: spec for name, spec in list(globals().items()) if name.startswith("hubauth_")}
"""Every hook by name, in the order of a sign-in."""

ANSWERS: Final = {name: get_type_hints(spec)["return"] for name, spec in SPECS.items()}
"""What each hook may answer, for the registry to check."""
