"""Which transaction an answer of a source belongs to, and what a backend is told of the request that brings it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from hubauth_core import LoginRefused, Request, Transaction

from .visit import Visit

CONFIGURED: Final = frozenset({"client_id"})
"""Parameters that a backend would take from the browser in place of its settings."""


def state_of(request: Request) -> str | None:
    """The state in an answer: a parameter, or what stands in SAML's RelayState. Raises ValueError for several."""
    found = {
        value
        for where in (request.query, request.form)
        for name in ("state", "redirect_state")
        for value in where.get(name, ())
    }
    found |= {_relayed(value) for value in request.form.get("RelayState", ())}
    if len(found) > 1:
        raise ValueError("several states")
    return found.pop() if found else None


def _relayed(relay_state: str) -> str:
    try:
        state = json.loads(relay_state).get("next")
    except (ValueError, AttributeError):
        return ""
    return state if isinstance(state, str) else ""


def visit(request: Request, transaction: Transaction, person: str = "", **more: str) -> Visit:
    """The request as a backend gets to see it; `more` goes into its query.

    Raises LoginRefused where a parameter came several times: backends look at different ones of them.
    """
    return Visit(
        url=transaction.redirect_uri,
        redirect_uri=transaction.redirect_uri,
        state=transaction.state,
        method=request.method,
        query={**_single(request.query), **more},
        form=_single(request.form),
        person=person,
        address=request.address,
        anew=transaction.anew,
    )


def _single(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    if any(len(each) > 1 for each in values.values()):
        raise LoginRefused("The answer to this sign-in is malformed. Try again.", code="bad_request")
    return {name: each[0] for name, each in values.items() if each and name not in CONFIGURED}
