"""A sign-in's own work in the hub, without the provider's time: `python -m benchmarks.signin [--people 1000 100000]`.

begin + finish + bind of a returning person and of a new one, on a real SQLite store with that many recorded identities,
with the transaction sealed and opened. Medians in milliseconds. The limit is 10 ms for begin + finish, and flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import insert

from hubauth_core import Identity, Provider, Redirect, Request, SignIn
from hubauth_core.access import Access
from hubauth_core.database import open_database
from hubauth_core.events import Audit
from hubauth_core.identities import Identities
from hubauth_core.linking import Linking
from hubauth_core.mapping import Mapper
from hubauth_core.registry import Registry
from hubauth_core.schema import had_identity, identities, names, pins
from hubauth_core.signin import Admitted, SignInFlow
from hubauth_core.transaction import Seal, begin, cookie_name
from hubauth_core.types import HubUser, Step, Transaction
from hubauth_core.vault import Vault


class Instant(Provider):
    """Vouches for the person whose number the query names, at once."""

    title = "Instant"

    async def begin_login(self, request: Request, transaction: Transaction) -> Step:
        return Redirect(url="https://instant.example/authorize")

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        number = request.one("person")
        return SignIn(identity=Identity(subject=f"{number}", username=f"person{number}"))


class Everybody:
    """Hub users of the recorded people; the others have none yet."""

    def __init__(self, number: int) -> None:
        self._number = number

    def find(self, name: str) -> HubUser | None:
        number = int(name.removeprefix("person"))
        return self._user(number) if number < self._number else None

    def by_id(self, id: int) -> HubUser | None:  # noqa: A002  # the hub's own word
        return self._user(id)

    def everybody(self) -> Iterable[HubUser]:
        return map(self._user, range(self._number))

    def _user(self, number: int) -> HubUser:
        return HubUser(id=number, name=f"person{number}", created=1.0)


def fill(folder: Path, number: int) -> SignInFlow:
    """A flow on a store with `number` recorded people."""
    database = open_database(f"sqlite:///{folder / 'hubauth.sqlite'}")
    user = [{"hub_user_id": each, "hub_user_created": 1.0} for each in range(number)]
    with database._writes.begin() as connection:  # the fastest way in
        rows = [
            {"id": f"{each:032x}", "provider": "instant", "subject": str(each), "username": f"person{each}"}
            | {"hub_name": f"person{each}", "home_of": f"{each}/1.0", "created_at": 1.0, "last_used_at": 1.0}
            | user[each]
            for each in range(number)
        ]
        connection.execute(insert(identities), rows)
        connection.execute(insert(names), [{"name_key": f"person{each}", **user[each]} for each in range(number)])
        connection.execute(
            insert(pins),
            [{"provider": "instant", "username": f"person{each}", "subject": str(each)} for each in range(number)],
        )
        connection.execute(insert(had_identity), user)
    registry = Registry()
    registry._types["instant"] = Instant
    registry.configure({"instant": {"allow_all": True}})
    known, vault, audit = Identities(database), Vault(database), Audit(registry.emit, registry.log)
    access = Access(known, several=False)
    return SignInFlow(
        registry=registry,
        access=access,
        mapper=Mapper({"instant": ""}, known, Everybody(number), validate_username=lambda name: True),
        identities=known,
        vault=vault,
        audit=audit,
        linking=Linking(registry=registry, access=access, identities=known, vault=vault, audit=audit),
    )


async def once(flow: SignInFlow, seal: Seal, number: int) -> tuple[float, float]:
    """Seconds of begin + finish, and of bind."""
    begun = time.perf_counter()
    request = Request(query={"person": [str(number)]})
    _, transaction = await flow.begin(request, begin("instant", redirect_uri="https://hub.example/cb", next_url=""))
    cookie = {cookie_name(transaction.state): seal.close(transaction)}
    admitted = await flow.finish(request, seal.open(transaction.state, cookie, "instant"))
    assert isinstance(admitted, Admitted)
    finished = time.perf_counter()
    await flow.bind(admitted, HubUser(id=number, name=f"person{number}", created=1.0))
    return finished - begun, time.perf_counter() - finished


async def measure(flow: SignInFlow, recorded: int, rounds: int) -> dict[str, float]:
    seal, step = Seal(b"x" * 32), max(1, recorded // rounds)
    await once(flow, seal, 0)
    returning = [await once(flow, seal, number) for number in range(1, rounds * step, step)]
    new = [await once(flow, seal, recorded + number) for number in range(rounds)]
    return {
        "returning_begin_finish_ms": statistics.median(a for a, _ in returning) * 1000,
        "returning_bind_ms": statistics.median(b for _, b in returning) * 1000,
        "new_begin_finish_ms": statistics.median(a for a, _ in new) * 1000,
        "new_bind_ms": statistics.median(b for _, b in new) * 1000,
    }


def run(people: list[int], rounds: int) -> dict[str, dict[str, float]]:
    results = {}
    for number in people:
        with tempfile.TemporaryDirectory() as folder:
            results[str(number)] = asyncio.run(measure(fill(Path(folder), number), number, rounds))
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=500)
    options = parser.parse_args()
    print(json.dumps(run(options.people, options.rounds), indent=2))
