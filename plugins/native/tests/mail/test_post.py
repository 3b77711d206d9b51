"""Letters: what stands in them, and what cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from sqlalchemy import select

from hubauth_native import NativeProvider
from hubauth_native.mail.outbox import Letter
from hubauth_native.mail.post import LETTERS
from hubauth_native.schema import mails

Start = Callable[..., NativeProvider]
SERVER: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_security": "none", "mail_from": "Hub <hub@hub.test>"}
RESET = {"username": "ann", "minutes": 60, "link": "https://hub.test/hub/auth/local/reset?token=x"}


def waiting(native: NativeProvider) -> list[Letter]:
    """What is in the outbox."""
    outbox = native.house.post.outbox
    with native.house.database.read() as connection:
        rows = connection.execute(select(mails.c.id, mails.c.sealed)).all()
    return [letter for row in rows if (letter := outbox.open(row.id, row.sealed))]


def put(native: NativeProvider, to: str = "ann@people.test", **more: Any) -> None:
    native.house.database.write_now(lambda connection: native.house.post.put(connection, "reset", to, **RESET | more))


def test_a_letter_is_its_template_with_the_subject_in_its_first_line(start: Start) -> None:
    native = start(**SERVER)
    put(native)
    [letter] = waiting(native)
    assert (letter.to, letter.subject) == ("ann@people.test", "Choose a new password for ann")
    assert RESET["link"] in str(letter.text)
    assert letter.text.endswith("https://hub.test/hub/\n")
    assert "{" not in letter.text


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x85", "\u2028", "\v"])
def test_no_name_writes_headers_or_paragraphs(start: Start, break_: str) -> None:
    native = start(**SERVER)
    put(native, username=f"ann{break_}Bcc: all@people.test{break_}{break_}Dear friend")
    [letter] = waiting(native)
    assert letter.subject.startswith("Choose a new password for ann ")
    assert len(letter.subject.splitlines()) == 1
    assert not any(line.startswith(("Bcc:", "Dear")) for line in letter.text.splitlines())


@pytest.mark.parametrize("trick", ["\u202e", "\u2066", "\0", "\x1b", "\ud800", "\u200b"])
def test_what_cannot_be_seen_or_turns_text_round_is_left_out(start: Start, trick: str) -> None:
    native = start(**SERVER)
    put(native, username=f"an{trick}n")
    [letter] = waiting(native)
    assert trick not in letter.subject + letter.text


@pytest.mark.parametrize("to", ["", "ann", "a@b@c.test", "a@b.test, c@d.test", "a@b.test\nBcc: c@d.test", "x" * 300])
def test_what_is_no_address_gets_nothing(start: Start, to: str) -> None:
    native = start(**SERVER)
    put(native, to)
    assert waiting(native) == []


@pytest.mark.row("M09")
def test_without_a_mail_server_nothing_is_kept(native: NativeProvider) -> None:
    put(native)
    assert not native.house.post.enabled
    assert native.house.post.trouble() is None
    with native.house.database.read() as connection:
        assert connection.execute(select(mails)).all() == []


def test_a_letter_may_be_replaced(start: Start, tmp_path: Path) -> None:
    (tmp_path / "reset.txt").write_text("Subject: Neues Passwort\n\nHallo {{ username }}: {{ link }}\n")
    native = start(**SERVER, letters_path=str(tmp_path))
    put(native)
    [letter] = waiting(native)
    assert (letter.subject, letter.text) == ("Neues Passwort", f"Hallo ann: {RESET['link']}\n")


def test_a_value_that_is_not_there_is_an_error(start: Start) -> None:
    native = start(**SERVER)
    with pytest.raises(UndefinedError):
        native.house.database.write_now(
            lambda connection: native.house.post.put(connection, "reset", "ann@people.test", username="ann")
        )


def test_the_database_holds_no_link_that_could_be_read(start: Start) -> None:
    native = start(**SERVER)
    put(native)
    with native.house.database.read() as connection:
        [sealed] = connection.execute(select(mails.c.sealed)).scalars()
    assert b"token" not in sealed
    assert b"ann" not in sealed


@pytest.mark.parametrize("letter", sorted(LETTERS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_letter_begins_with_its_subject(letter: Path) -> None:
    text = letter.read_text()
    if letter.stem != "foot":
        assert text.startswith("Subject: "), letter
        assert text.splitlines()[1] == ""
        assert text.rstrip().endswith('{% include "foot.txt" %}')
