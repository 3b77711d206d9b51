"""A sign-in without a hub: the core's part, done by hand."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from hubauth_core import Provider, Redirect, Request, Secret, SignIn, Transaction


def transaction(**changes: Any) -> Transaction:
    """A sign-in under way, as the core makes one."""
    values: dict[str, Any] = {
        "provider": "uni",
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verifier": Secret(secrets.token_urlsafe(32)),
        "redirect_uri": "https://hub.example/hub/auth/uni/callback",
        "started_at": 0.0,
    }
    return Transaction(**{**values, **changes})


async def begin(provider: Provider, under_way: Transaction) -> tuple[str, Transaction]:
    """Where the browser goes, and the transaction with what the provider noted in it."""
    step = await provider.hubauth_begin_login(Request(), under_way)
    assert isinstance(step, Redirect)
    return step.url, replace(under_way, memo=step.memo)


async def finish(provider: Provider, query: dict[str, list[str]], under_way: Transaction) -> SignIn:
    """The end of a sign-in with what the browser brought."""
    result = await provider.hubauth_finish_login(Request(query=query), under_way)
    assert isinstance(result, SignIn)
    return result
