"""What the hub asks Microsoft Graph: the groups of somebody who is in more than an ID token holds.

https://learn.microsoft.com/graph/api/user-list-transitivememberof
"""

from __future__ import annotations

from typing import Final

from hubauth_core import Secret
from hubauth_core.oauth2 import Api, listed

GROUP: Final = "#microsoft.graph.group"


async def groups(api: Api, graph_url: str, token: Secret) -> list[str]:
    """The ids of all groups that the person is in, by other groups too. Needs `User.Read`. Raises ProviderError."""
    url = f"{graph_url}/v1.0/me/transitiveMemberOf?$select=id&$top=999"
    denied = (
        f"{api.label} does not show this hub your groups; its permission User.Read must be looked at by the "
        "administrators."
    )
    entries = listed(api, url, token, entries="value", following="@odata.nextLink", denied=denied)
    return sorted({str(entry["id"]) async for entry in entries if entry.get("@odata.type") == GROUP and "id" in entry})
