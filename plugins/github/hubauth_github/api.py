"""What the hub asks GitHub's REST API.

https://docs.github.com/en/rest/users
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from hubauth_core import ProviderError, Secret
from hubauth_core.oauth2 import Answer, Api, Client, basic

HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

LONGEST_PAUSE: Final = 3600.0
"""Seconds that GitHub can ask the hub to stay away."""

MOST_PAGES: Final = 10
"""Pages of a list that are read at most; of e-mail addresses one has been enough for everybody."""


async def user(api: Api, url: str, token: Secret) -> dict[str, Any]:
    """The account behind a token. Raises ProviderError."""
    return (await _ask(api, url, token)).mapping()


async def verified_email(api: Api, api_url: str, token: Secret) -> str | None:
    """The account's primary address, if it is verified. Needs the scope `user:email`. Raises ProviderError."""
    async for entry in _items(api, f"{api_url}/user/emails?per_page=100", token):
        if entry.get("primary") is True:
            email = entry.get("email")
            return email if entry.get("verified") is True and isinstance(email, str) else None
    return None


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


async def _items(api: Api, url: str, token: Secret) -> AsyncIterator[dict[str, Any]]:
    """The objects of a list, page after page, none where GitHub does not show the list to this token.

    `next_url` refuses to lead to another host, so the token does not get there.
    """
    for _ in range(MOST_PAGES):
        answer = await _ask(api, url, token)
        if answer.status in {403, 404}:
            return
        for entry in answer.sequence():
            if isinstance(entry, dict):
                yield entry
        if answer.next_url is None:
            return
        url = answer.next_url


async def _ask(api: Api, url: str, token: Secret) -> Answer:
    answer = await api.get_json(url, token=token, headers=HEADERS)
    if answer.status == 403 and _exhausted(answer.headers):
        raise api.unavailable(_pause(answer.headers))
    return answer


def _exhausted(headers: Mapping[str, str]) -> bool:
    """Whether a refusal is about the number of requests, the primary or a secondary limit, and not about rights."""
    return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds until GitHub answers again, where it says so."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return min(float(after), LONGEST_PAUSE)
    return min(max(0.0, float(reset) - time.time()), LONGEST_PAUSE) if reset.isdecimal() else None
