"""What the hub asks Microsoft Graph: the groups of somebody who is in more than an ID token holds.

https://learn.microsoft.com/graph/api/user-list-transitivememberof
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from hubauth_core import ProviderError, Secret
from hubauth_core.oauth2 import Api

GROUP: Final = "#microsoft.graph.group"

MOST_PAGES: Final = 20
"""Pages of 999 entries that are read at most."""


async def groups(api: Api, graph_url: str, token: Secret) -> list[str]:
    """The ids of all groups that the person is in, by other groups too. Needs `User.Read`. Raises ProviderError."""
    found: set[str] = set()
    url = f"{graph_url}/v1.0/me/transitiveMemberOf?$select=id&$top=999"
    for _ in range(MOST_PAGES):
        answer = await api.get_json(url, token=token)
        if answer.status == 403:
            raise ProviderError(
                f"{api.label} does not show this hub your groups; its permission User.Read must be looked at by the "
                "administrators.",
                code="scope_insufficient",
            )
        page = answer.mapping()
        entries, after = page.get("value"), page.get("@odata.nextLink")
        if not isinstance(entries, list):
            raise api.bad_response()
        found |= {
            str(entry["id"])
            for entry in entries
            if isinstance(entry, dict) and entry.get("@odata.type") == GROUP and "id" in entry
        }
        if after is None:
            return sorted(found)
        if not isinstance(after, str) or urlsplit(after)[:2] != urlsplit(graph_url)[:2]:  # row F07
            raise api.bad_response()
        url = after
    raise api.bad_response()  # half a list would take a group away from somebody
