"""The flow of a sign-in: begin, finish, bind. Data comes in at the top; nothing is written before the hub has accepted.

begin -> provider -> browser -> finish: provider -> vetoes -> access -> mapping (the name is reserved) -> the hub's own
login -> bind: identity and vault in one transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from .access import Access, Verdict
from .calls import Asked
from .errors import HubAuthError, LoginRefused, StoreError
from .events import Audit
from .facts import recorded
from .first_login import FirstLogin
from .gate import Gate
from .identities import Identities, new_id
from .linking import Linking
from .mapping import Mapper, Place, Record, hub_key
from .provider import pin_of
from .registry import Registry
from .transaction import remember
from .types import (
    Answered,
    Event,
    Form,
    HubUser,
    Identity,
    Request,
    SignIn,
    Step,
    Transaction,
)
from .vault import Vault
from .vouched import checked
from .waiting import Waiting

MOST_NAMES: Final = 10
"""Names that somebody new may try before the sign-in is over."""

Purpose = Literal["login", "link"]


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """Somebody whom a provider vouches for and no rule of ours refuses; the hub has the last word."""

    sign_in: SignIn
    verdict: Verdict
    place: Place

    @property
    def identity(self) -> Identity:
        return self.sign_in.identity


@dataclass(frozen=True)
class HeldUp:
    """A sign-in of which the source has done its part, and the form that it waits for: a plugin's, or that for a name.

    `tries` counts the names that were typed.
    """

    sign_in: SignIn
    form: Form
    asked: Asked | None = None
    tries: int = 0


class SignInFlow:
    """Takes a sign-in from its first request to the records of who is who."""

    def __init__(
        self,
        *,
        registry: Registry,
        access: Access,
        mapper: Mapper,
        identities: Identities,
        vault: Vault,
        audit: Audit,
        linking: Linking,
    ) -> None:
        self.registry = registry
        self.mapper = mapper
        self.identities = identities
        self.vault = vault
        self.audit = audit
        self.linking = linking
        self._gate = Gate(registry, access, identities)
        self._first_login = FirstLogin(registry, mapper)
        self._held: Waiting[HeldUp] = Waiting()

    async def begin(self, request: Request, transaction: Transaction) -> tuple[Step, Transaction]:
        """The first step of a sign-in, and its transaction for the browser to keep. Raises ProviderError."""
        step: Step = await self.registry.ask(
            "hubauth_begin_login", transaction.provider, request=request, transaction=transaction
        )
        return step, remember(transaction, step.memo)

    async def finish(self, request: Request, transaction: Transaction) -> Admitted | SignIn | Step:
        """What the browser brought back: a further step, or somebody to admit; of a link, whom to connect.

        Raises LoginRefused, ProviderError, StoreError.
        """
        held = self._held.take(transaction.state)
        if held is not None:
            end = await self._go_on(held, request.form, transaction.purpose)
        else:
            sign_in = await self._ask_source(request, transaction)
            if not isinstance(sign_in, SignIn):
                return sign_in
            end = await self._pass(sign_in, transaction.purpose)
        if isinstance(end, HeldUp):
            self._held.keep(transaction.state, end)
            return end.form
        return end

    async def admit(self, provider: str, sign_in: SignIn) -> Admitted:
        """Admit somebody who came by a page of the provider's own, where no further step can be shown.

        Raises LoginRefused, ProviderError, StoreError.
        """
        admitted = await self._pass(checked(sign_in, provider), "login")
        if not isinstance(admitted, Admitted):
            raise LoginRefused("This hub wants one more step, which this way in cannot show.", code="step_impossible")
        return admitted

    async def _ask_source(self, request: Request, transaction: Transaction) -> SignIn | Step:
        provider = transaction.provider
        try:
            answer: SignIn | Step = await self.registry.ask(
                "hubauth_finish_login", provider, request=request, transaction=transaction
            )
        except LoginRefused as refusal:
            if refusal.subject:
                await self._gate.note(provider, refusal.subject)
            raise
        return checked(answer, provider) if isinstance(answer, SignIn) else answer

    async def _go_on(self, held: HeldUp, answer: Answered, purpose: Purpose) -> Admitted | SignIn | HeldUp:
        """Somebody who was held up has answered."""
        if held.asked is not None:
            return await self._pass(held.sign_in, purpose, held.asked, answer)
        if held.tries >= MOST_NAMES:
            raise LoginRefused("That were too many names. Sign in again.", code="too_many_attempts")
        with about(held.sign_in.identity):
            return await self._admit(held.sign_in, await self._gate.decide(held.sign_in), answer, held.tries + 1)

    async def _pass(
        self, sign_in: SignIn, purpose: Purpose, asked: Asked | None = None, answer: Answered | None = None
    ) -> Admitted | SignIn | HeldUp:
        """Every rule of ours in turn: plugins, which may want one more step, then access and mapping."""
        with about(sign_in.identity):
            asked = await self._gate.vetoes(sign_in, asked, answer)
            if asked is not None:
                return HeldUp(sign_in, asked.form, asked)
            verdict = await self._gate.decide(sign_in)
            return sign_in if purpose == "link" else await self._admit(sign_in, verdict)

    async def _admit(
        self, sign_in: SignIn, verdict: Verdict, named: Answered | None = None, tries: int = 0
    ) -> Admitted | HeldUp:
        """Find the place and reserve it, or ask for a name; a linked identity has the rights of the home identity."""
        source = self.registry.provider(sign_in.identity.provider)
        if named is None:
            place = self._first_login.place(source, sign_in)
        else:
            place = self._first_login.choose(source, sign_in.identity, named)
        if isinstance(place, Form):
            return HeldUp(sign_in, place, tries=tries)
        if place.linked:
            verdict = await self.linking.rights(place.linked)
        return Admitted(sign_in=sign_in, verdict=verdict, place=place)

    def accepted(self, admitted: Admitted, hub_user: HubUser) -> None:
        """The hub has signed them in. Say so before anything that may fail: a hub user whom the hub has just made
        stays this identity's, to go on with at the next sign-in. Raises StoreError for another hub user.
        """
        meant = admitted.place.hub_user
        if hub_user.name != admitted.place.name or (meant is not None and hub_key(meant) != hub_key(hub_user)):
            raise StoreError("The hub signed in somebody else than it was told to.", code="name_changed")
        if admitted.place.hub_user is None:
            self.mapper.created(admitted.identity, hub_user)

    async def bind(self, admitted: Admitted, hub_user: HubUser, address: str = "") -> None:
        """Record that this identity is that hub user's, and keep what came with it; all of it, or nothing.

        Raises StoreError: then this sign-in does not count.
        """
        identity = admitted.identity
        try:
            self.accepted(admitted, hub_user)
            await self._write(admitted, hub_user)
            self.audit.record(_event("login", identity, hub_user=hub_user.name, address=address))
        except BaseException:
            self.mapper.release(identity, bound=False)
            raise
        self.mapper.release(identity)

    async def _write(self, admitted: Admitted, hub_user: HubUser) -> None:
        identity = admitted.identity
        try:
            await self._write_as(admitted, hub_user, admitted.place.record)
        except StoreError as error:
            # Another tab of the same person may have been faster (row B1).
            record = self.identities.find(*identity.key)
            if error.code != "identity_conflict" or record is None or record.hub_user != hub_key(hub_user):
                raise
            await self._write_as(admitted, hub_user, record)

    async def _write_as(self, admitted: Admitted, hub_user: HubUser, record: Record | None) -> None:
        identity, sign_in = admitted.identity, admitted.sign_in
        record_id = record.id if record else new_id()
        moves = record is not None and record.hub_user != hub_key(hub_user)
        provider = self.registry.provider(identity.provider)
        await self.identities.bind(
            identity,
            hub_user,
            record_id=record_id,
            pin=pin_of(provider, identity.username),
            facts=recorded(identity, sign_in.scopes, provider.rule_claims, provider.asked_about),
            relies_on_pin=admitted.verdict.relied_on is not None,
            sealed=await self.vault.seal(record_id, identity, sign_in.credentials, sign_in.state, anew=moves),
        )

    def turned_away(self, admitted: Admitted, refusal: HubAuthError | None = None) -> HubAuthError:
        """A rule of the hub as a whole did not let them in: give the name back. The answer is for raising."""
        self.mapper.release(admitted.identity, bound=False)
        told = refusal or self.registry.provider(admitted.identity.provider).not_admitted(admitted.identity)
        refusal = told or LoginRefused("This hub does not let you in. Ask its administrators.", code="not_allowed")
        refusal.subject, refusal.username = admitted.identity.subject, admitted.identity.username
        return refusal

    def refused(self, provider: str, error: HubAuthError, *, address: str = "") -> None:
        """One audit event for a sign-in that did not work."""
        self.audit.record(
            Event(
                kind="login_refused",
                provider=provider,
                reason=error.code,
                subject=error.subject,
                username=error.username,
                address=address,
            )
        )


@contextlib.contextmanager
def about(identity: Identity) -> Iterator[None]:
    """Errors in here are about this person, for the audit trail."""
    try:
        yield
    except HubAuthError as error:
        error.subject, error.username = identity.subject, identity.username
        raise


def _event(kind: str, identity: Identity, *, hub_user: str, address: str) -> Event:
    return Event(
        kind=kind,
        provider=identity.provider,
        subject=identity.subject,
        username=identity.username,
        hub_user=hub_user,
        address=address,
    )
