"""What a sign-in asks GitLab's REST API.

https://docs.gitlab.com/api/users/
"""

from __future__ import annotations

from typing import Any

from hubauth_core import LoginRefused, ProviderError, Secret
from hubauth_core.oauth2 import Api


async def user(api: Api, url: str, token: Secret) -> dict[str, Any]:
    """The account behind a token; needs the scope `read_user`.

    Raises LoginRefused for an account that its GitLab has blocked or deactivated, ProviderError.
    """
    answer = await api.get_json(url, token=token)
    if answer.status == 403:
        told = answer.json if isinstance(answer.json, dict) else {}
        if told.get("error") == "insufficient_scope":
            raise ProviderError(
                f"{api.label} does not tell this hub who you are: its scope lacks read_user.", code="scope_insufficient"
            )
        raise inactive(api.label)
    account = answer.mapping()
    if account.get("state") != "active":
        raise inactive(api.label)
    return account


def inactive(label: str) -> LoginRefused:
    """The refusal of an account that is not in use: blocked, deactivated, banned, waiting for approval."""
    return LoginRefused(f"Your account at {label} is not active.", code="account_inactive")
