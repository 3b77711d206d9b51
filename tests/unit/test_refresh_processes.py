"""The same with real processes, and one that is killed at the worst moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.authority import Clock
from harness.people import identity
from harness.process import LIGHT
from harness.renewing_process import refresher
from harness.shelf import Shelf
from harness.token_endpoint import TokenEndpoint, token_endpoint
from hubauth_core import Credential, CredentialError, HubUser, ProviderUnavailable, Secret
from hubauth_core.database import open_database
from hubauth_core.identities import Identities, new_id
from hubauth_core.mapping import Record
from hubauth_core.refresh import Refresher

KEY = bytes(range(32))
TESTS = Path(__file__).parents[1]
Processes = Callable[[int, int], list[list[str]]]


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with token_endpoint() as running:
        yield running


@pytest.fixture
def here(shelf: Shelf, empty_database: str, endpoint: TokenEndpoint) -> tuple[Identities, Refresher, Clock]:
    """This process's own way; makes the store."""
    open_database(empty_database).close()
    clock = Clock()
    identities, _, own = refresher(shelf, empty_database, KEY, endpoint.url, clock)
    return identities, own, clock


@pytest.fixture
async def record(shelf: Shelf, empty_database: str, here: tuple[Identities, Refresher, Clock]) -> Record:
    """Somebody whose credential has expired."""
    identities, own, clock = here
    person, record_id = identity("uni", "1", "ann"), new_id()
    old = Credential(access_token=Secret("access-0"), refresh_token=Secret("refresh-0"), expires_at=clock() - 1)
    sealed = await own._vault.seal(record_id, person, [old])
    user = HubUser(id=1, name="ann", created=1.0)
    return await identities.bind(person, user, record_id=record_id, pin="ann", sealed=sealed)


@pytest.fixture
def processes(empty_database: str, endpoint: TokenEndpoint) -> Processes:
    """`processes(how_many, requests)` -> what each process was given; they begin when all are ready."""

    def run(how_many: int, requests: int) -> list[list[str]]:
        command = [sys.executable, "-m", "harness.renewing_process", empty_database, KEY.hex(), endpoint.url]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (LIGHT, TESTS, TESTS.parent)))}
        running = [
            subprocess.Popen(
                [*command, str(requests)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for _ in range(how_many)
        ]
        try:
            for each in running:
                assert each.stdout is not None
                assert each.stdout.readline() == "ready\n"
            for each in running:
                assert each.stdin is not None
                each.stdin.write("go\n")
                each.stdin.flush()
            return [json.loads(each.communicate(timeout=60)[0] or "[]") for each in running]
        finally:
            for each in running:
                each.kill()
                each.communicate()

    return run


@pytest.mark.row("F10")
async def test_processes_that_ask_at_once_make_one_request(
    processes: Processes, record: Record, endpoint: TokenEndpoint
) -> None:
    answers = processes(2, 25)
    assert answers == [["access-1"] * 25] * 2
    assert endpoint.requests == ["refresh-0"]
    assert endpoint.good == "refresh-1", "nobody has used a token twice"


@pytest.mark.row("F10", "R04")
async def test_a_process_killed_between_rotation_and_commit_costs_one_sign_in_and_no_loop(
    processes: Processes, record: Record, endpoint: TokenEndpoint, here: tuple[Identities, Refresher, Clock]
) -> None:
    endpoint.kills = True
    assert processes(1, 3) == [[]], "killed before it could say anything"
    endpoint.kills = False
    _, own, clock = here
    own._patience = 0.0
    with pytest.raises(ProviderUnavailable):
        await own.fresh(record)
    assert endpoint.requests == ["refresh-0"], "its lease still holds"
    clock.forward(200)
    for _ in range(3):
        with pytest.raises(CredentialError) as caught:
            await own.fresh(record)
        assert caught.value.code == "needs_login"
    assert endpoint.requests == ["refresh-0", "refresh-0"]
