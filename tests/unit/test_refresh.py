"""Who asks for a credential gets one that is good, and the source is asked once, whoever and how many ask."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.authority import Authority, Clock
from harness.shelf import Shelf
from harness.stored import Stored
from hubauth_core import (
    Credential,
    CredentialError,
    Fresh,
    LoginRefused,
    ProviderError,
    ProviderUnavailable,
    ReauthRequired,
    Rotated,
    Secret,
    StoreError,
    Unavailable,
)
from hubauth_core import refresh as refreshing
from hubauth_core import saving as storing
from hubauth_core.database import Database, open_database

row = pytest.mark.row
LOST = ("credential_lost", "invalid_grant")


@pytest.fixture
def authority() -> Authority:
    return Authority(Clock())


@pytest.fixture
def stored(shelf: Shelf, database: Database, authority: Authority) -> Stored:
    return Stored(shelf, database, authority)


@pytest.fixture
def other_process(any_database: Database) -> Iterator[Database]:
    """A second pool of connections to the same store."""
    database = open_database(any_database.url.render_as_string(hide_password=False))
    yield database
    database.close()


def expire(stored: Stored) -> None:
    stored.clock.forward(10_000)


def newest(stored: Stored) -> str:
    return stored.authority.grants[-1].issued[-1]


# One at a time.


@row("F10", "M14")
async def test_a_thousand_requests_for_one_expired_credential_are_one_upstream(stored: Stored) -> None:
    record = await stored.sign_in()
    expire(stored)
    tokens = await asyncio.gather(*(stored.token(record) for _ in range(1000)))
    assert set(tokens) == {newest(stored)}
    assert len(stored.authority.calls) == 1


@row("F10")
@pytest.mark.parametrize("number", [2, 50])
async def test_two_processes_ask_once_and_all_get_the_new_token(
    shelf: Shelf, any_database: Database, other_process: Database, authority: Authority, number: int
) -> None:
    one, other = Stored(shelf, any_database, authority), Stored(shelf, other_process, authority)
    record = await one.sign_in()
    expire(one)
    asked = [process.token(record) for _ in range(number // 2) for process in (one, other)]
    assert set(await asyncio.gather(*asked)) == {newest(one)}
    assert len(authority.calls) == 1
    assert authority.grants[0].alive


@row("F10")
async def test_a_caller_that_goes_away_stops_nothing(stored: Stored, authority: Authority) -> None:
    record = await stored.sign_in()
    expire(stored)
    authority.gate.clear()
    gone = asyncio.ensure_future(stored.token(record))
    await authority.asked()
    gone.cancel()
    await asyncio.wait({gone})
    assert gone.cancelled()
    stays = asyncio.ensure_future(stored.token(record))
    authority.gate.set()
    assert await stays == newest(stored)
    assert len(authority.calls) == 1


async def test_credentials_of_different_people_are_renewed_beside_each_other(
    stored: Stored, authority: Authority
) -> None:
    ann, ben = await stored.sign_in(subject="1"), await stored.sign_in(subject="2")
    expire(stored)
    authority.gate.clear()
    both = asyncio.gather(stored.token(ann), stored.token(ben))
    await authority.asked(2)
    authority.gate.set()
    assert len(set(await both)) == 2


@row("F10")
async def test_a_process_that_waits_for_another_does_not_wait_for_ever(
    shelf: Shelf, database: Database, authority: Authority
) -> None:
    one, other = Stored(shelf, database, authority), Stored(shelf, database, authority, patience=0.0)
    record = await one.sign_in()
    expire(one)
    authority.gate.clear()
    renews = asyncio.ensure_future(one.token(record))
    await authority.asked()
    with pytest.raises(ProviderUnavailable) as caught:
        await other.token(record)
    assert caught.value.retry_after
    authority.gate.set()
    assert await renews == await other.token(record)


async def test_while_another_process_renews_what_is_still_good_is_handed_out(
    shelf: Shelf, database: Database, authority: Authority
) -> None:
    one, other = Stored(shelf, database, authority), Stored(shelf, database, authority, patience=0.0)
    record = await one.sign_in()
    old = newest(one)
    one.clock.forward(280)
    authority.gate.clear()
    renews = asyncio.ensure_future(one.token(record))
    await authority.asked()
    assert await other.token(record) == old
    authority.gate.set()
    await renews


@row("F10")
async def test_a_lease_outlasts_the_longest_call_of_a_provider(
    shelf: Shelf, database: Database, authority: Authority
) -> None:
    one = Stored(shelf, database, authority, hook_timeout=600)
    other = Stored(shelf, database, authority, patience=0.0, hook_timeout=600)
    record = await one.sign_in()
    expire(one)
    authority.gate.clear()
    renews = asyncio.ensure_future(one.token(record))
    await authority.asked()
    one.clock.forward(600)
    with pytest.raises(ProviderUnavailable):
        await other.token(record)
    authority.gate.set()
    await renews
    assert len(authority.calls) == 1


# Stored before it is handed out.


def failing(stored: Stored, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let that many writes of a renewed credential fail."""
    left, write = [times], stored.vault.replace

    async def replace_(*arguments: Any) -> bool:
        left[0] -= 1
        if left[0] >= 0:
            raise StoreError("Full.")
        return await write(*arguments)

    monkeypatch.setattr(stored.vault, "replace", replace_)


@row("R04", "F13")
@pytest.mark.parametrize("times", [1, 3, 20])
async def test_a_write_that_fails_is_repeated_and_nobody_gets_the_token_before(
    stored: Stored, shelf: Shelf, database: Database, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(storing, "PAUSES", (0.0,))
    failing(stored, monkeypatch, times)
    record = await stored.sign_in()
    expire(stored)
    token = await stored.token(record)
    assert token == newest(stored)
    assert await Stored(shelf, database, stored.authority).token(record) == token, "a new process knows it"
    assert len(stored.authority.calls) == 1


@row("R04", "F13")
async def test_what_cannot_be_stored_is_not_handed_out_and_not_lost(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "PAUSES", (0.0,))
    monkeypatch.setattr(storing, "PATIENCE", 0.05)
    record = await stored.sign_in()
    expire(stored)
    with monkeypatch.context() as broken:
        failing(stored, broken, 10**9)
        for _ in range(2):
            with pytest.raises(StoreError):
                await stored.token(record)
    monkeypatch.setattr(storing, "PATIENCE", 60)
    assert await stored.token(record) == newest(stored)
    assert len(stored.authority.calls) == 1
    assert stored.authority.grants[0].alive


@row("R04")
async def test_a_process_that_ends_stores_first_what_was_renewed(
    stored: Stored, shelf: Shelf, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "PAUSES", (0.0,))
    monkeypatch.setattr(storing, "PATIENCE", 0.05)
    await stored.refresher.settle()
    record = await stored.sign_in()
    expire(stored)
    with monkeypatch.context() as broken:
        failing(stored, broken, 10**9)
        with pytest.raises(StoreError):
            await stored.token(record)
        ending = asyncio.ensure_future(stored.refresher.settle())
        await asyncio.sleep(0)
        assert not ending.done()
    await ending
    assert await Stored(shelf, database, stored.authority).token(record) == newest(stored)
    assert len(stored.authority.calls) == 1


@row("R04")
async def test_what_is_still_good_is_handed_out_while_its_successor_cannot_be_stored(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "PAUSES", (0.0,))
    monkeypatch.setattr(storing, "PATIENCE", 0.05)
    record = await stored.sign_in()
    old = newest(stored)
    stored.clock.forward(280)
    with monkeypatch.context() as broken:
        failing(stored, broken, 10**9)
        assert await stored.token(record) == old
    monkeypatch.setattr(storing, "PATIENCE", 60)
    assert await stored.token(record, min_ttl=0) == newest(stored), "it waits until the successor is stored"
    assert len(stored.authority.calls) == 1


@row("F13")
async def test_a_store_that_takes_no_lease_costs_no_grant(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*arguments: object) -> bool:
        raise StoreError("Read only.")

    monkeypatch.setattr(stored.vault, "lease", broken)
    record = await stored.sign_in()
    token = newest(stored)
    stored.clock.forward(280)
    assert await stored.token(record) == token
    expire(stored)
    with pytest.raises(StoreError):
        await stored.token(record)
    assert stored.authority.calls == []


@row("F13")
async def test_a_store_that_is_locked_holds_up_whoever_needs_it_and_nobody_else(
    stored: Stored, store_file: Path
) -> None:
    ann, ben = await stored.sign_in(subject="1"), await stored.sign_in(subject="2")
    with sqlite3.connect(store_file, isolation_level=None) as somebody:
        somebody.execute("UPDATE hubauth_vault SET expires_at = 1 WHERE identity_id = ?", (ann.id,))
        somebody.execute("BEGIN IMMEDIATE")
        waits = asyncio.ensure_future(stored.token(ann))
        for _ in range(50):
            assert await stored.token(ben) == "access-2"
        assert not waits.done()
        assert stored.authority.calls == []
        somebody.execute("COMMIT")
    assert await waits == "access-3"


@row("F10")
async def test_killed_between_rotation_and_commit_means_sign_in_again_and_no_loop(
    shelf: Shelf, any_database: Database, authority: Authority
) -> None:
    one, other = Stored(shelf, any_database, authority), Stored(shelf, any_database, authority, patience=0.0)
    record = await one.sign_in()
    expire(one)
    held = (await one.vault.credential(record)).held
    assert held is not None
    assert await one.vault.lease(record, held, 90.0)
    authority.rotate("refresh-1")  # the source has rotated, and the process that asked is gone
    with pytest.raises(ProviderUnavailable):
        await other.token(record)
    assert authority.calls == []
    one.clock.forward(91)
    for _ in range(3):
        with pytest.raises(CredentialError) as caught:
            await other.token(record)
        assert caught.value.code == "needs_login"
    assert len(authority.calls) == 1
    assert other.kinds() == [LOST]
    assert [each.state for each in await other.retrieval.connections(other.user())] == ["needs_login"]
    await other.sign_in()
    assert await other.token(record) == newest(other)
    assert [each.state for each in await other.retrieval.connections(other.user())] == ["ready"]


# What happens meanwhile.


@row("F20", "R04")
async def test_a_sign_in_meanwhile_wins(shelf: Shelf, any_database: Database, authority: Authority) -> None:
    stored = Stored(shelf, any_database, authority)
    record = await stored.sign_in()
    expire(stored)
    authority.gate.clear()
    renews = asyncio.ensure_future(stored.token(record))
    await authority.asked()
    fresh = authority.sign_in()
    await stored.sign_in(fresh)
    authority.gate.set()
    assert await renews == fresh.access_token.reveal()
    assert (await stored.vault.credential(record)).content == fresh
    assert authority.revoked == []
    assert revocations(any_database) == 0, "a source may take the new grant back along with the old one"


@row("F20", "R04")
async def test_a_refusal_does_not_touch_what_a_sign_in_brought_meanwhile(stored: Stored, authority: Authority) -> None:
    record = await stored.sign_in()
    expire(stored)
    authority.gate.clear()
    authority.says = [ReauthRequired("invalid_grant")]
    renews = asyncio.ensure_future(stored.token(record))
    await authority.asked()
    fresh = authority.sign_in()
    await stored.sign_in(fresh)
    authority.gate.set()
    assert await renews == fresh.access_token.reveal()
    assert stored.kinds() == []


def revocations(database: Database) -> int:
    with database.read() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM hubauth_revocations").scalar() or 0


@row("F20", "V15", "R17")
@pytest.mark.parametrize("at_the_end", [False, True], ids=["while-asking", "while-storing"])
@pytest.mark.parametrize("how", ["deleted", "given-back"])
async def test_what_is_deleted_or_given_back_meanwhile_does_not_come_back(
    shelf: Shelf,
    any_database: Database,
    authority: Authority,
    at_the_end: bool,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = Stored(shelf, any_database, authority)
    record = await stored.sign_in()
    expire(stored)

    async def end() -> None:
        await (stored.delete() if how == "deleted" else stored.vault.give_back([record]))

    if at_the_end:
        seal = stored.vault.sealed

        async def sealed(*arguments: Any) -> Any:
            await end()
            return await seal(*arguments)

        monkeypatch.setattr(stored.vault, "sealed", sealed)
        renews = asyncio.ensure_future(stored.token(record))
    else:
        authority.gate.clear()
        renews = asyncio.ensure_future(stored.token(record))
        await authority.asked()
        await end()
        authority.gate.set()
    with pytest.raises(CredentialError) as caught:
        await renews
    assert caught.value.code == "needs_login"
    with any_database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hubauth_vault").scalar() == 0
    assert revocations(any_database) == 2, "the old token and the new one are given back"


# What a source says.


@row("F11")
@pytest.mark.parametrize(
    ("says", "code", "trouble", "event"),
    [
        (ReauthRequired("invalid_grant"), "needs_login", "invalid_grant", "credential_lost"),
        (CredentialError("Gone.", code="revoked"), "needs_login", "revoked", "credential_lost"),
        (LoginRefused("Left.", code="left"), "needs_login", "left", "credential_lost"),
        (ReauthRequired(""), "needs_login", "refused", "credential_lost"),
        (ReauthRequired("Dear user!"), "needs_login", "other", "credential_lost"),
        (ReauthRequired("x" * 500), "needs_login", "other", "credential_lost"),
        (Fresh(), "needs_login", "expired", "credential_lost"),
        (Unavailable(), "provider_unreachable", "", "credential_not_renewed"),
        (ProviderUnavailable("Later."), "provider_unreachable", "", "credential_not_renewed"),
        (TimeoutError(), "provider_unreachable", "", "credential_not_renewed"),
        (ProviderError("?", code="provider_refused_client"), "provider_refused_client", "", "credential_not_renewed"),
        (ProviderError("Rubbish."), "provider_bad_response", "", "credential_not_renewed"),
        (RuntimeError("A bug."), "plugin_failed", "", "credential_not_renewed"),
        (StoreError("Not ours.", code="odd"), "odd", "", "credential_not_renewed"),
        ("rubbish", "plugin_failed", "", "credential_not_renewed"),
    ],
    ids=str,
)
async def test_only_a_clear_no_ends_a_grant(stored: Stored, says: object, code: str, trouble: str, event: str) -> None:
    record = await stored.sign_in()
    expire(stored)
    stored.authority.says = [says]
    with pytest.raises((CredentialError, ProviderError)) as caught:
        await stored.token(record)
    assert caught.value.code == code
    held = (await stored.vault.credential(record)).held
    assert held is not None
    assert held.trouble == trouble
    assert len(stored.authority.calls) == 1
    assert stored.kinds() == [(event, trouble or code)]
    stored.clock.forward(3600)
    if trouble:
        with pytest.raises(CredentialError):
            await stored.token(record)
        assert len(stored.authority.calls) == 1, "a grant that ended is not tried again"
    else:
        assert await stored.token(record) == newest(stored), "a grant that did not end is"


@row("F11", "C31")
async def test_an_answer_that_is_dropped_leaves_what_was_stored(stored: Stored) -> None:
    record = await stored.sign_in()
    before = (await stored.vault.credential(record)).content
    expire(stored)
    stored.authority.says = [ProviderError("Somebody else.", code="id_token_renewed")]
    with pytest.raises(ProviderError):
        await stored.token(record)
    assert (await stored.vault.credential(record)).content == before


async def test_a_credential_that_its_source_finds_good_is_handed_out_and_free_for_the_next(
    shelf: Shelf, database: Database, stored: Stored
) -> None:
    other = Stored(shelf, database, stored.authority, patience=0.0)
    record = await stored.sign_in()
    token = newest(stored)
    stored.clock.forward(280)
    stored.authority.says = [Fresh()]
    assert await stored.token(record) == token
    assert stored.events == []
    assert await other.token(record) == newest(stored) != token


@row("F11")
async def test_pauses_grow_and_are_shared_by_processes(shelf: Shelf, database: Database, authority: Authority) -> None:
    one, other = Stored(shelf, database, authority), Stored(shelf, database, authority)
    record = await one.sign_in()
    expire(one)
    pauses = []
    for _ in range(12):
        authority.says = [Unavailable()]
        with pytest.raises(ProviderUnavailable) as caught:
            await one.token(record)
        assert caught.value.retry_after is not None
        pauses.append(caught.value.retry_after)
        one.clock.forward(pauses[-1] - 0.5)
        with pytest.raises(ProviderUnavailable) as waits:
            await other.token(record)
        assert waits.value.retry_after == pytest.approx(0.5)
        one.clock.forward(0.6)
    assert len(authority.calls) == 12
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert pauses[-1] == refreshing.LONGEST_PAUSE
    authority.says = []
    assert await other.token(record) == newest(one)
    held = (await one.vault.credential(record)).held
    assert held is not None
    assert held.failures == 0, "what worked ends the count"


@row("F11")
@pytest.mark.parametrize(
    ("named", "pause"), [(50.0, 50.0), (0.1, 1.0), (1e12, 3600.0), (float("inf"), 3600.0), (float("nan"), 1.0), (-5, 1)]
)
async def test_a_source_may_name_its_own_pause(stored: Stored, named: float, pause: float) -> None:
    record = await stored.sign_in()
    expire(stored)
    stored.authority.says = [Unavailable(retry_after=named)]
    with pytest.raises(ProviderUnavailable) as caught:
        await stored.token(record)
    assert caught.value.retry_after == pause


@row("F11", "F01")
@pytest.mark.parametrize("says", [Unavailable(), ProviderError("?", code="provider_refused_client")], ids=str)
async def test_while_a_source_does_not_work_what_is_still_good_is_handed_out(stored: Stored, says: object) -> None:
    record = await stored.sign_in()
    token = newest(stored)
    stored.clock.forward(280)
    stored.authority.says = [says]
    for _ in range(5):
        assert await stored.token(record) == token
    assert len(stored.authority.calls) == 1, "it is left alone meanwhile"
    stored.clock.forward(10)
    assert await stored.token(record) == newest(stored) != token


# For how long a credential is good.


@pytest.mark.parametrize(
    ("life", "left", "min_ttl", "renewed"),
    [
        (300, 61, 60, False),
        (300, 59, 60, True),
        (300, 59, 10, False),
        (300, 151, 10**6, False),
        (300, 149, 10**6, True),
        (90, 46, 60, False),
        (90, 44, 60, True),
    ],
)
async def test_what_is_not_good_for_long_enough_is_renewed(
    stored: Stored, life: float, left: float, min_ttl: float, renewed: bool
) -> None:
    """Of what lives shorter nobody is promised more than half its life."""
    stored.authority.life = life
    record = await stored.sign_in()
    first = newest(stored)
    stored.clock.forward(life - left)
    token = await stored.token(record, min_ttl=min_ttl)
    assert (token != first) is renewed
    assert await stored.token(record, min_ttl=min_ttl) == token, "once is enough"
    assert len(stored.authority.calls) == renewed


async def test_a_credential_without_expiry_is_good_for_ever(stored: Stored) -> None:
    stored.authority.life = None
    record = await stored.sign_in()
    stored.clock.forward(10**9)
    assert await stored.token(record, min_ttl=10**6) == newest(stored)
    assert stored.authority.calls == []


@row("F11")
async def test_a_credential_without_refresh_token_is_used_up_and_then_renewed_by_its_person(stored: Stored) -> None:
    record = await stored.sign_in(stored.authority.sign_in(refresh=False))
    stored.clock.forward(299)
    assert await stored.token(record) == newest(stored), "good for a second more is better than nothing"
    assert stored.authority.calls == []
    stored.clock.forward(2)
    for _ in range(2):
        with pytest.raises(CredentialError) as caught:
            await stored.token(record)
        assert caught.value.code == "needs_login"
    assert stored.kinds() == [("credential_lost", refreshing.RAN_OUT)]


async def test_nothing_stored_and_nothing_readable_ask_for_a_sign_in(
    shelf: Shelf, database: Database, stored: Stored
) -> None:
    other_keys = Stored(shelf, database, stored.authority, keys=[b"x" * 32])
    record = await stored.sign_in()
    for process, resource in ((other_keys, ""), (stored, "never-there")):
        with pytest.raises(CredentialError) as caught:
            await process.token(record, resource)
        assert caught.value.code == "needs_login"
    assert stored.authority.calls == []


# Exchanged credentials.

KAFKA = {"kafka": "audience kafka"}


@pytest.fixture
def exchanging(shelf: Shelf, database: Database, authority: Authority) -> Stored:
    return Stored(shelf, database, authority, resources=KAFKA)


@row("M14", "R14")
async def test_an_exchanged_credential_has_a_row_and_an_expiry_of_its_own(exchanging: Stored) -> None:
    authority = exchanging.authority
    record = await exchanging.sign_in()
    first = await exchanging.token(record, "kafka")
    assert first.startswith("kafka-")
    assert (await exchanging.refresher.fresh(record, "kafka")).resource == "kafka"
    authority.life = 10_000.0
    exchanging.clock.forward(240)
    assert await exchanging.token(record) == newest(exchanging), "the provider's own is renewed"
    assert await exchanging.token(record, "kafka", min_ttl=10) == first, "which is not its affair"
    exchanging.clock.forward(100)
    second = await exchanging.token(record, "kafka")
    assert second != first
    assert authority.exchanges == ["access-1", newest(exchanging)]
    assert len(authority.calls) == 1


@row("F10", "M14")
async def test_a_thousand_requests_are_one_exchange(exchanging: Stored) -> None:
    record = await exchanging.sign_in()
    for _ in range(2):
        tokens = await asyncio.gather(*(exchanging.token(record, "kafka") for _ in range(1000)))
        assert len(set(tokens)) == 1
        expire(exchanging)
    assert len(exchanging.authority.exchanges) == 2
    assert len(exchanging.authority.calls) == 1


@row("F10", "M14")
async def test_whoever_looked_before_another_was_done_does_not_exchange_again(
    exchanging: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await exchanging.sign_in()
    look, looked, go_on = exchanging.vault.credential, asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        found = await look(*arguments)
        if not looked.is_set():
            looked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(exchanging.vault, "credential", slowly)
    slow = asyncio.ensure_future(exchanging.token(record, "kafka"))
    await looked.wait()
    token = await exchanging.token(record, "kafka")
    go_on.set()
    assert await slow == token
    assert len(exchanging.authority.exchanges) == 1


@row("F10", "M14")
async def test_two_processes_that_exchange_at_once_both_get_what_is_stored(
    shelf: Shelf, any_database: Database, other_process: Database, authority: Authority
) -> None:
    processes = [Stored(shelf, each, authority, resources=KAFKA) for each in (any_database, other_process)]
    record = await processes[0].sign_in()
    for _ in range(10):
        expire(processes[0])
        await processes[0].sign_in()
        await asyncio.gather(*(process.token(record, "kafka") for process in processes))
        tokens = {await process.token(record, "kafka") for process in processes}
        assert len(tokens) == 1


@row("R14")
async def test_what_was_got_for_something_else_is_not_served(
    shelf: Shelf, database: Database, authority: Authority, exchanging: Stored
) -> None:
    record = await exchanging.sign_in()
    old = await exchanging.token(record, "kafka")
    changed = Stored(shelf, database, authority, resources={"kafka": "audience kafka, scope all"})
    assert await changed.token(record, "kafka") != old
    assert len(authority.exchanges) == 2


@row("R14")
async def test_a_sign_in_takes_along_what_was_exchanged_before(exchanging: Stored) -> None:
    record = await exchanging.sign_in()
    old = await exchanging.token(record, "kafka")
    await exchanging.sign_in(exchanging.authority.sign_in())
    assert await exchanging.token(record, "kafka") != old
    assert exchanging.authority.exchanges == ["access-1", "access-3"]


@row("M14")
async def test_an_exchanged_credential_is_renewed_by_itself_where_it_can_be_and_else_got_again(
    exchanging: Stored,
) -> None:
    authority, record = exchanging.authority, await exchanging.sign_in()
    authority.says = [authority.sign_in(life=50.0)]
    await exchanging.token(record, "kafka")
    exchanging.clock.forward(100)
    renewed = await exchanging.token(record, "kafka")
    assert renewed == newest(exchanging)
    assert authority.calls == ["refresh-2"]
    exchanging.clock.forward(10_000)
    authority.grants[-1].alive = False
    again = await exchanging.token(record, "kafka")
    assert again.startswith("kafka-")
    assert authority.calls == ["refresh-2", "refresh-3", "refresh-1"]
    assert exchanging.kinds() == [], "nobody has to sign in"


@row("M14")
async def test_nobody_signs_in_again_before_the_whole_chain_is_dead(exchanging: Stored) -> None:
    authority, record = exchanging.authority, await exchanging.sign_in()
    token = await exchanging.token(record, "kafka")
    authority.grants[0].alive = False
    exchanging.clock.forward(200)
    assert await exchanging.token(record, "kafka") == token
    expire(exchanging)
    for _ in range(2):
        with pytest.raises(CredentialError) as caught:
            await exchanging.token(record, "kafka")
        assert caught.value.code == "needs_login"
    assert exchanging.kinds() == [LOST]
    assert len(authority.calls) == 1


@row("F11")
@pytest.mark.parametrize(
    "says", [ProviderUnavailable("Later."), CredentialError("No.", code="invalid_target"), RuntimeError("?")], ids=repr
)
async def test_an_exchange_that_fails_ends_nothing(exchanging: Stored, says: Exception) -> None:
    authority, record = exchanging.authority, await exchanging.sign_in()
    authority.life = 100.0
    token = await exchanging.token(record, "kafka")
    authority.says = [says]
    exchanging.clock.forward(70)
    assert await exchanging.token(record, "kafka") == token, "it is good for some seconds yet"
    authority.says = [says]
    exchanging.clock.forward(40)
    with pytest.raises((ProviderError, CredentialError)):
        await exchanging.token(record, "kafka")
    assert (await exchanging.token(record, "kafka")).startswith("kafka-")


@row("F20", "R17")
async def test_an_identity_that_is_disconnected_meanwhile_does_not_come_back(
    shelf: Shelf, any_database: Database, authority: Authority
) -> None:
    stored = Stored(shelf, any_database, authority, others={"lab": {}})
    home, lab = await stored.sign_in(), await stored.connect("lab")
    expire(stored)
    authority.gate.clear()
    renews = asyncio.ensure_future(stored.token(lab))
    await authority.asked()
    await stored.identities.unlink(home.hub_user, "lab", lambda record: True)
    authority.gate.set()
    with pytest.raises(CredentialError):
        await renews
    assert (await stored.vault.credential(lab)).reason == "missing"
    assert revocations(any_database) == 2
    await stored.token(home)


@row("F20", "R17")
@pytest.mark.parametrize("how", ["deleted", "given-back"])
async def test_an_exchange_for_a_user_who_is_gone_meanwhile_is_given_back(
    shelf: Shelf, any_database: Database, authority: Authority, how: str
) -> None:
    exchanging = Stored(shelf, any_database, authority, resources=KAFKA)
    record = await exchanging.sign_in()
    authority.gate.clear()
    asks = asyncio.ensure_future(exchanging.token(record, "kafka"))
    await authority.asked()
    await (exchanging.delete() if how == "deleted" else exchanging.vault.give_back([record]))
    authority.gate.set()
    with pytest.raises(CredentialError):
        await asks
    with any_database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hubauth_vault").scalar() == 0
    assert revocations(any_database) == 2


async def test_a_credential_that_a_sign_in_brought_for_a_resource_is_renewed_like_any(stored: Stored) -> None:
    authority = stored.authority
    api = authority.sign_in(resource="https://api.example")
    single = replace(authority.sign_in(refresh=False), resource="https://single.example")
    record = await stored.sign_in(authority.sign_in(), api, single)
    expire(stored)
    renewed = await stored.token(record, "https://api.example")
    assert renewed == authority.grants[0].issued[-1] != api.access_token.reveal()
    content = (await stored.vault.credential(record, "https://api.example")).content
    assert content is not None
    assert content.resource == "https://api.example"
    with pytest.raises(CredentialError) as caught:
        await stored.token(record, "https://single.example")
    assert caught.value.code == "needs_login"
    assert authority.exchanges == [], "nobody configured an exchange for it"


async def test_what_a_source_renews_keeps_its_resource(stored: Stored) -> None:
    record = await stored.sign_in()
    expire(stored)
    stored.authority.says = [Rotated(Credential(access_token=Secret("new"), resource="elsewhere"))]
    assert await stored.token(record) == "new"
    assert await stored.token(record) == "new"
