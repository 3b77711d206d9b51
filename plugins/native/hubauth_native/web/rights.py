"""Who may look at accounts, and who may act on which of them (rows V12, M23).

Two scopes of our own say so, and JupyterHub's `admin:users`, which is more. A scope with a filter (`!user=`, `!group=`)
is good for the accounts of those hub users alone, one by one.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from hubauth_core import LoginRefused
from hubauth_core.plugin import HubUser

from ..accounts import Account
from ..house import House

MANAGE: Final = "custom:hubauth:accounts:manage"
READ: Final = "custom:hubauth:accounts:read"
OF_THE_HUB: Final = "admin:users"

SCOPES: Final = {
    MANAGE: "Manage the accounts that the hub keeps itself: approve, invite, deactivate, reset, delete.",
    READ: "See the accounts that the hub keeps itself.",
}
"""What roles and tokens may name; the first has the second."""


class NotAllowed(LoginRefused):
    """Somebody may not do this to that account."""

    default_code = "forbidden"


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What one request may do. `handler` is the hub's; `own` the account of whoever asks, "" where there is none.

    `admins` is the provider's option `admin_users`: who is named there has special rights before the hub knows of it.
    """

    handler: Any
    house: House
    admins: AbstractSet[str] = frozenset()
    own: str = ""

    @property
    def is_admin(self) -> bool:
        """An administrator of the hub, in a session or with a token that may do what the hub's own API lets them."""
        found = self.handler.current_user
        return bool(getattr(found, "admin", False)) and self._everybody(OF_THE_HUB)

    @property
    def sees_all(self) -> bool:
        """May look at every account."""
        return any(map(self._everybody, (READ, MANAGE, OF_THE_HUB)))

    @property
    def sees_some(self) -> bool:
        """May look at some accounts, or at all."""
        return any(scope in self.handler.parsed_scopes for scope in (READ, MANAGE, OF_THE_HUB))

    @property
    def manages_all(self) -> bool:
        """May act on every account, but those with special rights."""
        return any(map(self._everybody, (MANAGE, OF_THE_HUB)))

    def sees(self, account: Account) -> bool:
        """May look at this account."""
        return self.sees_all or self._of(account, READ, MANAGE, OF_THE_HUB)

    def manages(self, account: Account) -> bool:
        """May act on this account: where it has special rights, only an administrator may."""
        within = self.manages_all or self._of(account, MANAGE, OF_THE_HUB)
        return within and (self.is_admin or not self.is_special(account))

    def is_special(self, account: Account) -> bool:
        """Whether its hub user has rights beyond everybody's, or will have: by a name of the configuration, too."""
        user = self.house.core.hub_user(account.id)
        named = {account.username, f"id:{account.id}"} & self.admins
        if account.admin or named or (user is not None and user.has_special_rights):
            return True
        return user is None and account.vouched and not self.is_free(account.username)

    def is_free(self, username: str) -> bool:
        """Whether a name is nobody's in the hub, and none of its configuration."""
        try:
            self.house.core.free_name(username)
        except LoginRefused:
            return False
        return True

    def check_manages(self, account: Account) -> None:
        """Raises NotAllowed."""
        if self.manages(account):
            return
        if self.is_special(account):
            raise NotAllowed("Only an administrator of the hub may do this.", code="admins_only")
        raise NotAllowed("You may not do this to that account.")

    def check_manages_all(self) -> None:
        """Raises NotAllowed."""
        if not self.manages_all:
            raise NotAllowed(f"This needs the scope {MANAGE}, without a filter.")

    async def check_name(self, username: str) -> None:
        """Whether one may make an account of that name: of those that nobody signs up under - reserved, in the
        configuration, of a user of the system - only an administrator (rows V08, V12).

        Raises LoginRefused.
        """
        if not self.is_admin:
            await self.house.sign_up.names.check(username)

    def check_admin(self) -> None:
        """Raises NotAllowed."""
        if not self.is_admin:
            raise NotAllowed("Only an administrator of the hub may do this.", code="admins_only")

    def check_other(self, account: Account) -> None:
        """Nobody shuts themselves out. Raises NotAllowed."""
        if account.id == self.own:
            raise NotAllowed("This is your own account. Ask another administrator to do this.", code="own_account")

    def _everybody(self, scope: str) -> bool:
        return bool(self.handler.has_scope(scope))

    def _of(self, account: Account, *scopes: str) -> bool:
        user: HubUser | None = self.house.core.hub_user(account.id)
        return user is not None and any(self.handler.has_scope(f"{scope}!user={user.name}") for scope in scopes)
