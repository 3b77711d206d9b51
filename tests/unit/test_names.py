"""Hub usernames from what providers and people make up."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubauth_core import ConfigError, LoginRefused
from hubauth_core.names import Prefix, name_key, normalise, prefixes_of


@pytest.mark.parametrize(
    ("username", "name"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("ａｌｉｃｅ", "alice"),
        ("jo hn", "jo hn"),
        ("René", "rené"),
        ("李雷", "李雷"),
    ],
    ids=["plain", "capital", "full-width", "space-inside", "accent", "han"],
)
def test_a_username_is_spelled_as_the_hub_spells_it(username: str, name: str) -> None:
    assert normalise(username) == name


@pytest.mark.row("V14", "V38")
@pytest.mark.parametrize(
    "username",
    [
        *("", "a" * 256, " a", "a ", "a\u00a0", "\u3000a", "a\tb", "a\0b", "a/b", "a／b", ".", "..", "%2e%2e", "．"),
        *("al\u200bice", "al\u00adice", "al\u202eice", "a\u2028b", "a\u3164b", "a\ufe0fb", "\u2800"),
        *("\ud800", "\ue000", "\U000e0041a"),
    ],
)
def test_a_username_that_no_hub_user_can_have_is_refused(username: str) -> None:
    with pytest.raises(LoginRefused) as refusal:
        normalise(username)
    assert refusal.value.code == "name_invalid"


@pytest.mark.row("V14")
def test_a_username_of_megabytes_is_refused_without_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubauth_core.names.unicodedata", None)
    with pytest.raises(LoginRefused):
        normalise("\ufdfa" * 10_000_000)


@given(st.text(max_size=40))
def test_a_normalised_name_stays_as_it_is_also_when_the_hub_lowers_it(username: str) -> None:
    try:
        name = normalise(username)
    except LoginRefused:
        return
    assert normalise(name) == name
    assert name.lower() == name


@pytest.mark.row("V38")
@pytest.mark.parametrize(
    "lookalike",
    ["Admin", "ADMIN", "ａdmin", "аdmin", "аdmіn", "αdmin", "𝐚dmin", "admın", "ⓐdmin"],
    ids=["capital", "capitals", "full-width", "cyrillic-a", "two-cyrillic", "alpha", "bold", "dotless-i", "circled"],
)
def test_lookalikes_share_a_key(lookalike: str) -> None:
    assert name_key(lookalike) == name_key("admin") == "admin"


@pytest.mark.parametrize(
    ("one", "other"),
    [("admin", "admln"), ("bob", "b0b"), ("rené", "rene"), ("李雷", "李蕾")],
    ids=["l", "0", "é", "han"],
)
def test_names_that_people_do_tell_apart_have_keys_of_their_own(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@given(st.text(max_size=20))
def test_the_key_of_a_key_is_that_key_for_ascii_and_stable_otherwise(name: str) -> None:
    assert name_key(name) == name_key(name.lower())
    if name.isascii():
        assert name_key(name) == name.lower()


def test_plain_names_do_not_load_the_table_of_confusables() -> None:
    code = (
        "import sys; from hubauth_core.names import name_key; name_key('alice'); "
        "print([name for name in sys.modules if 'confusable' in name])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_one_provider_needs_no_prefix_and_several_have_their_own() -> None:
    assert prefixes_of({"github": None}) == {"github": Prefix("", explicit=False)}
    assert prefixes_of({"uni": "", "github": None, "gitlab_corp": None}) == {
        "uni": Prefix("", explicit=True),
        "github": Prefix("github-", explicit=False),
        "gitlab_corp": Prefix("gitlab_corp-", explicit=False),
    }


@pytest.mark.row("V39")
@pytest.mark.parametrize(
    "configured",
    [{"one": "a-", "two": "a-b-"}, {"two": "a-b-", "one": "a-"}, {"one": "a-", "two": "a-"}, {"one": "", "two": ""},
     {"one": "а-", "two": "a-"}, {"one": "two", "two": None}],
    ids=["begins", "begun", "same", "both-empty", "lookalike", "begins-a-default"],
)  # fmt: skip
def test_prefixes_that_could_make_one_name_from_two_stop_the_start(configured: dict[str, str | None]) -> None:
    with pytest.raises(ConfigError) as error:
        prefixes_of(configured)
    assert "'one'" in error.value.sentence
    assert "'two'" in error.value.sentence
    assert "username_prefix" in error.value.sentence


def test_a_prefix_in_capitals_stops_the_start_and_the_message_shows_how_to_write_it() -> None:
    with pytest.raises(ConfigError, match="username_prefix = 'gh-' for provider 'github'"):
        prefixes_of({"github": "GH-"})


@pytest.mark.parametrize("prefix", [" ", "a/", "\u200b", "x" * 255])
def test_a_prefix_that_no_name_can_begin_with_stops_the_start(prefix: str) -> None:
    with pytest.raises(ConfigError, match="username_prefix"):
        prefixes_of({"github": prefix})
