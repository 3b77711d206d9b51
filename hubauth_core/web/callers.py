"""Who calls the REST API, by which right: the hub's own rules for scopes and filters, in hub and service alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jupyterhub.scopes import define_custom_scopes, has_scope, scope_definitions

from ..configure import DESCRIPTION, SCOPE
from ..errors import CallRefused
from ..mapping import HubKey, hub_key
from ..types import HubUser

READ_IDENTITIES: Final = "custom:hubauth:identities:read"
DISCONNECT: Final = "custom:hubauth:identities:disconnect"
END_SESSIONS: Final = "custom:hubauth:sessions:end"

SCOPES: Final[Mapping[str, str]] = {
    SCOPE: DESCRIPTION,
    READ_IDENTITIES: "See who hub users are at the sources they sign in with.",
    DISCONNECT: "Disconnect identities from hub users.",
    END_SESSIONS: "End the sessions of hub users, and their API tokens and servers.",
}
"""What a token may do here, and how the hub's own pages put it."""

_OF_THE_HUB: Final = "jupyterhub"
"""The OAuth client of tokens that people make, and of those that a server starts with."""
_PREFIXES: Final = {"jupyterhub-user-": "server:", "service-": "service:"}
"""How the hub calls the OAuth clients that get tokens of their visitors, and what the audit trail calls them."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever holds the token of a call.

    `user`: the hub user whose token it is, "" for a service's own, and `user_key`, who that was when the token was
    checked; `holder`: the service, or somebody's server, that holds it; `key`: a digest of the token; `scopes`: what it
    may do, as `jupyterhub.scopes.parse_scopes` gives it.
    """

    user: str = ""
    user_key: HubKey | None = None
    holder: str = ""
    key: bytes = field(repr=False)
    scopes: Mapping[str, Any]

    def acting_for(self, user_name: str) -> str:
        """Who acts, for the audit trail; "" where people act for themselves."""
        return self.holder or ("" if self.user == user_name else self.user)

    def is_another(self, user: HubUser) -> bool:
        """Whether a hub user only has the name that the token's owner had when it was checked (row 10.3.3)."""
        return self.user == user.name and self.user_key not in (None, hub_key(user))


def digest(token: str) -> bytes:
    """What stands for a token in memory."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def holder_of(client_id: str | None) -> str:
    """Whom a user's token was issued to, by its OAuth client; "" for the user."""
    if not client_id or client_id == _OF_THE_HUB:
        return ""
    for prefix, kind in _PREFIXES.items():
        if client_id.startswith(prefix):
            return kind + client_id.removeprefix(prefix)
    return f"service:{client_id}"


def check_right(scopes: Mapping[str, Any], user_name: str, session: Any, scope: str = SCOPE) -> None:
    """Whether scopes hold one for a user, by default to read credentials, as `needs_scope` has it (row 10.3.2).

    `session` is one on the hub's database, for `!group=`; without it the hub's function would answer wrongly, and
    remember that. Raises CallRefused: whoever may ask for some users hears of another one what is said of nobody.
    """
    if has_scope(f"{scope}!user={user_name}", scopes, db=session):
        return
    if scope in scopes:
        raise nobody()
    raise CallRefused(f"This token does not hold the scope {scope}.")


def nobody() -> CallRefused:
    """The refusal for a user who does not exist, or is none of the caller's business."""
    return CallRefused("There is no such user, or you may not ask for them.", code="not_found")


def no_token() -> CallRefused:
    """The refusal for a call without a valid API token: a cookie does not count."""
    return CallRefused("Send a valid API token: Authorization: token <api token>.")


def define_scopes() -> None:
    """Let roles and tokens name the scopes, whether or not the configuration defines them."""
    for scope, description in SCOPES.items():
        if scope not in scope_definitions:
            define_custom_scopes({scope: {"description": description}})
