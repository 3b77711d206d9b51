"""The outbox against a real mail server: nothing twice, nothing lost, nothing in the clear."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from sqlalchemy import insert, select, update

from harness.ports import free_port
from harness.smtp import Sink, sink
from harness.waiting import until
from hubauth_core.database import Database, ensure
from hubauth_native import NativeProvider
from hubauth_native.mail import sending
from hubauth_native.mail.sending import Sending, Trouble
from hubauth_native.mail.transport import ServerTrouble
from hubauth_native.schema import mails

RESET = {"username": "ann", "minutes": 60, "link": "https://hub.test/reset?token=canary"}


@pytest.fixture
def post() -> Iterator[Sink]:
    with sink() as running:
        yield running


def process(database: Database, server: Sink, **options: Any) -> NativeProvider:
    """A provider as one more hub would start it."""
    core = MagicMock(base_url="/hub/", public_url="https://hub.test/hub/", log=logging.getLogger("hubauth.test"))
    core.store.side_effect = lambda tables: (ensure(database, tables), database)[1]
    core.key.return_value = b"k" * 32
    provider = NativeProvider("local", **server.options() | {"smtp_timeout": 1.0} | options)
    provider.start(core)
    return provider


def put(native: NativeProvider, *to: str, **more: Any) -> None:
    for each in to:
        native.house.database.write_now(
            lambda connection, each=each: native.house.post.put(connection, "reset", each, **RESET, **more)
        )


def sender(native: NativeProvider) -> Sending:
    found = native.house.post.sending
    assert found is not None
    return found


def rows(native: NativeProvider) -> list[Any]:
    with native.house.database.read() as connection:
        return list(connection.execute(select(mails)).all())


def make_due(native: NativeProvider) -> None:
    """Let the pause before the next try be over."""
    soon = update(mails).where(mails.c.next_try_at < sending.NEVER).values(next_try_at=0.0)
    native.house.database.write_now(lambda connection: connection.execute(soon))


async def test_several_processes_send_each_mail_once(any_database: Database, post: Sink) -> None:
    others = [Database(any_database.url) for _ in range(3)]
    processes = [process(each, post) for each in (any_database, *others)]
    people = [f"p{number}@people.test" for number in range(20)]
    put(processes[0], *people)
    await asyncio.gather(*(sender(each).send_due() for each in processes))
    assert sorted(post.tried) == sorted(people)
    assert rows(processes[0]) == []
    for each in others:
        each.close()


async def test_a_mail_whose_sender_died_is_sent_after_a_while(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "ann@people.test")
    claimed = update(mails).values(claimed_until=2.0**40)
    database.write_now(lambda connection: connection.execute(claimed))
    await sender(native).send_due()
    assert post.mails == []
    over = update(mails).values(claimed_until=1.0)
    database.write_now(lambda connection: connection.execute(over))
    await sender(native).send_due()
    assert len(post.mails) == 1


@pytest.mark.row("F18")
async def test_a_mail_that_is_refused_for_now_goes_out_later(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "later@people.test", "ann@people.test")
    await sender(native).send_due()
    assert [mail["To"] for mail in post.mails] == ["ann@people.test"]
    assert native.house.post.trouble() == Trouble(1, 0, "refused (451)")
    await sender(native).send_due()
    assert post.tried.count("later@people.test") == 1, "not before its pause is over"
    make_due(native)
    await sender(native).send_due()
    assert len(post.mails_to("later@people.test")) == 1
    assert native.house.post.trouble() is None


async def test_pauses_grow(database: Database, post: Sink) -> None:
    native = process(database, post)
    post.patience = 10
    put(native, "later@people.test")
    pauses = []
    for _ in range(4):
        make_due(native)
        before = sending.time.time()
        await sender(native).send_due()
        [row] = rows(native)
        pauses.append(round((row.next_try_at - before) / sending.FIRST_PAUSE))
    assert pauses == [1, 2, 4, 8]


@pytest.mark.row("F18")
async def test_what_is_refused_for_good_is_given_up_and_shown(
    database: Database, post: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    native = process(database, post)
    put(native, "bounce@people.test", "ann@people.test")
    await sender(native).send_due()
    make_due(native)
    await sender(native).send_due()
    assert post.tried.count("bounce@people.test") == 1
    assert len(post.mails) == 1
    assert native.house.post.trouble() == Trouble(0, 1, "refused (550)")
    [row] = rows(native)
    assert row.sealed == b"", "the link in it is gone"
    assert "bounce@" not in caplog.text
    assert caplog.text.count("refused (550)") == 1


async def test_what_was_given_up_is_forgotten(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "bounce@people.test")
    await sender(native).send_due()
    old = update(mails).values(give_up_at=sending.time.time() - sending.KEEP_FAILED - 1)
    database.write_now(lambda connection: connection.execute(old))
    await sender(process(database, post)).send_due()
    assert rows(native) == []
    assert native.house.post.trouble() is None


async def test_a_mail_that_is_too_late_is_not_sent(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "ann@people.test", good_for=-1.0)
    await sender(native).send_due()
    assert post.tried == []
    assert native.house.post.trouble() == Trouble(0, 1, "too late")


async def test_a_mail_is_not_sent_when_it_is_too_late_between_two_rounds(database: Database, post: Sink) -> None:
    native = process(database, post)
    await sender(native).send_due()
    put(native, "ann@people.test", good_for=-1.0)
    await sender(native).send_due()
    assert post.tried == []


@pytest.mark.row("F18")
async def test_a_slow_answer_holds_up_one_mail_alone(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "slow@people.test", "ann@people.test")
    await sender(native).send_due()
    assert len(post.mails_to("ann@people.test")) == 1
    assert native.house.post.trouble() == Trouble(1, 0, "no answer")


@pytest.mark.row("F18")
async def test_a_server_that_is_down_is_logged_once_and_found_again(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LONGEST_SERVER_PAUSE", 0.01)
    port = free_port()
    native = process(database, Sink("127.0.0.1", port))
    put(native, "ann@people.test", "ben@people.test")
    work = asyncio.create_task(sender(native).run())
    await until(lambda: native.house.post.trouble() is not None)
    assert native.house.post.trouble() == Trouble(2, 0, "cannot be reached")
    with sink(port=port) as post:
        await post.mail_to("ann@people.test")
        await post.mail_to("ben@people.test")
        await until(lambda: rows(native) == [])
    work.cancel()
    assert native.house.post.trouble() is None
    assert caplog.text.count("cannot be reached") == 1


async def test_with_tls_and_a_password(database: Database, tmp_path: Path) -> None:
    with sink(tmp_path, user="hub", password="secret") as post:
        native = process(database, post)
        put(native, "ann@people.test")
        await sender(native).send_due()
        assert (len(post.mails), post.sign_ins) == (1, ["hub"])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"smtp_ca_file": ""}, "its certificate is not trusted"),
        ({"smtp_password": "wrong"}, "sign-in refused (535)"),
    ],
)
async def test_a_server_that_cannot_be_used_keeps_the_mail(
    database: Database, tmp_path: Path, options: dict[str, Any], word: str
) -> None:
    with sink(tmp_path, user="hub", password="secret") as post:
        native = process(database, post, **options)
        put(native, "ann@people.test")
        with pytest.raises(ServerTrouble, match=word.replace("(", r"\(").replace(")", r"\)")):
            await sender(native).send_due()
        assert post.mails == []
        assert len(rows(native)) == 1


async def test_a_server_without_encryption_gets_no_mail(database: Database, post: Sink, tmp_path: Path) -> None:
    native = process(database, post, smtp_security="starttls")
    put(native, "ann@people.test")
    with pytest.raises(ServerTrouble):
        await sender(native).send_due()
    assert post.tried == []


async def test_a_mail_under_another_key_is_given_up(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "ann@people.test")
    spoilt = update(mails).values(sealed=b"x" * 64)
    database.write_now(lambda connection: connection.execute(spoilt))
    await sender(native).send_due()
    trouble = native.house.post.trouble()
    assert trouble is not None
    assert "cannot be read" in trouble.word


async def test_mails_are_marked_as_written_by_a_program(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "ann@people.test")
    await sender(native).send_due()
    [mail] = post.mails
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "Hub <hub@hub.test>"
    assert mail["Message-ID"].endswith("@hub.test>")
    assert mail.get_content_type() == "text/plain"


async def test_another_provider_has_its_own_mails(database: Database, post: Sink) -> None:
    native = process(database, post)
    put(native, "ann@people.test")
    [row] = rows(native)
    other = dict(row._mapping) | {"id": "f" * 32, "provider": "other"}
    database.write_now(lambda connection: connection.execute(insert(mails).values(**other)))
    await sender(native).send_due()
    assert [each.provider for each in rows(native)] == ["other"]
