"""A hub without an administrator: its start says how one is made. No link ever stands in a log (row 6.3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from sqlalchemy import select

from .house import House
from .schema import accounts

ADVICE: Final = (
    "hubauth: nobody is an administrator of this hub yet. Run, in a terminal at the hub: hubauth native create-admin %s"
)


def advise(house: House, named: Set[str], others: Mapping[str, Any]) -> None:
    """Log the advice, where this is the hub, and nobody can sign in as an administrator.

    `named` is whom the configuration makes one; `others` are the options of the hub's other providers.
    """
    if house.core.in_hub and not (any(map(_has_admins, others.values())) or _has_admin(house, named)):
        house.core.log.warning(ADVICE, next(iter(sorted(named)), "NAME"))


def _has_admins(options: Any) -> bool:
    return bool(isinstance(options, Mapping) and options.get("admin_users"))


def _has_admin(house: House, named: Set[str]) -> bool:
    query = select(accounts.c.id).where(accounts.c.provider == house.name, accounts.c.admin.is_(True)).limit(1)
    with house.database.read() as connection:
        made = connection.execute(query).first() is not None
    return made or any(house.accounts.by_name(name) is not None for name in named)
