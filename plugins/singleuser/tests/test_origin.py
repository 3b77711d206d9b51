"""Where a token may travel to."""

from __future__ import annotations

import pytest

from hubauth_singleuser.origin import Origin


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://GitHub.com/a", "https://github.com:443/b"),
        ("http://localhost/", "http://localhost:80"),
        ("https://[::1]:8/x", "https://[::1]:8"),
    ],
)
def test_origins_compare_as_browsers_do(one: str, other: str) -> None:
    assert Origin.parse(one) == Origin.parse(other)


@pytest.mark.parametrize(
    "other",
    ["http://github.com", "https://github.com:444", "https://github.com.evil.test", "https://api.github.com"],
)
def test_other_origins_differ(other: str) -> None:
    assert Origin.parse("https://github.com") != Origin.parse(other)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "github.com",
        "ftp://github.com",
        "https://",
        "https://me@github.com",
        "https://git\u0131hub.com",
        "https://a:b",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the message is for nobody
        Origin.parse(address)


@pytest.mark.parametrize("address", ["https://github.com", "http://localhost:1", "http://127.0.0.2", "http://[::1]:8"])
def test_tokens_travel_encrypted_or_stay_on_this_machine(address: str) -> None:
    assert str(Origin.for_tokens(address)) == address


@pytest.mark.parametrize("address", ["http://github.com", "http://127.0.0.1.evil.test", "http://10.0.0.1"])
def test_tokens_do_not_travel_in_the_clear(address: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        Origin.for_tokens(address)
