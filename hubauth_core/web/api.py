"""The REST API in the hub, below `/hub/api/hubauth`: who the caller is by the hub's own word, and JSON."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any, Protocol

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.utils import url_path_join

from ..hub import hub_key_of, key_by_name
from ..types import HubUser
from .callers import Caller, digest, holder_of
from .document import Described
from .handout import ROUTES, Call, HandOut, Route
from .hub_json import HubJSONHandler
from .json_handler import Description
from .people_openapi import describe_hub


class Host(Protocol):
    """What the API needs of the authenticator."""

    hand_out: HandOut


class CredentialsHandler(HubJSONHandler):
    """One route of the API."""

    allowed = "GET, OPTIONS"

    def initialize(self, route: Route) -> None:
        self._route = route

    async def get(self, user_name: str, target: str = "") -> None:
        host: Host = self.authenticator
        call = Call(
            caller=caller_of(self),
            user_name=user_name,
            target=target,
            query=self.request.query_arguments,
            address=self.request.remote_ip or "",
            login_url=url_path_join(self.hub.base_url, "connections"),
            find=self._find,
            session=lambda: nullcontext(self.db),
        )
        await self.answer(partial(host.hand_out.answer, self._route, call))

    def _find(self, name: str) -> HubUser | None:
        me = self.current_user
        if me is not None and getattr(me, "orm_user", None) is not None and me.name == name:
            row_id, created = hub_key_of(me)  # the hub has just read this row
            return HubUser(id=row_id, name=name, created=created)
        return key_by_name(self.db, name)


class DescriptionHandler(Description, APIHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """The description of the API, and of what only the hub answers."""

    allowed = "GET, OPTIONS"

    def describe(self, base_url: str) -> Described:
        return describe_hub(base_url)


def caller_of(handler: Any) -> Caller | None:
    """Who sent a valid API token, None for whoever comes with a cookie or with nothing (rows 10.3.1, 10.3.3).

    The hub takes a cookie where the token is not valid. So the user whom the hub has found must be the token's owner.
    """
    token, found = handler.get_token(), handler.current_user
    owner = None if token is None else token.user or token.service
    if owner is None or found is None or getattr(found, "orm_user", found) is not owner:
        return None
    key = digest(handler.get_auth_token())
    if token.service is not None:
        return Caller(holder=f"service:{token.service.name}", key=key, scopes=handler.parsed_scopes)
    return Caller(user=owner.name, holder=holder_of(token.client_id), key=key, scopes=handler.parsed_scopes)


HANDLERS: list[tuple[Any, ...]] = [
    *((f"/api/hubauth{route.pattern}", CredentialsHandler, {"route": route}) for route in ROUTES),
    ("/api/hubauth/openapi.json", DescriptionHandler),
]
"""Everything below the hub's prefix that programs ask for, as tornado wants it."""
