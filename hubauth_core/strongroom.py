"""What stands behind credentials, put together from one configuration, alike by the hub and by a credential service."""

from __future__ import annotations

import logging
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .access import Access
from .database import Database
from .events import Audit
from .identities import Identities
from .refresh import Refresher
from .registry import Registry
from .retrieval import Retrieval
from .vault import Vault


class Options(Protocol):
    """What is read of the authenticator's options."""

    log: logging.Logger | logging.LoggerAdapter[Any]
    audit_log: str
    audit_required: bool
    blocked_users: Set[str]


@dataclass(frozen=True, kw_only=True)
class Strongroom:
    """Rooms that know each other."""

    registry: Registry
    identities: Identities
    access: Access
    vault: Vault
    audit: Audit
    refresher: Refresher
    retrieval: Retrieval


def furnish(options: Options, registry: Registry, database: Database, *, several: bool) -> Strongroom:
    """Put it together. `several`: whether the hub has several providers, also if only one of them is in service."""
    identities = Identities(database)
    access, vault = Access(identities, several=several), Vault(database)
    path = Path(options.audit_log) if options.audit_log else None
    audit = Audit(registry.emit, options.log, path=path, required=options.audit_required)
    refresher = Refresher(registry=registry, vault=vault, audit=audit, log=options.log)
    retrieval = Retrieval(
        registry=registry,
        access=access,
        identities=identities,
        vault=vault,
        refresher=refresher,
        audit=audit,
        blocked=options.blocked_users,
    )
    return Strongroom(
        registry=registry,
        identities=identities,
        access=access,
        vault=vault,
        audit=audit,
        refresher=refresher,
        retrieval=retrieval,
    )
