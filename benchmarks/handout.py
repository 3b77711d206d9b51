"""A hand-out's own work in the hub, without the hub's token check: `python -m benchmarks.handout`.

From (hub user, provider) to a fresh credential, on a real SQLite store with that many stored credentials and with the
audit trail in a file. Medians in milliseconds: the limit is 3 ms, and flat. Then the memory of the process before and
after many hand-outs, which must not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import insert

from hubauth_core import Credential, HubUser, Identity, Provider, Secret
from hubauth_core.access import Access
from hubauth_core.binding import contents
from hubauth_core.database import open_database
from hubauth_core.events import Audit
from hubauth_core.identities import Identities
from hubauth_core.refresh import Refresher
from hubauth_core.registry import Registry
from hubauth_core.retrieval import Retrieval
from hubauth_core.schema import identities, vault
from hubauth_core.vault import Vault

LIFE = 7200.0


class Forge(Provider):
    """A source whose credentials are handed out and, here, never renewed."""


def person(number: int) -> HubUser:
    return HubUser(id=number, name=f"person{number}", created=1.0)


async def fill(folder: Path, number: int) -> Retrieval:
    """A retrieval on a store with `number` credentials, each of a size that providers issue."""
    database = open_database(f"sqlite:///{folder / 'hubauth.sqlite'}")
    keeper = Vault(database, CryptKeeper(keys=[os.urandom(32)]))
    log = logging.getLogger("benchmark")
    log.disabled = True
    people = [
        {"id": f"{each:032x}", "provider": "forge", "subject": str(each), "username": f"person{each}"}
        | {"hub_name": f"person{each}", "home_of": f"{each}/1.0", "created_at": 1.0, "last_used_at": 1.0}
        | {"hub_user_id": each, "hub_user_created": 1.0}
        for each in range(number)
    ]
    rows = []
    for each in range(number):
        [row] = await keeper.seal(f"{each:032x}", _identity(each), [_credential()])
        place = {"identity_id": row.identity_id, "purpose": row.purpose, "resource": row.resource}
        rows.append(place | contents(row, time.time()) | {"failures": 0, "retry_at": 0.0})
    with database._writes.begin() as connection:  # the fastest way in
        connection.execute(insert(identities), people)
        connection.execute(insert(vault), rows)
    registry = Registry()
    registry._types["forge"] = Forge
    registry.configure({"forge": {"allow_all": True}})
    known, audit = Identities(database), Audit(registry.emit, log, path=folder / "audit.jsonl")
    return Retrieval(
        registry=registry,
        access=Access(known, several=True),
        identities=known,
        vault=keeper,
        refresher=Refresher(registry=registry, vault=keeper, audit=audit, log=log),
        audit=audit,
    )


def _identity(number: int) -> Identity:
    return Identity(provider="forge", subject=str(number), username=f"person{number}")


def _credential() -> Credential:
    return Credential(
        access_token=Secret(os.urandom(500).hex()),
        refresh_token=Secret(os.urandom(100).hex()),
        id_token=Secret(os.urandom(500).hex()),
        scopes=frozenset({"openid", "profile", "repo"}),
        expires_at=time.time() + LIFE,
    )


async def hand_out(retrieval: Retrieval, number: int) -> float:
    """Seconds of one hand-out."""
    begun = time.perf_counter()
    _, credential = await retrieval.credential(person(number), "forge")
    assert credential.access_token
    return time.perf_counter() - begun


async def measure(number: int, rounds: int, many: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        retrieval = await fill(Path(folder), number)
        for each in range(min(many, 5_000)):  # what is imported, cached and pooled is there before the first look
            await hand_out(retrieval, each % number)
        times = [await hand_out(retrieval, random.randrange(number)) for _ in range(rounds)]
        before = _memory()
        for _ in range(many):
            await hand_out(retrieval, random.randrange(number))
        figures = {"median_ms": statistics.median(times) * 1000, "p95_ms": statistics.quantiles(times, n=20)[-1] * 1000}
        return figures | ({"memory_before_mib": before, "memory_after_mib": _memory()} if many else {})


def _memory() -> float:
    return psutil.Process().memory_info().rss / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=2_000)
    parser.add_argument("--many", type=int, default=100_000, help="hand-outs between the two looks at the memory")
    options = parser.parse_args()
    results = {
        str(stored): asyncio.run(measure(stored, options.rounds, options.many if stored == options.stored[0] else 0))
        for stored in options.stored
    }
    print(json.dumps(results, indent=2))
