"""The REST API about hub users themselves: who they are at the sources, and the end of their sessions.

In the hub alone, for it is the hub that ends sessions. As everywhere, with an API token and never with a cookie.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from jupyterhub import orm
from jupyterhub.scopes import has_scope

from ..ending import end_access, end_sessions
from ..errors import CallRefused, LinkRefused
from ..hub import hub_user
from ..linking import Actor, Linking
from ..mapping import Record, hub_key
from ..signin import SignInFlow
from .api import caller_of
from .api_answers import Reply
from .asked import also, single
from .callers import DISCONNECT, END_SESSIONS, READ_IDENTITIES, Caller, check_right, no_token, nobody
from .handout import is_name
from .hub_json import HubJSONHandler
from .rate import RateLimit


class Host(Protocol):
    """What this part of the API needs of the authenticator."""

    flow: SignInFlow
    linking: Linking
    call_limit: RateLimit


class PeopleHandler(HubJSONHandler):
    """A resource about hub users."""

    caller: Caller
    parameters: frozenset[str] = frozenset()
    """Those of the query."""

    @property
    def host(self) -> Host:
        authenticator: Host = self.authenticator
        return authenticator

    def let_in(self) -> None:
        """Who calls: a valid API token, and not too often. Raises CallRefused."""
        caller = caller_of(self)
        if caller is None:
            raise no_token()
        self.host.call_limit.admit(caller.key)
        self.caller = caller

    @property
    def by(self) -> Actor:
        return Actor(name=self.caller.user or self.caller.holder, address=self.request.remote_ip or "")

    def person(self, name: str, scope: str) -> Any:
        """The hub's user of a name, whom the caller may deal with so. Raises CallRefused."""
        check_right(self.caller.scopes, name, self.db, scope)
        self.asked = single(self.request.query_arguments, self.parameters)
        user = self.find_user(name) if is_name(name) else None
        if user is None:
            raise nobody()
        return user

    def check_rank(self, user: Any) -> None:
        """What touches somebody with special rights takes an administrator (row V12). Raises CallRefused."""
        if not self.may_touch(user.orm_user):
            raise CallRefused("Only an administrator of the hub may do this.", code="admins_only")

    def may_touch(self, row: Any) -> bool:
        """Whether the caller ranks high enough for a hub user's row."""
        token = self.get_token()
        return (token.user or token.service).admin or not hub_user(row).has_special_rights


class Identities(PeopleHandler):
    """`/users/{user}/identities`"""

    allowed = "GET, OPTIONS"

    async def get(self, name: str) -> None:
        await self.answer(self._listed, name)

    async def _listed(self, name: str) -> Reply:
        user = self.person(name, READ_IDENTITIES)
        records = self.host.flow.identities.of_hub_user(hub_key(hub_user(user.orm_user)))
        return Reply(200, {"user": user.name, "identities": [_shown(record) for record in records]})


class Identity(PeopleHandler):
    """`/users/{user}/identities/{provider}`"""

    allowed = "DELETE, OPTIONS"

    async def delete(self, name: str, provider: str) -> None:
        await self.answer(self._disconnected, name, provider)

    async def _disconnected(self, name: str, provider: str) -> Reply:
        user = self.person(name, DISCONNECT)
        self.check_rank(user)
        if not is_name(provider):
            raise LinkRefused("That account is not connected.", code="not_connected")
        record = await self.host.linking.unlink(hub_user(user.orm_user), provider, self.by)
        end_sessions(self.db, user.orm_user)  # one of them may have come in by it
        return Reply(200, {"user": user.name, "disconnected": _shown(record)})


class Sessions(PeopleHandler):
    """`/users/{user}/sessions`"""

    allowed = "DELETE, OPTIONS"
    parameters = frozenset({"also"})

    async def delete(self, name: str) -> None:
        await self.answer(self._ended, name)

    async def _ended(self, name: str) -> Reply:
        user = self.person(name, END_SESSIONS)
        self.check_rank(user)
        wanted = also(self.asked.get("also"))
        if wanted:
            await end_access(self.authenticator.parent, user.orm_user, servers=wanted == "servers")
        else:
            end_sessions(self.db, user.orm_user)
        self.host.linking.sessions_ended(hub_user(user.orm_user), self.by)
        ended = sorted({"sessions", wanted, "tokens"} if wanted else {"sessions"})
        return Reply(200, {"user": user.name, "ended": ended})


class EverySession(PeopleHandler):
    """`/sessions`: those of people with special rights only for an administrator."""

    allowed = "DELETE, OPTIONS"

    async def delete(self) -> None:
        await self.answer(self._ended)

    async def _ended(self) -> Reply:
        if not has_scope(END_SESSIONS, self.caller.scopes, db=self.db):
            raise CallRefused(f"This takes the scope {END_SESSIONS} for everybody.")
        single(self.request.query_arguments, self.parameters)
        rows = [row for row in self.db.query(orm.User) if self.may_touch(row)]
        for row in rows:
            end_sessions(self.db, row)
            await asyncio.sleep(0)
        self.host.linking.sessions_ended(None, self.by)
        return Reply(200, {"users": len(rows), "ended": ["sessions"]})


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
