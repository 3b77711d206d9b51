"""The flow of a sign-in: begin, finish, bind. Data comes in at the top; nothing is written before the hub has accepted.

begin -> provider -> browser -> finish: provider -> vetoes -> access -> mapping (the name is reserved) -> the hub's own
login -> bind: identity and vault in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Final

from .access import Access, Verdict
from .binding import check_subject
from .calls import Asked
from .challenges import Challenges, HeldUp
from .errors import HubAuthError, LoginRefused, ProviderError, StoreError
from .events import Audit
from .identities import Identities, new_id
from .mapping import Mapper, Place, Record, hub_key
from .provider import Provider, is_lookalike
from .registry import Registry
from .transaction import begin, remember
from .types import (
    Answered,
    Credential,
    Decision,
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

LONGEST_SUBJECT: Final = 255
"""Characters of a subject (row X13)."""

LONGEST_NAME: Final = 255
"""Characters of a provider's username (row V14)."""


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """Somebody whom a provider vouches for and no rule of ours refuses; the hub has the last word."""

    sign_in: SignIn
    verdict: Verdict
    place: Place

    @property
    def identity(self) -> Identity:
        return self.sign_in.identity


class SignInFlow:
    """Takes a sign-in from its first request to the records of who is who."""

    def __init__(
        self, *, registry: Registry, access: Access, mapper: Mapper, identities: Identities, vault: Vault, audit: Audit
    ) -> None:
        self.registry = registry
        self.access = access
        self.mapper = mapper
        self.identities = identities
        self.vault = vault
        self.audit = audit
        self.challenges = Challenges()

    async def begin(
        self, provider: str, request: Request, *, redirect_uri: str, next_url: str
    ) -> tuple[Step, Transaction]:
        """The first step of a sign-in, and its transaction for the browser to keep. Raises ProviderError."""
        transaction = begin(provider, redirect_uri=redirect_uri, next_url=next_url)
        step: Step = await self.registry.ask("hubauth_begin_login", provider, request=request, transaction=transaction)
        return step, remember(transaction, step.memo)

    async def finish(self, provider: str, request: Request, transaction: Transaction) -> Admitted | Step:
        """What the browser brought back: a further step, or somebody to admit. Raises LoginRefused, ProviderError."""
        held = self.challenges.resume(transaction.state)
        if held is not None:
            return await self._pass(held.sign_in, transaction, held.asked, request.form)
        answer: SignIn | Step = await self.registry.ask(
            "hubauth_finish_login", provider, request=request, transaction=transaction
        )
        return await self._pass(checked(answer, provider), transaction) if isinstance(answer, SignIn) else answer

    async def admit(self, provider: str, sign_in: SignIn) -> Admitted:
        """Admit somebody who came by a page of the provider's own, where no further step can be shown.

        Raises LoginRefused, ProviderError.
        """
        admitted = await self._pass(checked(sign_in, provider), None)
        if not isinstance(admitted, Admitted):
            raise LoginRefused("This hub wants one more step, which this way in cannot show.", code="step_impossible")
        return admitted

    async def _pass(
        self,
        sign_in: SignIn,
        transaction: Transaction | None,
        asked: Asked | None = None,
        answer: Answered | None = None,
    ) -> Admitted | Form:
        """Every rule of ours in turn: plugins, which may want one more step, then access and mapping."""
        identity = sign_in.identity
        scopes = frozenset[str]().union(*(credential.scopes for credential in sign_in.credentials))
        try:
            asked = await self.registry.check_login(identity, scopes, asked, answer)
            if asked is None:
                return await self._admit(sign_in)
        except HubAuthError as error:
            error.subject, error.username = identity.subject, identity.username
            raise
        if transaction is not None:
            self.challenges.hold(transaction.state, HeldUp(sign_in, asked))
        return asked.form

    async def _admit(self, sign_in: SignIn) -> Admitted:
        """Apply the rules, and reserve the hub username."""
        identity = sign_in.identity
        source = self.registry.provider(identity.provider)
        try:
            verdict = self.access.decide(source, identity, sign_in.decision)
        except LoginRefused:
            if self.access.is_blocked_name(source, identity):
                await self.identities.pin(source.name, source.normalize_username(identity.username), identity.subject)
            raise
        place = self.mapper.place(source, identity, self.registry.map_identity(identity))
        self.mapper.reserve(place, identity)
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
        await self.identities.bind(
            identity,
            hub_user,
            record_id=record_id,
            pin=_pin_of(self.registry.provider(identity.provider), identity.username),
            relies_on_pin=admitted.verdict.relied_on is not None,
            sealed=await self.vault.seal(record_id, identity, sign_in.credentials, sign_in.state),
        )

    def turned_away(self, admitted: Admitted) -> LoginRefused:
        """The hub's own rules did not let them in: give the name back. The answer is for raising."""
        self.mapper.release(admitted.identity, bound=False)
        refusal = LoginRefused("This hub does not let you in. Ask its administrators.", code="not_allowed")
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


def _pin_of(provider: Provider, username: str) -> str:
    """What a sign-in pins to its subject: a look-alike takes nothing from the name that it looks like (row V38)."""
    return username if is_lookalike(username) else provider.normalize_username(username)


def _event(kind: str, identity: Identity, *, hub_user: str, address: str) -> Event:
    return Event(
        kind=kind,
        provider=identity.provider,
        subject=identity.subject,
        username=identity.username,
        hub_user=hub_user,
        address=address,
    )


def checked(sign_in: SignIn, provider: str) -> SignIn:
    """A sign-in as a plugin gave it, under the provider's name, if it can be one (rows X13, V14, F16).

    Raises ProviderError.
    """
    identity = sign_in.identity
    if not (isinstance(identity, Identity) and _is_text(identity.subject, LONGEST_SUBJECT)):
        raise ProviderError("The answer about who you are could not be used.", code="subject_invalid")
    check_subject(identity.subject)
    if not _is_text(identity.username, LONGEST_NAME):
        raise ProviderError("The answer about your username could not be used.", code="username_invalid")
    if not (isinstance(identity.email, str | None) and isinstance(identity.email_verified, bool)):
        raise ProviderError("The answer about your e-mail could not be used.", code="email_invalid")
    if not (_are_groups(identity.groups) and isinstance(identity.claims, Mapping) and _is_whole(sign_in)):
        raise ProviderError("The answer about you could not be used.", code="answer_invalid")
    return replace(sign_in, identity=replace(identity, provider=provider))


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


def _is_whole(sign_in: SignIn) -> bool:
    decision, credentials = sign_in.decision, sign_in.credentials
    decided = decision is None or (isinstance(decision, Decision) and _is_decided(decision))
    kept = isinstance(credentials, tuple) and all(isinstance(each, Credential) for each in credentials)
    return decided and kept and isinstance(sign_in.state, Mapping | None)


def _is_decided(decision: Decision) -> bool:
    rights = isinstance(decision.allowed, bool) and isinstance(decision.admin, bool | None)
    return rights and _are_groups(decision.groups)


def _are_groups(groups: object) -> bool:
    return groups is None or (isinstance(groups, Set) and all(isinstance(group, str) for group in groups))
