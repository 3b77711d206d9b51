"""git's own format, read and written: whatever bytes come, nothing becomes another attribute."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubauth_singleuser.git.attributes import LARGEST_QUESTION, BadQuestion, Question, answer

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\n\0", exclude_categories=["C", "Z"]), min_size=1)


def test_what_git_sends_is_read() -> None:
    """Taken from git 2.46, with capabilities and challenges that are not for us."""
    sent = (
        b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=gitlab.test:8443\npath=group/a repo.git\n"
        b'wwwauth[]=Basic realm="\xc3\xa4", error="=;"\nusername=me\nsomething=new\n\nhost=evil.test\n'
    )
    assert Question.parse(sent) == Question(
        protocol="https", host="gitlab.test:8443", path="group/a repo.git", username="me"
    )


@pytest.mark.parametrize("sent", [b"", b"\n", b"\nhost=github.com\n"])
def test_no_attributes_ask_nothing(sent: bytes) -> None:
    assert Question.parse(sent) == Question()


def test_of_two_the_last_counts() -> None:
    assert Question.parse(b"host=a\nhost=b\n").host == "b"


@pytest.mark.parametrize(
    ("url", "question"),
    [
        ("https://github.com", Question(protocol="https", host="github.com")),
        ("https://github.com/o/r.git/", Question(protocol="https", host="github.com", path="o/r.git")),
        ("https://me@github.com:444/x", Question(protocol="https", host="github.com:444", path="x", username="me")),
        ("https://me:pw@github.com", Question(protocol="https", host="github.com", username="me")),
        ("https://a%40b@github.com", Question(protocol="https", host="github.com", username="a@b")),
        ("https://github.com?x@y", Question(protocol="https", host="github.com", path="?x@y")),
        ("https://github.com/a@b", Question(protocol="https", host="github.com", path="a@b")),
        ("https://github.com/%2e%2e/x", Question(protocol="https", host="github.com", path="../x")),
    ],
)
def test_a_url_stands_for_its_parts(url: str, question: Question) -> None:
    assert Question.parse(f"username=forgotten\nurl={url}\n".encode()) == question


def test_what_follows_a_url_counts_too() -> None:
    assert Question.parse(b"url=https://github.com/x\npath=y\n").path == "y"


@pytest.mark.parametrize(
    "sent",
    [
        b"host=git\0hub.com\n",
        b"host=github.com\r\n",
        b"path=a\tb\n",
        b"username=\x1b[31m\n",
        b"url=https://github.com%0ahost=evil\n",
        b"url=https://github.com/%00\n",
        b"url=github.com\n",
        b"url=://x\n",
        b"protocol\n",
        b"host=\xff\n",
        b"url=https://github.com/%ff\n",
        "path=a\u2028b\n".encode(),
        b"x=" + b"y" * LARGEST_QUESTION,
    ],
    ids=repr,
)
def test_a_question_with_a_trick_is_refused(sent: bytes) -> None:
    with pytest.raises(BadQuestion):
        Question.parse(sent)


@given(st.binary(max_size=500))
@example(b"url=https://[/%ff\n")
def test_any_bytes_are_a_question_or_refused(sent: bytes) -> None:
    try:
        question = Question.parse(sent)
    except BadQuestion:
        return
    assert all(value.isprintable() for value in vars(question).values())


@given(st.dictionaries(st.sampled_from(["protocol", "host", "path", "username"]), PLAIN))
def test_what_is_written_as_git_writes_it_is_read_as_it_was(attributes: dict[str, str]) -> None:
    assert Question.parse(answer(attributes).encode()) == Question(**attributes)


@given(st.text())
@example("a\nquit=1")
@example("a\rb")
@example("")
def test_an_answer_is_one_line_for_each_value(value: str) -> None:
    try:
        written = answer({"username": value, "password": "p"})
    except ValueError:
        assert not value or not value.isprintable()
        return
    assert re.fullmatch(r"username=[^\n]+\npassword=p\n", written)
