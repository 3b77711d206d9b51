"""What the hub asks Bitbucket Cloud's REST API.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

from hubauth_core import ProviderError, Secret
from hubauth_core.oauth2 import Api

MOST_PAGES: Final = 20
"""Pages of a list that are read at most."""


async def user(api: Api, url: str, token: Secret) -> dict[str, Any]:
    """The account behind a token. Raises ProviderError."""
    return (await api.get_json(url, token=token)).mapping()


async def verified_email(api: Api, api_url: str, token: Secret) -> str | None:
    """The account's primary address, if it is confirmed. Needs the scope `email`. Raises ProviderError."""
    async for entry in _items(api, f"{api_url}/user/emails?pagelen=100", token):
        if entry.get("is_primary") is True:
            email = entry.get("email")
            return email if entry.get("is_confirmed") is True and isinstance(email, str) else None
    return None


async def workspaces(api: Api, api_url: str, token: Secret) -> list[str]:
    """The slugs of the workspaces that the account is a member of. Needs the scope `account`. Raises ProviderError.

    https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-user-workspaces-get
    """
    found = set()
    async for entry in _items(api, f"{api_url}/user/workspaces?pagelen=100", token):
        workspace = entry.get("workspace")
        if isinstance(workspace, dict) and isinstance(workspace.get("slug"), str):
            found.add(workspace["slug"])
    return sorted(found)


async def _items(api: Api, url: str, token: Secret) -> AsyncIterator[dict[str, Any]]:
    """The objects of a list, page after page; the token is shown to no other host than the first page's."""
    start = urlsplit(url)
    for _ in range(MOST_PAGES):
        answer = await api.get_json(url, token=token)
        if answer.status == 403:
            raise ProviderError(
                f"{api.label} does not show this hub what it needs; the permissions of its OAuth consumer must be "
                "looked at by the administrators.",
                code="scope_insufficient",
            )
        page = answer.mapping()
        values, after = page.get("values"), page.get("next")
        if not isinstance(values, list):
            raise api.bad_response()
        for entry in values:
            if isinstance(entry, dict):
                yield entry
        if after is None:
            return
        if not isinstance(after, str) or urlsplit(after)[:2] != start[:2]:
            raise api.bad_response()
        url = after
    raise api.bad_response()  # half a list would take a group away from somebody
