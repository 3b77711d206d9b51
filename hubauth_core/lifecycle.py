"""What happens to a hub user after the sign-in: refresh, servers, logout, deletion. Their providers are told, or asked.

The provider of the home identity decides at a refresh; the others hear of what concerns them too. A provider that is
out of service is not told; one that was taken out of the configuration keeps its people's identities, not their
sessions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .access import Access, Verdict
from .errors import CredentialError, HubAuthError, LoginRefused, ProviderError, StoreError
from .hub import hub_key_of
from .identities import Identities
from .mapping import HubKey, Record
from .provider import Provider
from .refresh import Refresher, is_taken_back
from .registry import Registry
from .types import Credential, HubCall, Identity, ReauthRequired, Refused, SignIn, Updated
from .vault import Vault
from .vouched import checked


class Lifecycle:
    """Follows hub users. `user` is JupyterHub's user object, or its database row, everywhere."""

    def __init__(
        self,
        *,
        registry: Registry,
        access: Access,
        identities: Identities,
        vault: Vault,
        refresher: Refresher,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self._registry = registry
        self._access = access
        self._identities = identities
        self._vault = vault
        self._refresher = refresher
        self._log = log
        self._refreshing: dict[HubKey, asyncio.Future[Verdict | bool]] = {}
        self._unsaved: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    async def refresh(self, user: Any, handler: Any = None) -> Verdict | bool:
        """Ask the home identity's provider whether all is still so.

        True: nobody can be asked. False: sign in again. A verdict: these are the user's rights now, by the rules and by
        what the source says or, where it does not answer, by what is recorded. JupyterHub asks for each request that
        comes meanwhile; the source is asked once, because a refresh token may be good for one use only (row F10).
        """
        key = hub_key_of(user)
        if key not in self._refreshing:
            self._refreshing[key] = asyncio.ensure_future(self._refresh(user, handler))
            self._refreshing[key].add_done_callback(lambda _: self._refreshing.pop(key))
        return await asyncio.shield(self._refreshing[key])

    async def _refresh(self, user: Any, handler: Any) -> Verdict | bool:
        record = self._identities.home_of(hub_key_of(user))
        if record is None or record.provider in self._registry.broken:
            return True
        if record.provider not in self._registry.providers:
            return False
        hub = HubCall(user=user, handler=handler, state=await self._state(record))
        arguments = {"identity": record.identity, "credential": await self.credential(record), "hub": hub}
        if is_taken_back((await self._vault.credential(record)).held):
            return False
        try:
            outcome = await self._registry.ask("hubauth_refresh_identity", record.provider, **arguments)
            said = await self._said(record, outcome) if isinstance(outcome, Updated) else None
        except LoginRefused:
            return False
        except (ProviderError, CredentialError):
            outcome = said = None  # an answer that cannot be used says nothing
        if isinstance(outcome, ReauthRequired):
            return False
        verdict = False if isinstance(outcome, Refused) else self._judge(record, said)
        if isinstance(outcome, Refused | Updated):
            await self._identities.mark(record, refused=verdict is False)
        elif record.refused_at is not None:  # at a sign-in meanwhile; a source that says nothing new leaves it so
            return False
        return verdict

    async def _said(self, record: Record, outcome: Updated) -> SignIn:
        """What a source says now. Raises ProviderError, and LoginRefused for somebody else behind the same session."""
        said = SignIn(identity=outcome.identity, decision=outcome.decision, state=outcome.state)
        said = checked(said, record.provider)
        if said.identity.subject != record.subject:
            raise LoginRefused("Somebody else has signed in there.", code="somebody_else")
        if said.state is not None:
            await self.keep_state(said.identity, said.state)
        return said

    def _judge(self, record: Record, said: SignIn | None) -> Verdict | bool:
        """The rules once more, on what the source says or on what is recorded."""
        provider = self._registry.provider(record.provider)
        try:
            if said is None:
                return self._access.recorded(provider, record)
            return self._access.decide(provider, said.identity, said.decision, scopes=record.scopes)
        except LoginRefused:
            return False

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

    async def way_out(self, user: Any, return_to: str) -> str | None:
        """Where the browser of somebody who has signed out goes to end the session at the source, None for nowhere."""
        home = self._identities.home_of(hub_key_of(user))
        if home is None or home.provider not in self._registry.providers:
            return None
        credential = (await self._vault.credential(home)).content
        try:
            url: str | None = self._registry.ask_now(
                "hubauth_logout_url", home.provider, credential=credential, return_to=return_to
            )
        except HubAuthError:
            return None  # the registry has logged it, and the hub's own session is over
        return url

    async def give_back(self, user: Any) -> None:
        """Have all that was issued for the user revoked (row R17); nobody gets it any more before the next sign-in."""
        try:
            await self._vault.give_back(self._identities.of_hub_user(hub_key_of(user)))
        except StoreError as error:  # who signs out is out all the same
            self._log.error("hubauth: the credentials of %s could not be given back: %s", user.name, error.sentence)

    async def deleted(self, user: Any) -> None:
        """The hub user is going: providers are told, identities and credentials go. Raises StoreError."""
        for record in self._of(hub_key_of(user)):
            await self._mention("hubauth_user_deleted", record, HubCall(user=user))
        await self._identities.forget(hub_key_of(user))

    async def keep_state(self, identity: Identity, state: Mapping[str, Any]) -> None:
        """Replace what a provider keeps of an identity (`SignIn.state`). What cannot be stored now is stored later.

        There may be a token in it that was just renewed, and the one before is dead (row R04).
        """
        try:
            record = self._identities.find(*identity.key)
            if record is not None:
                await self._vault.store(await self._vault.seal(record.id, identity, state=state), time.time())
            self._unsaved.pop(identity.key, None)
        except StoreError:
            self._log.error("hubauth: what %r keeps of an identity could not be stored yet", identity.provider)
            self._unsaved[identity.key] = (time.time(), state)

    def _of(self, user: HubKey) -> list[Record]:
        return [each for each in self._identities.of_hub_user(user) if each.provider in self._registry.providers]

    async def _state(self, record: Record) -> Mapping[str, Any] | None:
        opened = await self._vault.state(record)
        since, unsaved = self._unsaved.get(record.identity.key, (0.0, None))
        if unsaved is None or (opened.held is not None and opened.held.updated_at > since):
            self._unsaved.pop(record.identity.key, None)  # a sign-in has brought another one
            return opened.content
        await self.keep_state(record.identity, unsaved)
        return unsaved

    async def _tell(self, hook: str, record: Record, hub: HubCall) -> None:
        call = replace(hub, state=await self._state(record))
        await self._registry.ask(hook, record.provider, identity=record.identity, hub=call)

    async def _mention(self, hook: str, record: Record, hub: HubCall) -> None:
        try:
            await self._tell(hook, record, hub)
        except HubAuthError as error:
            self._log.error("hubauth: provider %r did not take %s: %s", record.provider, hook, error.sentence)


def _cares(provider: Provider) -> bool:
    return type(provider).user_added is not Provider.user_added
