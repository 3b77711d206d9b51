"""What the hub asks Bitbucket Cloud's REST API.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from hubauth_core import Secret
from hubauth_core.oauth2 import Api, listed


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


def _items(api: Api, url: str, token: Secret) -> AsyncIterator[dict[str, Any]]:
    denied = (
        f"{api.label} does not show this hub what it needs; the permissions of its OAuth consumer must be looked at by "
        "the administrators."
    )
    return listed(api, url, token, entries="values", following="next", denied=denied)
