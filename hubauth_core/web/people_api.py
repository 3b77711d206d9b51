"""The REST API about hub users themselves: who they are at the sources, and the end of their sessions.

In the hub alone, for it is the hub that ends sessions. As everywhere, with an API token and never with a cookie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import define_custom_scopes, has_scope, scope_definitions
from sqlalchemy.exc import SQLAlchemyError

from ..ending import end_access, end_sessions
from ..errors import CallRefused, HubAuthError, StoreError
from ..hub import hub_user
from ..linking import Actor, Linking
from ..mapping import Record, hub_key
from ..signin import SignInFlow
from .api import caller_of
from .api_answers import Reply, refusal
from .callers import Caller, check_right, no_token, nobody
from .handout import is_name
from .json_handler import JSONHandler

READ: Final = "custom:hubauth:identities:read"
UNLINK: Final = "custom:hubauth:identities:disconnect"
END: Final = "custom:hubauth:sessions:end"

SCOPES: Final[Mapping[str, str]] = {
    READ: "See who hub users are at the sources they sign in with.",
    UNLINK: "Disconnect identities from hub users.",
    END: "End the sessions of hub users, and their API tokens and servers.",
}

ALSO: Final = frozenset({"tokens", "servers"})
"""What ends with the sessions where it is asked for (`also`)."""


class Host(Protocol):
    """What this part of the API needs of the authenticator."""

    flow: SignInFlow
    linking: Linking


def define_scopes() -> None:
    """Let roles and tokens name these scopes, whether or not the configuration defines them."""
    for scope, description in SCOPES.items():
        if scope not in scope_definitions:
            define_custom_scopes({scope: {"description": description}})


class PeopleHandler(JSONHandler, APIHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """A resource about hub users."""

    @property
    def host(self) -> Host:
        authenticator: Host = self.authenticator
        return authenticator

    @property
    def caller(self) -> Caller:
        """Who calls. Raises CallRefused without a valid API token."""
        caller = caller_of(self)
        if caller is None:
            raise no_token()
        return caller

    @property
    def by(self) -> Actor:
        return Actor(name=self.caller.user or self.caller.holder, address=self.request.remote_ip or "")

    def person(self, name: str, scope: str) -> Any:
        """The hub's user of a name, whom the caller may deal with so. Raises CallRefused."""
        check_right(self.caller.scopes, name, self.db, scope)
        user = self.find_user(name) if is_name(name) else None
        if user is None:
            raise nobody()
        return user

    def check_rank(self, user: Any) -> None:
        """What touches somebody with special rights takes an administrator (row V12). Raises CallRefused."""
        token = self.get_token()
        owner = token.user or token.service
        if hub_user(user.orm_user).has_special_rights and not owner.admin:
            raise CallRefused("Only an administrator of the hub may do this.", code="admins_only")

    async def answer(self, work: Awaitable[dict[str, Any]]) -> None:
        """What the work brings, or why it did not come about."""
        try:
            reply = Reply(200, await work)
        except HubAuthError as error:
            reply = refusal(error)
        except SQLAlchemyError as error:
            self.log.error("hubauth: the hub's database: %s", type(error).__name__)
            self.db.rollback()
            reply = refusal(StoreError("The database of this hub does not answer; try again."))
        self.reply(reply)


class Identities(PeopleHandler):
    """`/users/{user}/identities`"""

    allowed = "GET, OPTIONS"

    async def get(self, name: str) -> None:
        await self.answer(self._listed(name))

    async def _listed(self, name: str) -> dict[str, Any]:
        user = self.person(name, READ)
        records = self.host.flow.identities.of_hub_user(hub_key(hub_user(user.orm_user)))
        return {"user": user.name, "identities": [_shown(record) for record in records]}


class Identity(PeopleHandler):
    """`/users/{user}/identities/{provider}`"""

    allowed = "DELETE, OPTIONS"

    async def delete(self, name: str, provider: str) -> None:
        await self.answer(self._disconnected(name, provider))

    async def _disconnected(self, name: str, provider: str) -> dict[str, Any]:
        user = self.person(name, UNLINK)
        self.check_rank(user)
        record = await self.host.linking.unlink(hub_user(user.orm_user), provider, self.by)
        end_sessions(self.db, user.orm_user)  # one of them may have come in by it
        return {"user": user.name, "disconnected": _shown(record)}


class Sessions(PeopleHandler):
    """`/users/{user}/sessions`"""

    allowed = "DELETE, OPTIONS"

    async def delete(self, name: str) -> None:
        await self.answer(self._ended(name))

    async def _ended(self, name: str) -> dict[str, Any]:
        user = self.person(name, END)
        self.check_rank(user)
        also = set(self.get_query_arguments("also"))
        if also - ALSO:
            raise CallRefused("The parameter `also` is `tokens` or `servers`.", code="bad_request")
        if also:
            await end_access(self.authenticator.parent, user.orm_user, servers="servers" in also)
        else:
            end_sessions(self.db, user.orm_user)
        self.host.linking.sessions_ended(hub_user(user.orm_user), self.by)
        return {"user": user.name, "ended": sorted({"sessions", *also} | ({"tokens"} if also else set()))}


class EverySession(PeopleHandler):
    """`/sessions`"""

    allowed = "DELETE, OPTIONS"

    async def delete(self) -> None:
        await self.answer(self._ended())

    async def _ended(self) -> dict[str, Any]:
        if not has_scope(END, self.caller.scopes, db=self.db):
            raise CallRefused(f"This takes the scope {END} for everybody.")
        rows = self.db.query(orm.User).all()
        for row in rows:
            end_sessions(self.db, row)
            await asyncio.sleep(0)
        self.host.linking.sessions_ended(None, self.by)
        return {"users": len(rows), "ended": ["sessions"]}


def _shown(record: Record) -> dict[str, Any]:
    return {
        "provider": record.provider,
        "subject": record.subject,
        "username": record.username,
        "home": record.home,
        "since": record.created_at,
        "last_used": record.last_used_at,
    }


HANDLERS: list[tuple[Any, ...]] = [
    ("/api/hubauth/users/([^/]+)/identities", Identities),
    ("/api/hubauth/users/([^/]+)/identities/([^/]+)", Identity),
    ("/api/hubauth/users/([^/]+)/sessions", Sessions),
    ("/api/hubauth/sessions", EverySession),
]
"""Below the hub's prefix."""
