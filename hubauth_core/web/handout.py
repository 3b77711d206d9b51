"""A call of the REST API, from its parts to its answer; the hub and the credential service answer alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from ..errors import HubAuthError
from ..retrieval import Asker, Retrieval
from ..types import HubUser
from . import api_answers
from .api_answers import Reply
from .asked import Asked, parse
from .callers import Caller, check_right, no_token, nobody
from .rate import RateLimit

LONGEST_NAME: Final = 255
"""Characters of the longest name of a hub user that is looked up."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """What came in. `caller` is None without a valid token; `target` is what stands in the path after the user.

    `find` looks up a hub user by exact name; `session` opens one on the hub's database.
    """

    caller: Caller | None
    user_name: str
    target: str
    query: Mapping[str, Sequence[bytes]]
    address: str
    login_url: str
    find: Callable[[str], HubUser | None]
    session: Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Route:
    """One address below the base: a regular expression with groups for the user and for `target`, and its work."""

    pattern: str
    parameters: frozenset[str]
    work: Callable[[Retrieval, HubUser, str, Asked, Asker], Awaitable[dict[str, Any]]]


class HandOut:
    """Answers calls: checks the token, how often it calls, and its scopes, before anything is looked up."""

    def __init__(self, retrieval: Retrieval, limit: RateLimit) -> None:
        self._retrieval = retrieval
        self._limit = limit

    async def answer(self, route: Route, call: Call) -> Reply:
        """The answer, also where it is an error of ours. One audit event for each credential that was asked for."""
        try:
            return Reply(200, await self._answer(route, call))
        except HubAuthError as error:
            return api_answers.refusal(error, call.login_url)

    async def _answer(self, route: Route, call: Call) -> dict[str, Any]:
        if call.caller is None:
            raise no_token()
        self._limit.admit(call.caller.key)
        with call.session() as session:
            check_right(call.caller.scopes, call.user_name, session)
        asked = parse(call.query, route.parameters)
        user = call.find(call.user_name) if is_name(call.user_name) else None
        if user is None or call.caller.is_another(user):
            raise nobody()
        asker = Asker(actor=call.caller.acting_for(user.name), address=call.address, min_ttl=asked.min_ttl)
        return await route.work(self._retrieval, user, call.target, asked, asker)


def is_name(text: str) -> bool:
    """Whether a database can be asked for it: PostgreSQL takes no NUL."""
    return text.isprintable() and len(text) <= LONGEST_NAME


async def _connections(retrieval: Retrieval, user: HubUser, target: str, asked: Asked, asker: Asker) -> dict[str, Any]:
    found = await retrieval.connections(user)
    return {"credentials": [api_answers.connection(each) for each in found]}


async def _credential(retrieval: Retrieval, user: HubUser, target: str, asked: Asked, asker: Asker) -> dict[str, Any]:
    record, found = await retrieval.credential(user, target, asked.resource, asker)
    return api_answers.credential(record, asked.resource, found)


async def _git_credential(
    retrieval: Retrieval, user: HubUser, target: str, asked: Asked, asker: Asker
) -> dict[str, Any]:
    return api_answers.git_credential(await retrieval.for_git(user, asked.url, asker))


ROUTES: Final = (
    Route(r"/users/([^/]+)/credentials", frozenset(), _connections),
    Route(r"/users/([^/]+)/credentials/([^/]+)", frozenset({"resource", "min_ttl"}), _credential),
    Route(r"/users/([^/]+)/git-credential", frozenset({"url", "min_ttl"}), _git_credential),
)
"""What is answered. https://git-scm.com/docs/git-credential for the last."""
