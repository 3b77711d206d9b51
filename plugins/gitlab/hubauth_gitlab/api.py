"""What a sign-in asks GitLab's REST API.

https://docs.gitlab.com/api/users/, https://docs.gitlab.com/api/members/ and https://docs.gitlab.com/api/groups/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

from hubauth_core import LoginRefused, ProviderError, Secret
from hubauth_core.oauth2 import Answer, Api

from .memberships import counts

MOST_PAGES: Final = 10
"""Pages of a list that are read at most, of a hundred entries each."""

INHERITED_SINCE: Final = (12, 4)
"""The first GitLab that tells of a member by way of a group above, or of an invited one."""

_MOVED: Final = re.compile(r"/(groups|projects)/\d+(/|$)")


async def user(api: Api, url: str, token: Secret) -> dict[str, Any]:
    """The account behind a token; needs the scope `read_user`.

    Raises LoginRefused for an account that its GitLab has blocked or deactivated, ProviderError.
    """
    answer = await api.get_json(url, token=token)
    if answer.status == 403:
        if _lacks_scope(answer):
            raise ProviderError(
                f"{api.label} does not tell this hub who you are: its scope lacks read_user.", code="scope_insufficient"
            )
        raise inactive(api.label)
    account = answer.mapping()
    if account.get("state") != "active":
        raise inactive(api.label)
    return account


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody whose memberships are looked up with a token of their own."""

    api: Api
    api_url: str
    token: Secret
    account: int
    today: date

    async def is_in(
        self, what: Literal["groups", "projects"], entry: str, level: int, *, directly: bool = False
    ) -> bool | None:
        """Whether the person is in a group or project with at least that access level, inherited memberships included.

        None where GitLab does not show it to this person. Only 404 says no, and a project that is not at this path any
        more. The path is encoded once. Raises LoginRefused `scope_insufficient`, ProviderError.
        """
        members = "members" if directly else "members/all"
        url = f"{self.api_url}/{what}/{quote(entry, safe='')}/{members}/{self.account}"
        answer = await self.api.get_json(url, token=self.token)
        if answer.status == 403:
            if _lacks_scope(answer):
                raise too_narrow(self.api.label)
            return None
        if answer.status == 404 or _has_moved(answer):
            return False
        told = answer.mapping()
        if answer.status != 200:
            raise self.api.bad_response()
        try:
            return counts(told, self.account, level, self.today)
        except ValueError:
            raise self.api.bad_response() from None

    async def is_old(self) -> bool:
        """Whether this GitLab is too old to know inherited memberships. Raises ProviderError."""
        answer = await self.api.get_json(f"{self.api_url}/version", token=self.token)
        if answer.status in {403, 404}:
            return False
        found = re.match(r"(\d+)\.(\d+)", str(answer.mapping().get("version")))
        return found is not None and (int(found[1]), int(found[2])) < INHERITED_SINCE

    async def groups(self, level: int) -> list[str]:
        """The full paths of the groups that the person is in with at least that access level. Raises ProviderError.

        `Answer.next_url` refuses to lead to another host, so the token does not get there (row F07).
        """
        found: list[str] = []
        url = f"{self.api_url}/groups?min_access_level={level}&all_available=false&per_page=100"
        for _ in range(MOST_PAGES):
            answer = await self.api.get_json(url, token=self.token)
            if answer.status == 403 and _lacks_scope(answer):
                raise too_narrow(self.api.label)
            for entry in answer.sequence():
                path = entry.get("full_path") if isinstance(entry, dict) else None
                if not isinstance(path, str) or not path:
                    raise self.api.bad_response()
                found.append(path)
            if answer.next_url is None:
                break
            url = answer.next_url
        return found


def inactive(label: str) -> LoginRefused:
    """The refusal of an account that is not in use: blocked, deactivated, banned, waiting for approval."""
    return LoginRefused(f"Your account at {label} is not active.", code="account_inactive")


def too_narrow(label: str) -> LoginRefused:
    """The refusal of somebody whose token does not show memberships."""
    return LoginRefused(
        f"This hub must see your groups at {label} (read_api), which was not granted. Sign in again, and grant it; if "
        "that does not help, ask the administrators of this hub.",
        code="scope_insufficient",
    )


def _lacks_scope(answer: Answer) -> bool:
    return isinstance(answer.json, dict) and answer.json.get("error") == "insufficient_scope"


def _has_moved(answer: Answer) -> bool:
    """Whether what stood at this path has another one now; somebody else may take the old one."""
    location = urlsplit(answer.headers.get("location", "")).path
    return 300 <= answer.status < 400 and _MOVED.search(location) is not None
