"""Keycloak's broker: the token that it keeps of a person at another identity provider.

https://www.keycloak.org/docs/latest/server_admin/#retrieving-external-idp-tokens
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..types import Credential
from . import answers, rfc8693, strict_json
from .http import Api, Response, bad_response


def broker_url(issuer: str, alias: str) -> str:
    """Where a realm gives out what it keeps of the identity provider of that alias."""
    return f"{issuer.rstrip('/')}/broker/{quote(alias, safe='')}/token"


async def stored_token(api: Api, url: str, own: Credential, name: str, now: float) -> Credential:
    """The token that a realm keeps of a person at another identity provider; `url` as above.

    `own` is the person's credential at the realm, `name` what the configuration calls the other one. Raises
    CredentialError where the realm keeps none, ProviderError.
    """
    response = await api.get(url, token=own.access_token)
    if response.status == 403:
        raise rfc8693.not_allowed(name, api.label)
    if response.status in {400, 401, 404}:
        raise rfc8693.lost(name, api.label)
    found = parse(response, api.label, now)
    if found.expires_at is not None and found.expires_at <= now:
        raise rfc8693.lost(name, api.label)
    return found


def parse(response: Response, label: str, now: float) -> Credential:
    """The credential in what the other identity provider once answered, which Keycloak passes on as it came.

    JSON or a form, whatever its content type says; scopes parted by spaces or commas. What renews it stays with
    Keycloak. Raises ProviderError.
    """
    if response.status != 200 or response.media_type == "text/html":
        raise bad_response(label)
    members = _members(response.body, label)
    scope = members.get("scope")
    if isinstance(scope, str):
        members["scope"] = scope.replace(",", " ")
    until = members.get("accessTokenExpiration")
    if isinstance(until, int | float) and not isinstance(until, bool) and until > 0:
        members["expires_in"] = max(until - now, 0)
    members.setdefault("token_type", "Bearer")
    found = answers.credential(members, answers.TokenRules(label=label), (), now)
    return replace(found, id_token=None, refresh_token=None)


def _members(body: bytes, label: str) -> dict[str, Any]:
    try:
        members = strict_json.loads(body) if body.lstrip().startswith(b"{") else answers.parse_form(body)
    except ValueError:
        raise bad_response(label) from None
    return dict(members)
