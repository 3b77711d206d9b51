"""(hub user, provider, resource) -> a fresh credential: what the REST API, spawners and commands hand out.

One way for all of them, so that every hand-out is checked and written down alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import Final, Literal

from .access import Access
from .errors import CredentialError, HubAuthError, LoginRefused, ProviderUnavailable
from .events import Audit
from .git import GitCredential, nearest, parse_repository
from .identities import Identities
from .mapping import Record, hub_key
from .refresh import DEFAULT_TTL, Refresher, is_derived
from .registry import Registry
from .types import Credential, Event, HubUser
from .vault import Holding, Opened, Vault

State = Literal["ready", "needs_login", "not_stored", "storage_disabled", "unavailable"]

LONGEST_TTL: Final = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One identity of a hub user, and how its credential is; no secrets. Times are Unix seconds."""

    record: Record
    label: str
    state: State
    scopes: frozenset[str] = frozenset()
    expires_at: float | None = None
    renewable: bool = False
    resources: tuple[str, ...] = ()
    git_urls: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and how: `actor` where it is not the hub user; `address` of the request; `min_ttl` in seconds."""

    actor: str = ""
    address: str = ""
    min_ttl: float = DEFAULT_TTL


ITSELF: Final = Asker()
"""The hub asks on its own account, or for the user."""


class Retrieval:
    """Hands out credentials. `blocked`: hub users who are kept out, as JupyterHub's `blocked_users` names them."""

    def __init__(
        self,
        *,
        registry: Registry,
        access: Access,
        identities: Identities,
        vault: Vault,
        refresher: Refresher,
        audit: Audit,
        blocked: Set[str] = frozenset(),
    ) -> None:
        self._registry = registry
        self._access = access
        self._identities = identities
        self._vault = vault
        self._refresher = refresher
        self._audit = audit
        self._blocked = blocked

    async def connections(self, user: HubUser) -> list[Connection]:
        """The identities of a hub user, the home identity first, and how their credentials are."""
        return [await self._connection(holding) for holding in self._vault.holdings(hub_key(user))]

    async def credential(
        self, user: HubUser, provider: str, resource: str = "", asker: Asker = ITSELF
    ) -> tuple[Record, Credential]:
        """A credential of a hub user, good for some time, and whose it is.

        Raises CredentialError `unknown_provider`, `not_connected`, `unknown_resource`, `blocked` and what
        `Refresher.fresh` raises. One audit event either way.
        """
        about = Event(
            kind="credential",
            provider=provider if provider in self._registry.providers else "",
            hub_user=user.name,
            actor=asker.actor,
            address=asker.address,
            resource=resource,
        )
        try:
            mine = self._find(user, provider, resource)
            record, seen = mine.record, await self._vault.open(mine)
            about = replace(about, subject=record.subject, username=record.username)
            min_ttl = min(max(0.0, asker.min_ttl), LONGEST_TTL)  # in this order NaN becomes 0
            found = await self._refresher.fresh(record, resource, min_ttl=min_ttl, seen=seen)
        except HubAuthError as error:
            self._audit.record(replace(about, kind="credential_refused", reason=error.code))
            raise
        self._audit.record(about)
        return record, found

    async def keep_fresh(self, user: HubUser, provider: str, resource: str, seconds: float) -> None:
        """Renew a credential that is not good for so long, and hand it to nobody. Raises what `credential` raises."""
        await self._refresher.fresh(self._find(user, provider, resource).record, resource, min_ttl=seconds)

    async def for_git(self, user: HubUser, url: str, asker: Asker = ITSELF) -> GitCredential:
        """The credential that opens a git repository. Raises CredentialError `bad_request`, `unknown_host` besides."""
        repository = parse_repository(url)
        reach = {name: nearest(repository, each.git_urls) for name, each in self._registry.providers.items()}
        fitting = [name for name in sorted(reach, key=lambda name: -reach[name]) if reach[name] >= 0]
        if not fitting:
            raise CredentialError("No provider of this hub has a credential for that address.", code="unknown_host")
        connected = {record.provider for record in self._identities.of_hub_user(hub_key(user))}
        provider = next((name for name in fitting if name in connected), fitting[0])
        _, found = await self.credential(user, provider, asker=asker)
        username = self._registry.provider(provider).git_username
        return GitCredential(provider=provider, repository=repository, username=username, credential=found)

    def _find(self, user: HubUser, provider: str, resource: str) -> Holding:
        """Whose it is, and what is stored of it."""
        if provider in self._registry.broken:
            raise ProviderUnavailable("This provider is not available now.", code="provider_disabled")
        if provider not in self._registry.providers:
            raise CredentialError("There is no such provider on this hub.", code="unknown_provider")
        configured = not resource or resource in self._registry.provider(provider).resources
        if not (configured or _can_be_named(resource)):
            raise _no_such_resource()
        holdings = self._vault.holdings(hub_key(user), self._refresher.key_of(provider, resource))
        mine = next((each for each in holdings if each.record.provider == provider), None)
        if mine is None:
            label = self._registry.provider(provider).label
            raise CredentialError(f"You have not connected {label} yet.", code="not_connected")
        self._check_not_blocked(user, [mine.record, *(each.record for each in holdings if each.record.home)])
        if not configured and mine.row is None:
            raise _no_such_resource()
        return mine

    def _check_not_blocked(self, user: HubUser, records: Iterable[Record]) -> None:
        """Whoever is kept out gets no credential either, whatever token they still have (row V17)."""
        refused = user.name in self._blocked
        for record in records:
            refused = refused or record.refused_at is not None or self._is_refused(record)
        if refused:
            raise CredentialError("You may not use this hub.", code="blocked")

    def _is_refused(self, record: Record) -> bool:
        provider = self._registry.providers.get(record.provider)
        try:
            if provider is not None:
                self._access.refuse_blocked(provider, record.identity)
        except LoginRefused:
            return True
        return False

    async def _connection(self, holding: Holding) -> Connection:
        record, opened = holding.record, await self._vault.open(holding)
        provider = self._registry.providers.get(record.provider)
        return Connection(
            record=record,
            label=provider.label if provider else record.provider,
            state=_state(opened, in_service=provider is not None, now=self._vault.now()),
            scopes=opened.held.scopes if opened.held else frozenset(),
            expires_at=opened.held.expires_at if opened.held else None,
            renewable=opened.held.renewable if opened.held else False,
            resources=tuple(sorted(provider.resources)) if provider else (),
            git_urls=tuple(provider.git_urls) if provider else (),
        )


def _can_be_named(resource: str) -> bool:
    """Whether a sign-in may have brought a credential under that name."""
    return resource.isprintable() and not is_derived(resource)


def _no_such_resource() -> CredentialError:
    return CredentialError("This provider has no such resource.", code="unknown_resource")


def _state(opened: Opened[Credential], *, in_service: bool, now: float) -> State:
    held = opened.held
    if opened.reason == "storage_disabled":
        return "storage_disabled"
    if held is None:
        return "not_stored"
    if held.trouble or opened.content is None or not (held.renewable or held.lasts(now)):
        return "needs_login"
    if not in_service or (held.retry_at > now and not held.lasts(now)):
        return "unavailable"
    return "ready"
