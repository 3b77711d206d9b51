"""JSON that only has one reading."""

from __future__ import annotations

import pytest

from hubauth_core.oauth2 import strict_json


@pytest.mark.row("F04", "X12")
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\xff"}',
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a": ' * 1000 + b"1" + b"}" * 1000,
        b'{"a": 1} x',
        b'"' + b'\\"' * 250_000,  # looked at in one go, or this takes an hour
        b'"\\',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_refuses(text):
    assert not _readable(text)


def _readable(text: bytes) -> bool:
    try:
        strict_json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        (b'"' + b"[" * 100 + b'"', "[" * 100),
        (rb'{"\"[[": "\\"}', {'"[[': "\\"}),
        (b"[" * 32 + b"]" * 32, eval("[" * 32 + "]" * 32)),
    ],
    ids=["nested", "brackets-in-text", "escapes", "32-deep"],
)
def test_reads(text, value):
    assert strict_json.loads(text) == value
