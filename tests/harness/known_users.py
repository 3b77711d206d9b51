"""The in-memory twin of the hub's user table. Like SQLite, it gives the id of a deleted user to the next one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hubauth_core import HubUser


class KnownUsers:
    """`HubUsers` that a test fills."""

    def __init__(self) -> None:
        self._users: dict[int, HubUser] = {}
        self._moments = 0

    def find(self, name: str) -> HubUser | None:
        return next((user for user in self._users.values() if user.name == name), None)

    def by_id(self, id: int) -> HubUser | None:  # noqa: A002  # the hub's own word
        return self._users.get(id)

    def everybody(self) -> Iterable[HubUser]:
        return list(self._users.values())

    def add(
        self, name: str, *, created: float | None = None, admin: bool = False, roles: Iterable[str] = ()
    ) -> HubUser:
        """A new hub user; without `created`, one that is newer than all before and than any store."""
        assert self.find(name) is None, f"the hub has a user {name} already"
        self._moments += 1
        user = HubUser(
            id=max(self._users, default=0) + 1,
            name=name,
            created=4e9 + self._moments / 1e3 if created is None else created,
            admin=admin,
            roles=frozenset(roles),
        )
        self._users[user.id] = user
        return user

    def rename(self, user: HubUser, name: str) -> HubUser:
        """As an administrator does: the row stays."""
        assert self.find(name) is None, f"the hub has a user {name} already"
        self._users[user.id] = replace(user, name=name)
        return self._users[user.id]

    def delete(self, user: HubUser) -> None:
        """The row is gone; its id may come back."""
        del self._users[user.id]
