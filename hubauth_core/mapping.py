"""Identity -> hub username: prefixes, adoption, collisions (decision 2 of docs/architecture.md).

A recorded name wins for ever. A first sign-in gets prefix + the provider's username, once; whatever cannot be told
apart from a name that somebody has is refused as taken. Nothing here writes: `place` looks, `reserve` remembers in the
process until the sign-in is bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Protocol

from . import facts
from .errors import LoginRefused
from .hub import HubUsers
from .names import LONGEST, name_key, normalise
from .provider import Provider
from .rule_options import is_lookalike
from .types import HubUser, Identity

HubKey = tuple[int, float]
"""(`id`, `created`) of a hub user: ids are reused, the pair is not."""


def hub_key(user: HubUser) -> HubKey:
    return (user.id, user.created)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One recorded identity: whose it is, and under which name. Times are Unix seconds."""

    id: str
    provider: str
    subject: str
    username: str
    hub_user: HubKey
    hub_name: str
    home: bool
    created_at: float
    last_used_at: float
    orphaned_at: float | None = None
    refused_at: float | None = None
    checked_at: float = 0.0
    facts: str = field(default="", repr=False)

    @property
    def identity(self) -> Identity:
        """What is recorded of the identity; see `facts`."""
        known = Identity(provider=self.provider, subject=self.subject, username=self.username)
        return replace(known, **facts.recalled(self.facts))

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that were granted when the source last said who this is."""
        return facts.scopes_in(self.facts)


def home_first(record: Record) -> tuple[bool, float, str]:
    """The order of a hub user's identities."""
    return (not record.home, record.created_at, record.id)


class Recorded(Protocol):
    """What the mapping reads of the recorded identities."""

    @property
    def installed_at(self) -> float:
        """When hubauth came to this hub."""

    def find(self, provider: str, subject: str) -> Record | None:
        """The identity with exactly that key."""

    def of_hub_user(self, user: HubKey) -> list[Record]:
        """The identities of a hub user, the home identity first."""

    def owner_of_name(self, key: str) -> HubKey | None:
        """The hub user who was the first to have a name with that `name_key`."""

    def ever_had(self, user: HubKey) -> bool:
        """True if the hub user has, or ever had, an identity."""

    def pinned_subject(self, provider: str, username: str) -> str | None:
        """The first subject that used a username of that provider."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a sign-in leads: a hub username, what is recorded of the identity, and the hub user if there is one.

    `adopted`: the hub user exists and gets its first identity by this sign-in.
    """

    name: str
    record: Record | None = None
    hub_user: HubUser | None = None
    adopted: bool = False

    @property
    def returning(self) -> bool:
        """True if identity and hub user already belong together."""
        return self.record is not None and self.hub_user is not None and self.record.hub_user == hub_key(self.hub_user)

    @property
    def linked(self) -> Record | None:
        """The record, where this is another way into a hub user whom a home identity stands for."""
        return self.record if self.returning and self.record is not None and not self.record.home else None


class Mapper:
    """Places identities.

    `prefixes`: of every provider in force, also of one that is out of service. `listed`: the hub-wide `allowed_users`
    and `admin_users` as the administrator wrote them (the hub adds to its own sets). `spoken_for`: every other hub
    username of the configuration. `username_map`: the hub-wide one. `validate_username`: the hub's. `patience`: seconds
    for which a reserved name is kept.
    """

    def __init__(
        self,
        prefixes: Mapping[str, str],
        recorded: Recorded,
        hub_users: HubUsers,
        *,
        validate_username: Callable[[str], bool],
        listed: Set[str] = frozenset(),
        spoken_for: Set[str] = frozenset(),
        username_map: Mapping[str, str] | None = None,
        patience: float = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prefixes = dict(prefixes)
        self._recorded = recorded
        self._hub_users = hub_users
        self._validate = validate_username
        self._listed = frozenset(map(_spelled, listed))
        self._spoken_for = frozenset(name_key(_spelled(name)) for name in {*listed, *spoken_for})
        self._map = {_spelled(name): mapped for name, mapped in (username_map or {}).items()}
        self._patience = patience
        self._clock = clock
        self._reserved: dict[str, tuple[tuple[str, str], float]] = {}
        self._unfinished: dict[HubKey, tuple[str, str]] = {}

    def place(self, provider: Provider, identity: Identity, chosen: str | None = None) -> Place:
        """Where this identity belongs. `chosen` is what a plugin wants in place of the provider's username.

        Raises LoginRefused: `name_taken`, `name_reserved_prefix`, `name_invalid`. Writes nothing.
        """
        record = self._recorded.find(provider.name, identity.subject)
        if record is None:
            return self._claim(provider, identity, self._new_name(provider, identity, chosen), None)
        user = self._hub_users.by_id(record.hub_user[0])
        if user is not None and hub_key(user) == record.hub_user:
            return Place(name=user.name, record=record, hub_user=user)
        if record.home:
            return self._claim(provider, identity, record.hub_name, record)
        # The recorded name is the home identity's.
        return replace(self._claim(provider, identity, self._new_name(provider, identity, chosen), None), record=record)

    def choose(self, provider: Provider, identity: Identity, typed: str) -> Place:
        """A new hub username that the person has picked, behind the provider's prefix.

        It must be nobody's, in the hub or in its configuration. Raises LoginRefused as `place`. Writes nothing.
        """
        name = normalise(self._prefixes[provider.name] + normalise(typed))
        self._check_reserved(provider.name, name)
        if name_key(name) in self._spoken_for:
            raise _taken(name)
        place = self._claim(provider, identity, name, None)
        if place.hub_user is not None and self._unfinished.get(hub_key(place.hub_user)) != identity.key:
            raise _taken(name)
        return replace(place, record=self._recorded.find(provider.name, identity.subject))

    def prefix_of(self, provider: str) -> str:
        """What hub usernames of a provider begin with."""
        return self._prefixes[provider]

    def reserve(self, place: Place, identity: Identity) -> None:
        """Keep the name for this identity until `release`, or for `patience` seconds. Raises LoginRefused."""
        if place.returning:
            return
        now = self._clock()
        self._reserved = {key: held for key, held in self._reserved.items() if held[1] > now}
        key = name_key(place.name)
        if self._reserved.get(key, (identity.key, now))[0] != identity.key:
            raise _taken(place.name)
        self._reserved[key] = (identity.key, now + self._patience)

    def created(self, identity: Identity, user: HubUser) -> None:
        """The hub has just made this hub user for this identity's reserved name; say so before binding.

        If binding then fails, the next sign-in of the same identity may go on with the hub user.
        """
        self._unfinished[hub_key(user)] = identity.key

    def release(self, identity: Identity, *, bound: bool = True) -> None:
        """The sign-in is over: its name is free again or, `bound`, recorded."""
        self._reserved = {key: held for key, held in self._reserved.items() if held[0] != identity.key}
        if bound:
            self._unfinished = {user: owner for user, owner in self._unfinished.items() if owner != identity.key}

    def _new_name(self, provider: Provider, identity: Identity, chosen: str | None) -> str:
        prefix = self._prefixes[provider.name]
        own = normalise(prefix + (_own_name(provider, identity) if chosen is None else normalise(chosen)))
        name = normalise(self._map.get(own, own))
        self._check_reserved(provider.name, name)
        return name

    def _check_reserved(self, provider: str, name: str) -> None:
        """Names that begin with another provider's prefix are that provider's (row V39)."""
        prefix, key = self._prefixes[provider], name_key(name)
        for owner, reserved in self._prefixes.items():
            if owner != provider and _reserves(reserved, prefix) and key.startswith(name_key(reserved)):
                raise LoginRefused(
                    f"Your username would become {name!r} here, and names that begin with {reserved!r} belong to "
                    "another way of signing in. Ask the administrator of this hub for another name.",
                    code="name_reserved_prefix",
                )

    def _claim(self, provider: Provider, identity: Identity, name: str, record: Record | None) -> Place:
        """A first sign-in under `name`, or the first one after the hub user of `record` has gone."""
        key = name_key(name)
        if not self._validate(name) or len(key) > LONGEST:  # folded, a name may be longer than its column
            raise LoginRefused(f"The username {name!r} is not one that this hub accepts.", code="name_invalid")
        owner = self._recorded.owner_of_name(key)
        if owner is not None and (record is None or owner != record.hub_user):
            raise _taken(name)
        user = self._hub_users.find(name)
        if key != name and self._hub_users.find(key) is not None:
            raise _taken(name)
        if user is None:
            return Place(name=name, record=record)
        if not self._may_have(provider, identity, user):
            raise _taken(name)
        return Place(name=name, record=record, hub_user=user, adopted=True)

    def _may_have(self, provider: Provider, identity: Identity, user: HubUser) -> bool:
        if self._recorded.ever_had(hub_key(user)):
            return False
        if hub_key(user) in self._unfinished:
            return self._unfinished[hub_key(user)] == identity.key
        if not self._adoptable(provider, user) or is_lookalike(identity.username):
            return False
        pin = self._recorded.pinned_subject(provider.name, provider.normalize_username(identity.username))
        return pin in (None, identity.subject)

    def _adoptable(self, provider: Provider, user: HubUser) -> bool:
        # Prefixes are prefix-free, so a name that was written down leads to one provider.
        if user.name in self._listed and user.name.startswith(self._prefixes[provider.name]):
            return True
        if provider.adopt == "existing":
            older = user.created < self._recorded.installed_at
            return older and not user.has_special_rights
        return user.name in map(_spelled, provider.adopt)


def _spelled(name: str) -> str:
    """How the hub spells a name of the configuration."""
    return name.lower()


def _own_name(provider: Provider, identity: Identity) -> str:
    """The provider's username, or what the provider's `username_map` says in its place."""
    own = normalise(identity.username)
    if not provider.username_map:
        return own
    mapped = {provider.normalize_username(name): mapped for name, mapped in provider.username_map.items()}
    return normalise(mapped.get(provider.normalize_username(identity.username), own))


def _reserves(prefix: str, own: str) -> bool:
    """True if `prefix`, of another provider, is closed to a provider with the prefix `own`."""
    return bool(prefix) and not own.startswith(prefix)


def _taken(name: str) -> LoginRefused:
    return LoginRefused(
        f"The username {name!r} already belongs to somebody else on this hub, or cannot be told apart from one that "
        "does. Ask the administrator for another name; if you have an account here, sign in the way you did before.",
        code="name_taken",
    )
