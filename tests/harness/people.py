"""Signing people in without a hub: the same steps as `signin`, on the twin of the hub's user table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hubauth_core import HubUser, Identity, Provider
from hubauth_core.binding import Record
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import Mapper, Place
from hubauth_core.names import prefixes_of

from .known_users import KnownUsers


class House:
    """Providers, a hub's user table and a store, put together as at the hub's start."""

    def __init__(
        self,
        identities: Identities,
        prefixes: Mapping[str, str],
        *,
        hub_users: KnownUsers | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        listed: Sequence[str] = (),
        **mapper_options: Any,
    ) -> None:
        self.identities = identities
        self.hub_users = hub_users or KnownUsers()
        options = options or {}
        self.providers = {
            name: Provider(name, username_prefix=prefix, **options.get(name, {})) for name, prefix in prefixes.items()
        }
        mapper_options.setdefault("validate_username", lambda name: True)
        in_force = {name: prefix.text for name, prefix in prefixes_of(prefixes).items()}
        self.mapper = Mapper(in_force, identities, self.hub_users, listed=frozenset(listed), **mapper_options)

    def place(self, provider: str, subject: str, username: str, chosen: str | None = None) -> Place:
        """Where a sign-in would lead. Raises LoginRefused."""
        return self.mapper.place(self.providers[provider], identity(provider, subject, username), chosen)

    def finish(self, provider: str, subject: str, username: str) -> Place:
        """Place and reserve, as at the end of a sign-in that was allowed."""
        place = self.place(provider, subject, username)
        self.mapper.reserve(place, identity(provider, subject, username))
        return place

    def accept(self, provider: str, subject: str, username: str, place: Place) -> HubUser:
        """The hub finds or makes the user."""
        user = self.hub_users.find(place.name)
        if user is None:
            user = self.hub_users.add(place.name)
            self.mapper.created(identity(provider, subject, username), user)
        return user

    async def bind(self, provider: str, subject: str, username: str, place: Place, user: HubUser) -> Record:
        """Record it."""
        person = identity(provider, subject, username)
        record_id = place.record.id if place.record else new_id()
        pin = self.providers[provider].normalize_username(username)
        record = await self.identities.bind(person, user, record_id=record_id, pin=pin)
        self.mapper.release(person)
        return record

    async def sign_in(self, provider: str, subject: str, username: str) -> HubUser:
        """A whole sign-in; answers the hub user. Raises LoginRefused."""
        place = self.finish(provider, subject, username)
        user = self.accept(provider, subject, username, place)
        await self.bind(provider, subject, username, place, user)
        return user

    async def delete(self, user: HubUser) -> None:
        """Delete a hub user as the hub's REST API does: the authenticator is told first."""
        await self.identities.forget((user.id, user.created))
        self.hub_users.delete(user)


def identity(provider: str, subject: str, username: str) -> Identity:
    """An identity with nothing but its names."""
    return Identity(provider=provider, subject=subject, username=username)
