"""Lists that come page by page, with the address of the next page in the body of the one before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import ProviderError
from ..types import Secret
from .http import Api

MOST_PAGES: Final = 20
"""Pages of a list that are read at most."""


async def listed(
    api: Api, url: str, token: Secret, *, entries: str, following: str, denied: str
) -> AsyncIterator[dict[str, Any]]:
    """The objects of a list, from its first page on: all of them, or an error, as half a list would take a group away
    from somebody.

    `entries` and `following` are the members of a page with its objects and with the next address; the token is shown
    to no other host than the first page's (row F07). `denied` is the sentence for a 403. Raises ProviderError.
    """
    start = urlsplit(url)
    for _ in range(MOST_PAGES):
        answer = await api.get_json(url, token=token)
        if answer.status == 403:
            raise ProviderError(denied, code="scope_insufficient")
        page = answer.mapping()
        found, after = page.get(entries), page.get(following)
        if not isinstance(found, list):
            raise api.bad_response()
        for entry in found:
            if isinstance(entry, dict):
                yield entry
        if after is None:
            return
        if not isinstance(after, str) or urlsplit(after)[:2] != start[:2]:
            raise api.bad_response()
        url = after
    raise api.bad_response()
