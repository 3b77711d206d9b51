"""The flow of a sign-in: begin, finish, bind. Data comes in at the top; nothing is written before the hub has accepted.

begin -> provider -> browser -> finish: provider -> vetoes -> access -> mapping (the name is reserved) -> the hub's own
login -> bind: identity and vault in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .access import Access, Verdict
from .errors import HubAuthError, LoginRefused, ProviderError, StoreError
from .events import Audit
from .identities import Identities, new_id
from .mapping import Mapper, Place
from .registry import Registry
from .transaction import begin, remember
from .types import Event, HubUser, Identity, Request, SignIn, Step, Transaction
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

    async def begin(
        self, provider: str, request: Request, *, redirect_uri: str, next_url: str
    ) -> tuple[Step, Transaction]:
        """The first step of a sign-in, and its transaction for the browser to keep. Raises ProviderError."""
        transaction = begin(provider, redirect_uri=redirect_uri, next_url=next_url)
        step: Step = await self.registry.ask("hubauth_begin_login", provider, request=request, transaction=transaction)
        return step, remember(transaction, step.memo)

    async def finish(self, provider: str, request: Request, transaction: Transaction) -> Admitted | Step:
        """What the browser brought back: a further step, or somebody to admit. Raises LoginRefused, ProviderError."""
        answer: SignIn | Step = await self.registry.ask(
            "hubauth_finish_login", provider, request=request, transaction=transaction
        )
        return await self.admit(provider, answer) if isinstance(answer, SignIn) else answer

    async def admit(self, provider: str, sign_in: SignIn) -> Admitted:
        """Apply every rule of ours to a sign-in, and reserve the hub username. Raises LoginRefused, ProviderError."""
        identity = checked(replace(sign_in.identity, provider=provider))
        try:
            return await self._admit(replace(sign_in, identity=identity))
        except HubAuthError as error:
            error.subject, error.username = identity.subject, identity.username
            raise

    async def _admit(self, sign_in: SignIn) -> Admitted:
        identity = sign_in.identity
        source = self.registry.provider(identity.provider)
        scopes = frozenset[str]().union(*(credential.scopes for credential in sign_in.credentials))
        await self.registry.check_login(identity, scopes)
        try:
            verdict = self.access.decide(source, identity, sign_in.decision)
        except LoginRefused:
            if self.access.is_blocked_name(source, identity):
                await self.identities.pin(source.name, source.normalize_username(identity.username), identity.subject)
            raise
        place = self.mapper.place(source, identity, self.registry.map_identity(identity))
        self.mapper.reserve(place, identity)
        return Admitted(sign_in=sign_in, verdict=verdict, place=place)

    async def bind(self, admitted: Admitted, hub_user: HubUser, address: str = "") -> None:
        """Record that this identity is that hub user's, and keep what came with it; all of it, or nothing.

        Raises StoreError: then this sign-in does not count.
        """
        identity, place = admitted.identity, admitted.place
        try:
            if hub_user.name != place.name:
                raise StoreError("The hub signed in somebody else than it was told to.", code="name_changed")
            if place.hub_user is None:
                self.mapper.created(identity, hub_user)
            record_id = place.record.id if place.record else new_id()
            sealed = await self.vault.seal(record_id, identity, admitted.sign_in.credentials, admitted.sign_in.state)
            await self.identities.bind(
                identity,
                hub_user,
                record_id=record_id,
                pin=self.registry.provider(identity.provider).normalize_username(identity.username),
                relies_on_pin=admitted.verdict.relied_on is not None,
                sealed=sealed,
            )
            self.audit.record(_event("login", identity, hub_user=hub_user.name, address=address))
        except BaseException:
            self.mapper.release(identity, bound=False)
            raise
        self.mapper.release(identity)

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


def _event(kind: str, identity: Identity, *, hub_user: str, address: str) -> Event:
    return Event(
        kind=kind,
        provider=identity.provider,
        subject=identity.subject,
        username=identity.username,
        hub_user=hub_user,
        address=address,
    )


def checked(identity: Identity) -> Identity:
    """An identity as a plugin gave it, if it can be one (rows X13, V14). Raises ProviderError."""
    if not (isinstance(identity.subject, str) and 0 < len(identity.subject) <= LONGEST_SUBJECT):
        raise ProviderError("The answer about who you are could not be used.", code="subject_invalid")
    if "\0" in identity.subject:
        raise ProviderError("The answer about who you are could not be used.", code="subject_invalid")
    if not (isinstance(identity.username, str) and 0 < len(identity.username) <= LONGEST_NAME):
        raise ProviderError("The answer about your username could not be used.", code="username_invalid")
    if identity.email_verified is not True and identity.email_verified is not False:
        raise ProviderError("The answer about your e-mail could not be used.", code="email_invalid")
    return identity
