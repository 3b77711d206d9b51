"""One-time links: 256 random bits in an address, their SHA-256 in the database (rows S02, 6.4.1)."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from hubauth_core import LoginRefused, Secret

from .schema import links

Purpose = Literal["verify", "invite", "reset", "first_password", "email_change", "email_undo"]

LONGEST: Final = 64
"""Characters of a token that are looked at."""


class LinkOver(LoginRefused):
    """The link was used, has run out, was replaced by a newer one, or never was one."""

    default_code = "link_over"


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link stands for. `data` is whatever its maker wants back."""

    digest: str = field(repr=False)
    purpose: Purpose
    account_id: str | None
    email: str
    data: Mapping[str, Any]
    uses_left: int
    created_at: float
    expires_at: float
    created_by: str


def make(
    connection: Connection,
    provider: str,
    purpose: Purpose,
    *,
    lifetime: float,
    account_id: str | None = None,
    email: str = "",
    data: Mapping[str, Any] | None = None,
    uses: int = 1,
    by: str = "",
) -> Secret:
    """Make a link and return what stands in its address; an account's older links of that purpose die."""
    if account_id is not None:
        withdraw(connection, account_id, purpose)
    token, now = secrets.token_urlsafe(32), time.time()
    row = {"account_id": account_id, "email": email, "data": json.dumps(dict(data or {})), "uses_left": uses}
    times = {"created_at": now, "expires_at": now + lifetime}
    connection.execute(
        insert(links).values(digest=digest(token), provider=provider, purpose=purpose, created_by=by, **row, **times)
    )
    return Secret(token)


def look(connection: Connection, provider: str, purpose: Purpose, token: str) -> Link:
    """What a link stands for, without using it: a GET changes nothing (row S02). Raises LinkOver."""
    row = connection.execute(select(links).where(*_valid(provider, purpose, token))).mappings().first()
    if row is None:
        raise LinkOver("This link has been used already, or it has run out. Ask for a new one.")
    values = {name: row[name] for name in Link.__dataclass_fields__}
    return Link(**{**values, "data": json.loads(row["data"])})


def use(connection: Connection, provider: str, purpose: Purpose, token: str) -> Link:
    """Use a link up. Of two at once one succeeds. Raises LinkOver."""
    link = look(connection, provider, purpose, token)
    taken = update(links).where(*_valid(provider, purpose, token)).values(uses_left=links.c.uses_left - 1)
    if connection.execute(taken).rowcount != 1:
        raise LinkOver("This link has been used already.")
    connection.execute(delete(links).where(links.c.digest == link.digest, links.c.uses_left <= 0))
    return link


def withdraw(connection: Connection, account_id: str, *purposes: Purpose) -> None:
    """Let links of an account die; without `purposes` all of them."""
    condition = [links.c.purpose.in_(purposes)] if purposes else []
    connection.execute(delete(links).where(links.c.account_id == account_id, *condition))


def settle_address(connection: Connection, account_id: str) -> None:
    """An administrator has decided about an address: no link proves or takes back another one any more.

    Those to take a change back belong to no account; `email_change` says why.
    """
    withdraw(connection, account_id, "verify", "email_change")
    connection.execute(delete(links).where(links.c.purpose == "email_undo", links.c.created_by == account_id))


def prune(connection: Connection) -> None:
    """Forget what has run out."""
    connection.execute(delete(links).where(links.c.expires_at <= time.time()))


def digest(token: str) -> str:
    """What stands for a token in the database."""
    return hashlib.sha256(token[:LONGEST].encode("utf-8", "surrogatepass")).hexdigest()


def alive(provider: str, purpose: Purpose) -> tuple[Any, ...]:
    """The conditions under which rows of the table are links that can still be used."""
    return (
        links.c.provider == provider,
        links.c.purpose == purpose,
        links.c.uses_left > 0,
        links.c.expires_at > time.time(),
    )


def _valid(provider: str, purpose: Purpose, token: str) -> tuple[Any, ...]:
    fits = len(token) <= LONGEST
    return (links.c.digest == (digest(token) if fits else ""), *alive(provider, purpose))
