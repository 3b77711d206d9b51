"""Browsers that an account was signed in with before: what lets its owner in while others guess (rows S04, P10).

What such a browser keeps is signed by the hub, and good for one account until its password changes.
"""

from __future__ import annotations

import json
import secrets
from typing import Final

from hubauth_core import Request
from hubauth_core.plugin import keep_cookie, recall_cookie

from .accounts import Account

COOKIE: Final = "hubauth_known"
DAYS: Final = 180
MOST: Final = 4
"""Accounts that one browser is known for; the oldest gives way."""

Entry = tuple[str, str, float | None]
"""The browser's own id, the account's, and when that account's password was set."""


class KnownBrowsers:
    """The browsers of one provider's accounts."""

    def __init__(self, provider: str, public_url: str) -> None:
        self._cookie = f"{COOKIE}_{provider}"
        self._public_url = public_url

    def device(self, request: Request, account: Account | None) -> str:
        """The id of a browser that is known to be the account's, "" for any other."""
        if account is None:
            return ""
        found = (entry for entry in self._entries(request) if _is(entry, account))
        return next((device for device, _, since in found if since == account.password_set_at), "")

    def remember(self, request: Request, account: Account) -> None:
        """This browser is the account's from now on."""
        if request.handler is None:
            return
        device = self.device(request, account) or secrets.token_hex(8)
        others = [entry for entry in self._entries(request) if not _is(entry, account)]
        entries = [(device, account.id, account.password_set_at), *others][:MOST]
        keep_cookie(request.handler, self._cookie, json.dumps(entries), self._public_url, days=DAYS)

    def _entries(self, request: Request) -> list[Entry]:
        if request.handler is None:
            return []
        kept = recall_cookie(request.handler, self._cookie, DAYS * 86400)
        return [(device, account, since) for device, account, since in json.loads(kept)] if kept else []


def _is(entry: Entry, account: Account) -> bool:
    return secrets.compare_digest(entry[1], account.id)
