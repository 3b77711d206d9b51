"""What every resource for programs has: who calls and what they may, what was asked, and errors as JSON."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final

from hubauth_core.plugin import Caller, HubJSONHandler, Reply, caller_of, hub_user

from ..accounts import Account
from ..listing import BadQuery
from .account_model import account_model
from .acts import NoAccount
from .json_body import Body, parse_body
from .openapi import FIELDS
from .rights import NotAllowed, Rights

if TYPE_CHECKING:
    from ..provider import NativeProvider

Answer = Callable[..., Awaitable[Reply]]
"""A method of a resource."""

ID: Final = re.compile("[0-9a-f]{1,64}")
"""What an account or an invitation is named by."""


class Resource(HubJSONHandler):
    """What every resource has: who calls, what they may, and errors as JSON."""

    caller: Caller
    rights: Rights

    def initialize(self, provider: NativeProvider) -> None:
        self.native = provider
        self.house = provider.house

    def let_in(self) -> None:
        """Raises NotAllowed for whoever comes without a valid API token."""
        caller = caller_of(self)
        if caller is None:
            raise NotAllowed("Send a valid API token: Authorization: token <api token>.")
        row = getattr(self.current_user, "orm_user", None)
        own = self.house.core.subject_of(hub_user(row)) if row is not None else None
        admins = self.native.admin_users
        self.caller, self.rights = caller, Rights(handler=self, house=self.house, admins=admins, own=own or "")

    @property
    def who(self) -> dict[str, str]:
        """Who acts, and from where."""
        return {"actor": self.caller.acting_for(""), "address": self.request.remote_ip or ""}

    @property
    def asked(self) -> dict[str, str]:
        """The query, each parameter once. Raises BadQuery."""
        try:
            found = {name: [each.decode() for each in values] for name, values in self.request.query_arguments.items()}
        except UnicodeDecodeError:
            raise BadQuery("The query is not UTF-8.") from None
        if any(len(values) != 1 for values in found.values()):
            raise BadQuery("A parameter is given more than once.")
        return {name: values[0] for name, values in found.items()}

    def body(self, kind: str) -> Body:
        """What was sent, and nothing in the query. Raises BadBody, BadQuery."""
        self.no_query()
        return parse_body(self.request.body, FIELDS[kind])

    def no_query(self) -> None:
        """Raises BadQuery where parameters were sent to what takes none."""
        if self.request.query_arguments:
            raise BadQuery("There are no parameters here.")

    def seen(self, account_id: str) -> Account:
        """The account. Raises NoAccount also where it is none of the caller's business."""
        account = self.house.accounts.by_id(account_id) if ID.fullmatch(account_id) else None
        if account is None or not self.rights.sees(account):
            raise NoAccount("There is no such account.")
        return account

    def model(self, account: Account) -> dict[str, Any]:
        """An account, with what only a look at one of them shows."""
        return account_model(account, user=self.house.core.hub_user(account.id))


def answering(method: Answer) -> Callable[..., Awaitable[None]]:
    """Let the caller in, and answer what the method says, or what has gone wrong."""

    @wraps(method)
    async def answer(self: Resource, *args: str) -> None:
        await self.answer(partial(method, self), *args)

    return answer
