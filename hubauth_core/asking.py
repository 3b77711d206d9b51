"""The home identity's source is asked once more who somebody is; what it says is taken only if it can be.

A token that should be good and is not taken is renewed once. Silence, faults and rubbish say nothing about anybody.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import replace
from typing import Any

from .errors import CredentialError, LoginRefused, ProviderError, ProviderUnavailable, StoreError
from .kept_state import KeptState
from .mapping import Record
from .recheck import Recheck
from .refresh import DEFAULT_TTL, Refresher
from .registry import Registry
from .types import Credential, HubCall, ReauthRequired, Refused, SignIn, Unavailable, Unchanged, Updated
from .vault import Held, Vault
from .vouched import checked


class _Unusable(enum.Enum):
    """The source cannot say anything with the credential that it was shown; a renewed one may do."""

    CREDENTIAL = "credential"


class Unclear(enum.Enum):
    """The source has answered, and what it says of this person cannot be used. For some time that says nothing: who can
    spoil an answer about themselves would stay for ever."""

    ANSWER = "answer"


Outcome = Unchanged | Updated | Refused | ReauthRequired | Unclear | None
"""What came of asking; None where nobody was asked, or the source was silent."""


class Asking:
    """Asks sources, in turns; see `recheck`."""

    def __init__(
        self,
        *,
        registry: Registry,
        vault: Vault,
        refresher: Refresher,
        kept: KeptState,
        recheck: Recheck,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self._registry = registry
        self._vault = vault
        self._refresher = refresher
        self._kept = kept
        self._recheck = recheck
        self._log = log

    async def ask(self, record: Record, held: Held | None, hub: HubCall) -> Outcome:
        """What the source says, if it is to be asked and it is this person's turn; a token that runs out is renewed."""
        provider = self._registry.provider(record.provider)
        due = self._recheck.is_due(provider, record)
        if not (due or self._runs_out(held)):
            return None
        with self._recheck.turn(provider) as admitted:
            if not admitted:
                return None
            try:
                credential = await self._credential(record)
            except ProviderError:
                return None
            if not due or (credential is None and provider.needs_credential):
                return None
            return await self._answer(record, credential, hub)

    def _runs_out(self, held: Held | None) -> bool:
        if held is None or held.trouble or not held.renewable:
            return False
        now = self._vault.now()
        return held.retry_at <= now and not held.lasts(now, DEFAULT_TTL)

    async def _credential(self, record: Record, instead_of: Credential | None = None) -> Credential | None:
        """The identity's credential, good for some time; None where there is none. Raises ProviderError."""
        try:
            return await self._refresher.fresh(record, instead_of=instead_of)
        except (CredentialError, StoreError):
            return None

    async def _answer(self, record: Record, credential: Credential | None, hub: HubCall) -> Outcome:
        """Ask; where the credential should be good and is not, once more with a renewed one."""
        hub = replace(hub, state=await self._kept.of(record))
        answer = await self._put(record, credential, hub)
        if credential is not None and isinstance(answer, ReauthRequired | _Unusable):
            try:
                another = await self._credential(record, instead_of=credential)
            except ProviderError:
                return None
            if another not in (None, credential):
                credential, answer = another, await self._put(record, another, hub)
                if answer == ReauthRequired("token_refused"):  # the grant was good a moment ago: a fault of the source
                    return Unclear.ANSWER
        if isinstance(answer, ReauthRequired) and credential is not None:
            await self._give_up(record, credential, answer.reason)
        return Unchanged() if isinstance(answer, _Unusable) else answer

    async def _put(self, record: Record, credential: Credential | None, hub: HubCall) -> Outcome | _Unusable:
        provider = self._registry.provider(record.provider)
        arguments = {"identity": record.identity, "credential": credential, "hub": hub}
        try:
            answer = await self._registry.ask("hubauth_refresh_identity", record.provider, **arguments)
            answer = await self._taken(record, answer) if isinstance(answer, Updated) else answer
        except LoginRefused as refusal:
            answer = Refused(refusal.code)
        except ProviderUnavailable as error:
            answer = Unavailable(error.retry_after)
        except ProviderError:
            answer = Unclear.ANSWER
        except CredentialError:
            answer = _Unusable.CREDENTIAL
        if isinstance(answer, Unavailable):
            self._recheck.silent(provider, answer.retry_after)
            return None
        self._recheck.answered(provider)
        return answer  # type: ignore[no-any-return]  # the registry has checked what it is

    async def _taken(self, record: Record, answer: Updated) -> Updated | ReauthRequired:
        """What a source says now, as far as it can be. Raises ProviderError."""
        said = checked(SignIn(identity=answer.identity, decision=answer.decision, state=answer.state), record.provider)
        if said.identity.subject != record.subject:
            return ReauthRequired("somebody_else")  # behind the same session
        if said.state is not None:
            await self._kept.keep(said.identity, said.state)
        return Updated(said.identity, decision=said.decision)

    async def _give_up(self, record: Record, credential: Credential, reason: str) -> None:
        if not self._registry.provider(record.provider).needs_credential:
            return
        try:
            await self._refresher.give_up(record, credential, reason)
        except StoreError as error:
            self._log.error("hubauth: what a source has taken back could not be noted: %s", error.sentence)
