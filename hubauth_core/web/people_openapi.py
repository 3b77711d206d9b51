"""What the hub alone answers, in the words of OpenAPI: the resources of `people_api`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .asked import ALSO
from .callers import DISCONNECT, END_SESSIONS, READ_IDENTITIES
from .document import Described, exact_object, reference
from .openapi import ANYWHERE, IDENTITY, PROVIDER, USER, describe, operation

_USER: Final[Described] = {"type": "string", "description": "The hub user's name."}
_ENDED: Final[Described] = {
    "type": "array",
    "items": {"enum": ["servers", "sessions", "tokens"]},
    "description": "What has ended.",
}
_ALSO: Final[Described] = {
    "name": "also",
    "in": "query",
    "description": "What is to end with the sessions: API tokens, but for those that servers live by; or all API "
    "tokens, and servers",
    "schema": {"enum": list(ALSO)},
}

_SCHEMAS: Final[Mapping[str, Described]] = {
    "Identities": exact_object(user=_USER, identities={"type": "array", "items": reference("Identity")}),
    "Identity": exact_object(
        subject={"type": "string", "description": "The source's own, unchanging identifier of the person."}, **IDENTITY
    ),
    "Disconnected": exact_object(user=_USER, disconnected=reference("Identity")),
    "Ended": exact_object(user=_USER, ended=_ENDED),
    "AllEnded": exact_object(users={"type": "integer", "description": "How many hub users that were."}, ended=_ENDED),
}

_PATHS: Final[Mapping[str, Described]] = {
    "/users/{user}/identities": {
        "parameters": [USER],
        "get": operation("listIdentities", "Who a user is at which provider", "Identities", ANYWHERE, READ_IDENTITIES),
    },
    "/users/{user}/identities/{provider}": {
        "parameters": [USER, PROVIDER],
        "delete": operation(
            "disconnectIdentity",
            "Disconnect an identity, and end the user's sessions",
            "Disconnected",
            (*ANYWHERE, "admins_only", "not_connected", "home_identity", "last_way_in"),
            DISCONNECT,
        ),
    },
    "/users/{user}/sessions": {
        "parameters": [USER, _ALSO],
        "delete": operation(
            "endSessions", "End the sessions of a user", "Ended", (*ANYWHERE, "admins_only"), END_SESSIONS
        ),
    },
    "/sessions": {
        "delete": operation(
            "endAllSessions",
            "End everybody's sessions, by a scope without a filter; of people with special rights as an administrator",
            "AllEnded",
            tuple(slug for slug in ANYWHERE if slug != "not_found"),
            END_SESSIONS,
        ),
    },
}


def describe_hub(base_url: str) -> Described:
    """The description of everything that the hub answers at `base_url`, which is a path or an address."""
    return describe(
        base_url,
        about="Fresh credentials of a hub's users, their identities, and the end of their sessions.",
        paths=_PATHS,
        schemas=_SCHEMAS,
    )
