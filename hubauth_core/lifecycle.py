"""What happens to a hub user after the sign-in: servers, logout, deletion. Their providers are told.

A provider that is out of service, or was taken out of the configuration, is not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .errors import CredentialError, HubAuthError, ProviderError, StoreError
from .hub import hub_key_of
from .identities import Identities
from .kept_state import KeptState
from .mapping import HubKey, Record
from .provider import Provider
from .refresh import Refresher
from .registry import Registry
from .types import Credential, HubCall, Identity
from .vault import Vault


class Lifecycle:
    """Follows hub users. `user` is JupyterHub's user object, or its database row, everywhere."""

    def __init__(
        self,
        *,
        registry: Registry,
        identities: Identities,
        vault: Vault,
        refresher: Refresher,
        kept: KeptState,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self._registry = registry
        self._identities = identities
        self._vault = vault
        self._refresher = refresher
        self._kept = kept
        self._log = log

    async def credential(self, record: Record) -> Credential | None:
        """The identity's credential, good for some time; None where there is none now."""
        try:
            return await self._refresher.fresh(record)
        except (CredentialError, ProviderError, StoreError):
            return None

    async def credential_behind(self, user: Any, provider: Any, subject: Any) -> Credential | None:
        """The credential of that identity, if it is the user's and has one."""
        for record in self._of(hub_key_of(user)):
            if (record.provider, record.subject) == (provider, subject):
                return await self.credential(record)
        return None

    async def added(self, user: Any) -> None:
        """The hub starts and has this user: tell the providers that care."""
        caring = [name for name, each in self._registry.providers.items() if _cares(each)]
        for record in self._of(hub_key_of(user)) if caring else ():
            if record.provider in caring:
                await self._tell("hubauth_user_added", record, HubCall(user=user))

    async def server_starts(self, user: Any, spawner: Any) -> None:
        """A server of the user is about to start; an error of a provider stops it."""
        for record in self._of(hub_key_of(user)):
            call = HubCall(user=user, spawner=spawner, handler=getattr(spawner, "handler", None))
            await self._tell("hubauth_pre_spawn", record, call)

    async def server_stopped(self, user: Any, spawner: Any) -> None:
        """A server of the user has stopped."""
        for record in self._of(hub_key_of(user)):
            await self._tell("hubauth_post_stop", record, HubCall(user=user, spawner=spawner))

    async def logged_out(self, user: Any, handler: Any) -> None:
        """The user has signed out; a provider that fails here stops nothing."""
        for record in self._of(hub_key_of(user)):
            await self._mention("hubauth_logged_out", record, HubCall(user=user, handler=handler))

    async def way_out(self, user: Any, made_with: str, return_to: Callable[[Provider], str]) -> str | None:
        """Where the browser of somebody who has signed out goes to end the session at the source, None for nowhere.

        `made_with`: the provider whose sign-in made this session, "" where nobody knows; no other source's ends (row
        R21). `return_to`: where that source sends the browser back to.
        """
        identities = self._of(hub_key_of(user))
        left = [each for each in identities if each.provider == made_with]
        if not made_with and len(identities) == 1:
            left = identities
        if not left:
            return None
        credential = (await self._vault.credential(left[0])).content
        try:
            url: str | None = self._registry.ask_now(
                "hubauth_logout_url",
                left[0].provider,
                credential=credential,
                return_to=return_to(self._registry.provider(left[0].provider)),
            )
        except HubAuthError:
            return None  # the registry has logged it, and the hub's own session is over
        return url

    async def give_back(self, user: Any, by_default: bool) -> None:
        """Have what was issued for the user revoked where that is wanted, `by_default` or by a provider's own option
        (row R17); nobody gets it any more before the next sign-in."""
        try:
            await self._vault.give_back(
                [each for each in self._identities.of_hub_user(hub_key_of(user)) if self._revokes(each, by_default)]
            )
        except StoreError as error:  # who signs out is out all the same
            self._log.error("hubauth: the credentials of %s could not be given back: %s", user.name, error.sentence)

    def _revokes(self, record: Record, by_default: bool) -> bool:
        provider = self._registry.providers.get(record.provider)
        own = provider.revoke_on_logout if provider is not None else None
        return by_default if own is None else own

    async def deleted(self, user: Any) -> None:
        """The hub user is going: providers are told, identities and credentials go. Raises StoreError."""
        for record in self._of(hub_key_of(user)):
            await self._mention("hubauth_user_deleted", record, HubCall(user=user))
        await self._identities.forget(hub_key_of(user))

    async def keep_state(self, identity: Identity, state: Mapping[str, Any]) -> None:
        """Replace what a provider keeps of an identity (`SignIn.state`)."""
        await self._kept.keep(identity, state)

    def _of(self, user: HubKey) -> list[Record]:
        return [each for each in self._identities.of_hub_user(user) if each.provider in self._registry.providers]

    async def _tell(self, hook: str, record: Record, hub: HubCall) -> None:
        call = replace(hub, state=await self._kept.of(record))
        await self._registry.ask(hook, record.provider, identity=record.identity, hub=call)

    async def _mention(self, hook: str, record: Record, hub: HubCall) -> None:
        try:
            await self._tell(hook, record, hub)
        except HubAuthError as error:
            self._log.error("hubauth: provider %r did not take %s: %s", record.provider, hook, error.sentence)


def _cares(provider: Provider) -> bool:
    return type(provider).user_added is not Provider.user_added
