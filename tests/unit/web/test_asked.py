"""Which parameters a call may have, and in which form."""

from __future__ import annotations

import pytest

from hubauth_core.errors import CredentialError
from hubauth_core.web.asked import Asked, parse

OF_A_CREDENTIAL = {"min_ttl", "resource"}
OF_GIT = {"min_ttl", "url"}


def refused(query: dict[str, list[bytes]], allowed: set[str]) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        parse(query, allowed)
    assert caught.value.code == "bad_request"
    return caught.value


def test_what_is_left_out_has_a_default() -> None:
    assert parse({}, OF_A_CREDENTIAL) == Asked(min_ttl=60.0, resource="", url="")
    assert parse({"resource": [b""]}, OF_A_CREDENTIAL).resource == ""


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("-0.0", 0), ("86400", 86400), ("0.5", 0.5), ("1e3", 1000), ("5e-324", 5e-324)]
)
def test_min_ttl_is_a_number(text: str, seconds: float) -> None:
    assert parse({"min_ttl": [text.encode()]}, OF_A_CREDENTIAL).min_ttl == seconds


@pytest.mark.parametrize(
    "text",
    ["", " 5", "5 ", "1_000", "\u0665", "nan", "inf", "-inf", "1e999", "-1", "86400.1", "0x10", "5s", "1" * 400, "5\n"],
)
def test_min_ttl_is_nothing_else(text: str) -> None:
    error = refused({"min_ttl": [text.encode()]}, OF_A_CREDENTIAL)
    assert error.sentence == "min_ttl must be a number of seconds from 0 to 86400."


@pytest.mark.parametrize("text", [b"a" * 256, b"a\nb", b"a\x00", "ä".encode(), b"\xff"])
def test_a_resource_is_short_and_plain(text: bytes) -> None:
    refused({"resource": [text]}, OF_A_CREDENTIAL)
    assert parse({"resource": [b"a" * 255]}, OF_A_CREDENTIAL).resource == "a" * 255


@pytest.mark.parametrize("query", [{}, {"url": [b""]}, {"url": [b"https://x/" + b"a" * 2048]}])
def test_git_wants_an_address(query: dict[str, list[bytes]]) -> None:
    refused(query, OF_GIT)


@pytest.mark.parametrize("name", ["min_ttl", "resource"])
def test_a_parameter_that_is_repeated_is_refused_even_with_the_same_value(name: str) -> None:
    refused({name: [b"5", b"5"]}, OF_A_CREDENTIAL)


def test_a_misspelt_parameter_is_refused_and_not_repeated() -> None:
    error = refused({"<script>": [b"kafka"]}, OF_A_CREDENTIAL)
    assert error.sentence == "Known parameters: min_ttl, resource."
    refused({"url": [b"https://x/"]}, OF_A_CREDENTIAL)
    refused({"resource": [b"kafka"]}, OF_GIT)
    assert refused({"min_ttl": [b"5"]}, set()).sentence == "Known parameters: none."
