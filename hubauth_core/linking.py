"""Several identities of one hub user: who may connect which, what a linked one gives, and how one goes again.

A linked identity is another way in and grants nothing: the home identity's provider decides (decision 3 of
docs/architecture.md). Who connects is told by the page, which has checked session and browser (row R09).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .access import Access, Verdict
from .errors import HubAuthError, LinkRefused, LoginRefused, StoreError
from .events import Audit
from .facts import recorded
from .identities import Identities, new_id
from .links import check_room, taken
from .mapping import Record, hub_key
from .provider import Provider, pin_of
from .refresh import is_taken_back
from .registry import Registry
from .types import Decision, Event, HubCall, HubUser, Refused, SignIn, Updated
from .vault import Vault
from .waiting import Waiting


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, where it is not the hub user, and from which address."""

    name: str = ""
    address: str = ""


class Linking:
    """Connects identities to hub users, and takes them away. Every change is one line in the audit trail."""

    def __init__(
        self, *, registry: Registry, access: Access, identities: Identities, vault: Vault, audit: Audit
    ) -> None:
        self._registry = registry
        self._access = access
        self._identities = identities
        self._vault = vault
        self._audit = audit
        self.offers: Waiting[SignIn] = Waiting()
        """Sign-ins that reached no hub user, and may be connected to one that the same browser signs in to."""

    # A linked identity as a way in.

    def works(self, record: Record) -> bool:
        """Whether an identity is a way in: its provider is in service, signs people in, and has not refused it."""
        provider = self._registry.providers.get(record.provider)
        return provider is not None and not provider.only_connects and record.refused_at is None

    async def rights(self, record: Record) -> Verdict:
        """What a sign-in with a linked identity gives: what the home identity's provider says of what is recorded.

        A home provider that is broken can say nothing; then the hub keeps what it has, as at a refresh. One that was
        taken out of service, or has taken its grant back, lets nobody in. Raises LoginRefused.
        """
        home = await self._asked(self._identities.home_of(record.hub_user))
        if home is not None and home.refused_at is None:
            if home.provider in self._registry.broken:
                return Verdict(decision=Decision(allowed=True))
            if home.provider in self._registry.providers:
                await self._check_grant(home)
                return self._by_rules(home)
            raise LoginRefused(
                "What decides about your account is a way to sign in that this hub has no more. Ask an administrator.",
                code="home_removed",
            )
        raise _home_refused()

    async def _asked(self, home: Record | None) -> Record | None:
        """The home identity as its provider sees it now, where that keeps its people itself (row V17)."""
        if home is None or home.provider not in self._registry.providers:
            return home
        if not self._registry.provider(home.provider).keeps_people:
            return home
        arguments = {"identity": home.identity, "credential": None, "hub": HubCall()}
        outcome = await self._registry.ask("hubauth_refresh_identity", home.provider, **arguments)
        if isinstance(outcome, Refused | Updated):
            await self._identities.mark(home, refused=isinstance(outcome, Refused))
        return self._identities.find(*home.identity.key)

    async def _check_grant(self, home: Record) -> None:
        """A grant that was taken back has ended the sessions; another way in must not begin one (row V17)."""
        if is_taken_back((await self._vault.credential(home)).held):
            label = self._registry.provider(home.provider).label
            raise LoginRefused(
                f"{label} decides about your account here, and wants you to sign in there again first.",
                code="home_needs_login",
            )

    def _by_rules(self, home: Record) -> Verdict:
        try:
            verdict = self._access.recorded(self._registry.provider(home.provider), home)
        except LoginRefused:
            raise _home_refused() from None
        return replace(verdict, relied_on=None)

    # Connecting.

    def check(self, user: HubUser, provider: Provider) -> None:
        """Whether a hub user may connect an identity of a provider now. Raises LinkRefused."""
        if not (provider.linkable and provider.ends_here):
            raise LinkRefused(
                f"An account at {provider.label} cannot be connected to another one.", code="not_linkable"
            )
        check_room(self._identities.of_hub_user(hub_key(user)), provider.name)
        if user.has_special_rights and not self._identities.has_consent(hub_key(user), provider.name):
            raise LinkRefused(
                "Your account has special rights, so an administrator has to agree before it gets another way in. "
                "Ask one of them, then connect again.",
                code="consent_needed",
            )

    async def link(self, sign_in: SignIn, user: HubUser, hub: HubCall, by: Actor) -> Record:
        """Connect whom a provider vouches for to a hub user, or renew what is connected already.

        Raises LinkRefused `not_linkable`, `identity_taken`, `already_connected`, `consent_needed`, `no_home`;
        ProviderError, StoreError. Then nothing is written.
        """
        identity = sign_in.identity
        known = self._identities.find(*identity.key)
        if known is not None and known.hub_user != hub_key(user):
            raise taken()
        if known is None:
            self.check(user, self._registry.provider(identity.provider))
            await self._registry.ask("hubauth_user_added", identity.provider, identity=identity, hub=hub)
        record = await self._write(sign_in, user)
        try:
            self._tell("connected" if known is None else "reconnected", record, user, by)
        except StoreError:
            if known is None:  # a way in that no trail knows of
                await self._identities.unlink(hub_key(user), record.provider, lambda _: True)
            raise
        return record

    async def _write(self, sign_in: SignIn, user: HubUser, *, again: bool = True) -> Record:
        identity = sign_in.identity
        known = self._identities.find(*identity.key)
        record_id = known.id if known else new_id()
        provider = self._registry.provider(identity.provider)
        try:
            return await self._identities.link(
                identity,
                user,
                record_id=record_id,
                pin=pin_of(provider, identity.username),
                facts=recorded(identity, sign_in.scopes, provider.rule_claims, provider.asked_about),
                sealed=await self._vault.seal(record_id, identity, sign_in.credentials, sign_in.state),
            )
        except StoreError:
            # Somebody else, or another tab of the same person, may have been faster (rows F19, B1).
            now = self._identities.find(*identity.key)
            if now is not None and now.hub_user != hub_key(user):
                raise taken() from None
            if now == known or not again:
                raise
        return await self._write(sign_in, user, again=False)

    def refused(self, provider: str, error: HubAuthError, user: str, by: Actor) -> None:
        """One audit event for a link that did not come about."""
        self._audit.record(
            Event(
                kind="link_refused",
                provider=provider,
                reason=error.code,
                subject=error.subject,
                username=error.username,
                hub_user=user,
                actor=by.name,
                address=by.address,
            )
        )

    # Afterwards.

    async def unlink(self, user: HubUser, provider: str, by: Actor) -> Record:
        """Take an identity away, and what is stored of it. Raises LinkRefused, StoreError.

        The home identity and the last way in stay: `home_identity`, `last_way_in`.
        """
        record = await self._identities.unlink(hub_key(user), provider, self.works)
        self._tell("disconnected", record, user, by)
        return record

    async def make_home(self, user: HubUser, provider: str, by: Actor) -> Record:
        """Let another provider decide about a hub user from now on. Raises LinkRefused, StoreError."""
        record = next((each for each in self._identities.of_hub_user(hub_key(user)) if each.provider == provider), None)
        if record is not None and not self.works(record):
            raise LinkRefused("That identity is no way in now, so it cannot decide.", code="home_unusable")
        _, now = await self._identities.make_home(hub_key(user), provider)
        self._tell("home_changed", now, user, by)
        return now

    async def consent(self, user: HubUser, provider: str, by: Actor) -> None:
        """Let a hub user with special rights connect one identity of a provider. Raises LinkRefused, StoreError.

        Nobody agrees to a link of their own account: who has taken over a session would, too.
        """
        if by.name == user.name:
            raise LinkRefused("Somebody else has to agree to this for your own account.", code="own_consent")
        await self._identities.give_consent(hub_key(user), provider, by.name)
        event = Event(kind="consent_given", provider=provider, hub_user=user.name)
        self._audit.record(replace(event, actor=by.name, address=by.address))

    def sessions_ended(self, user: HubUser | None, by: Actor) -> None:
        """One audit event for sessions that somebody has ended; None for everybody's. Raises StoreError."""
        name = user.name if user else ""
        self._audit.record(Event(kind="sessions_ended", hub_user=name, actor=by.name, address=by.address))

    def _tell(self, kind: str, record: Record, user: HubUser, by: Actor) -> None:
        self._audit.record(
            Event(
                kind=kind,
                provider=record.provider,
                subject=record.subject,
                username=record.username,
                hub_user=user.name,
                actor=by.name,
                address=by.address,
            )
        )


def _home_refused() -> LoginRefused:
    return LoginRefused(
        "The account that decides about you on this hub may not sign in any more. Ask its administrators.",
        code="home_refused",
    )
