"""What the hub asks GitHub's REST API.

https://docs.github.com/en/rest/users
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from hubauth_core import LoginRefused, ProviderError, Secret
from hubauth_core.oauth2 import Answer, Api, Client, basic

HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

LONGEST_PAUSE: Final = 3600.0
"""Seconds that GitHub can ask the hub to stay away."""

MOST_PAGES: Final = 10
"""Pages of a list that are read at most, of a hundred entries each."""


@dataclass(frozen=True)
class Account:
    """The account behind a token, and the scopes that GitHub says the token has; None where it does not say."""

    profile: dict[str, Any]
    scopes: frozenset[str] | None


IN_ORGANIZATION: Final = frozenset({"member", "admin"})
"""Roles of members; GitHub tells of a billing manager in the same place, who sees nothing of the organization."""

IN_TEAM: Final = frozenset({"member", "maintainer"})


async def account(api: Api, url: str, token: Secret) -> Account:
    """The account behind a token. Raises LoginRefused for one that GitHub has suspended, ProviderError."""
    answer = await _ask(api, url, token)
    if answer.status == 403 and "suspended" in _message(answer):
        raise LoginRefused(f"Your account at {api.label} is not active.", code="account_inactive")
    scopes = answer.headers.get("x-oauth-scopes")
    return Account(answer.mapping(), None if scopes is None else frozenset(scopes.replace(",", " ").split()))


async def verified_email(api: Api, api_url: str, token: Secret) -> str | None:
    """The account's primary address, if it is verified. Needs the scope `user:email`. Raises ProviderError."""
    async for entry in _items(api, f"{api_url}/user/emails?per_page=100", token, unseen=frozenset({403, 404})):
        if entry.get("primary") is True:
            email = entry.get("email")
            return email if entry.get("verified") is True and isinstance(email, str) else None
    return None


async def is_in(api: Api, api_url: str, token: Secret, login: str, entry: str) -> bool | None:
    """Whether the account is in an organization (`org`) or a team (`org:team-slug`), by its own word.

    None where the organization does not let this hub see it: single sign-on, restrictions for apps, an app that it has
    not installed. Only 404 says no. Somebody who has not accepted an invitation is not in. Raises ProviderError.
    """
    org, _, team = entry.partition(":")
    path = f"orgs/{quote(org, safe='')}"
    of_team = f"{path}/teams/{quote(team, safe='')}/memberships/{quote(login, safe='')}"
    answer = await _ask(api, f"{api_url}/{of_team}" if team else f"{api_url}/user/memberships/{path}", token)
    if answer.status == 403 or answer.headers.get("x-github-sso", "").startswith("required"):
        return None
    if answer.status == 404:
        return False
    membership = answer.mapping()
    if answer.status != 200 or not (team or _name_of(membership.get("organization")).lower() == org):
        raise api.bad_response()
    return membership.get("state") == "active" and membership.get("role") in (IN_TEAM if team else IN_ORGANIZATION)


async def teams(api: Api, api_url: str, token: Secret) -> list[str]:
    """The account's teams as `org:team-slug`, as GitHub writes them. Raises ProviderError.

    Those of organizations that do not let this hub see them are left out.
    """
    found: list[str] = []
    async for entry in _items(api, f"{api_url}/user/teams?per_page=100", token):
        org, slug = _name_of(entry.get("organization")), entry.get("slug")
        if not org or not isinstance(slug, str) or not slug:
            raise api.bad_response()
        found.append(f"{org}:{slug}")
    return found


async def delete_token(api: Api, api_url: str, client: Client, token: Secret) -> None:
    """Take a token back; one that GitHub does not know is none any more. Raises ProviderError.

    https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token
    """
    headers = {**HEADERS, "Authorization": basic(client.id, client.secret)}
    url = f"{api_url}/applications/{quote(client.id, safe='')}/token"
    response = await api.delete(url, {"access_token": token.reveal()}, headers=headers)
    if response.status in {204, 404}:
        return
    if response.status == 403 and _exhausted(response.headers):
        raise api.unavailable(_pause(response.headers))
    if response.status == 401:
        raise ProviderError(
            f"{api.label} does not accept this hub as its client; the administrators must look at it.",
            code="provider_refused_client",
        )
    raise api.bad_response()


async def _items(
    api: Api, url: str, token: Secret, unseen: AbstractSet[int] = frozenset()
) -> AsyncIterator[dict[str, Any]]:
    """The objects of a list, page after page; none where the answer is one of the statuses of `unseen`.

    `next_url` refuses to lead to another host, so the token does not get there (row F07).
    """
    for _ in range(MOST_PAGES):
        answer = await _ask(api, url, token)
        if answer.status in unseen:
            return
        for entry in answer.sequence():
            if isinstance(entry, dict):
                yield entry
        if answer.next_url is None:
            return
        url = answer.next_url


async def _ask(api: Api, url: str, token: Secret) -> Answer:
    answer = await api.get_json(url, token=token, headers=HEADERS)
    if answer.status == 403 and (_exhausted(answer.headers) or "rate limit" in _message(answer)):
        raise api.unavailable(_pause(answer.headers))
    return answer


def _message(answer: Answer) -> str:
    """What GitHub says beside a refusal, in lower case."""
    told = answer.json.get("message") if isinstance(answer.json, dict) else None
    return told.lower() if isinstance(told, str) else ""


def _name_of(organization: Any) -> str:
    """The login of an organization that stands in an answer, "" where there is none."""
    login = organization.get("login") if isinstance(organization, dict) else None
    return login if isinstance(login, str) else ""


def _exhausted(headers: Mapping[str, str]) -> bool:
    """Whether a refusal is about the number of requests, the primary or a secondary limit, and not about rights."""
    return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds until GitHub answers again, where it says so."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return min(float(after), LONGEST_PAUSE)
    return min(max(0.0, float(reset) - time.time()), LONGEST_PAUSE) if reset.isdecimal() else None
