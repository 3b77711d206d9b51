"""Sign-up, decisions and proofs at once, from several processes, on every database: one of them wins, whole."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from sqlalchemy import func, select

from hubauth_core import LoginRefused
from hubauth_core.database import Database, ensure
from hubauth_native import NativeProvider, schema
from hubauth_native.accounts import Account
from hubauth_native.signup import Application

OPTIONS: dict[str, Any] = {
    "argon2_unsafe": True,
    "argon2_memory_cost": 8,
    "argon2_time_cost": 1,
    "smtp_host": "mail.example.org",
    "mail_from": "hub@example.org",
    "self_approval_domains": ["uni.example"],
    "limits": {kind: dict.fromkeys(("account", "address", "overall"), "10000/s") for kind in ("sign_up", "verify")},
}
PROCESSES = 4


def process(database: Database) -> NativeProvider:
    """A provider as one more hub, or a command beside it, would start it."""
    core = MagicMock(base_url="/hub/", public_url="https://hub.test/hub/", end_access=AsyncMock())
    core.store.side_effect = lambda tables: (ensure(database, tables), database)[1]
    core.key.return_value = b"k" * 32
    core.free_name.side_effect = lambda name: name
    core.same_person.return_value = []
    provider = NativeProvider("local", **OPTIONS)
    provider.start(core)
    return provider


@pytest.fixture
def processes(any_database: Database) -> Iterator[list[NativeProvider]]:
    others = [Database(any_database.url) for _ in range(PROCESSES - 1)]
    yield [process(each) for each in (any_database, *others)]
    for each in others:
        each.close()


def at_once(work: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Everything from threads with event loops of their own, begun together; what each came to, errors too."""
    start = threading.Barrier(len(work))

    async def run(each: Callable[[], Awaitable[Any]]) -> Any:
        start.wait()
        (end,) = await asyncio.gather(each(), return_exceptions=True)
        return end

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(lambda each: asyncio.run(run(each)), work))


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def application(name: str, **more: str) -> Application:
    return Application(username=name, password="zebra lantern 47 quartz", **more)


def token_of(native: NativeProvider) -> str:
    """The newest link that waits to be mailed."""
    with native.house.database.read() as connection:
        row = connection.execute(select(schema.mails).order_by(schema.mails.c.created_at.desc())).mappings().first()
    assert row is not None
    letter = native.house.post.outbox.open(row["id"], row["sealed"])
    assert letter is not None
    return letter.text.partition("token=")[2].split()[0]


@pytest.mark.row("V38", "V09")
def test_of_names_that_look_alike_one_is_taken(processes: list[NativeProvider]) -> None:
    spelled = ("ann", "ANN", "аnn", "ａｎｎ")
    for number in range(3):
        asked = [application(f"{name}{number}", email=f"{number}@example.org") for name in spelled]
        work = [
            lambda one=one, each=each: one.house.sign_up.register(each)
            for one, each in zip(processes, asked, strict=True)
        ]
        ends = at_once(work)
        made = [each for each in ends if isinstance(each, Account)]
        refused = [each.code for each in ends if isinstance(each, LoginRefused)]
        assert (len(made), refused) == (1, ["name_taken"] * (PROCESSES - 1)), ends
    database = processes[0].house.database
    for table in (schema.accounts, schema.history, schema.links, schema.mails):
        assert count(database, table) == 3, f"{table.name}: nothing is left of those who were late"


def test_an_invitation_for_two_lets_two_in(processes: list[NativeProvider]) -> None:
    url = asyncio.run(processes[0].house.invitations.invite(None, 2))
    token = url.partition("token=")[2]
    work = [
        lambda one=one, name=name: one.house.sign_up.register(application(name, invitation=token))
        for one, name in zip(processes, ("ann", "ben", "cat", "dan"), strict=True)
    ]
    ends = at_once(work)
    assert sorted(each.code for each in ends if isinstance(each, LoginRefused)) == ["link_over"] * 2
    assert count(processes[0].house.database, schema.accounts) == 2


@pytest.mark.row("V34")
def test_of_two_accounts_with_one_address_one_proves_it(processes: list[NativeProvider]) -> None:
    tokens = []
    for name in ("ann", "mallory"):
        asyncio.run(processes[0].house.sign_up.register(application(name, email="ann@example.org")))
        tokens.append(token_of(processes[0]))
    ends = at_once(
        [
            lambda one=one, token=token: one.house.verification.confirm(token)
            for one, token in zip(processes[:2], tokens, strict=True)
        ]
    )
    assert sorted(getattr(each, "code", "proved") for each in ends) == ["email_taken", "proved"], ends


def test_whoever_decides_first_has_decided(processes: list[NativeProvider]) -> None:
    one, two, three, four = processes
    for number in range(5):
        account = asyncio.run(one.house.sign_up.register(application(f"ann{number}", email=f"{number}@uni.example")))
        token = token_of(one)
        approved, refused, again, proved = at_once(
            [
                lambda: one.house.approval.approve([account.id], "one"),  # noqa: B023
                lambda: two.house.approval.refuse([account.id], "two"),  # noqa: B023
                lambda: three.house.approval.refuse([account.id], "three"),  # noqa: B023
                lambda: four.house.verification.confirm(token),  # noqa: B023
            ]
        )
        stored = one.house.accounts.by_id(account.id)
        kept = stored is not None
        assert [bool(refused) or bool(again), bool(refused) and bool(again)] == [not kept, False]
        assert isinstance(proved, Account if kept else LoginRefused), proved
        assert not (approved and not kept)
        if stored is not None:
            assert (stored.status, stored.email_verified) == ("active", True)
