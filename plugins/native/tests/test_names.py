"""Names that somebody may sign up under."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubauth_core import LoginRefused
from hubauth_native.names import RESERVED, Names

if TYPE_CHECKING:
    from .conftest import StubCore


async def refusal(names: Names, typed: str) -> str:
    with pytest.raises(LoginRefused) as refused:
        await names.check(typed)
    return refused.value.code


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ann", "ann"),
        (" Ann ", "ann"),
        ("ＡＮＮ", "ann"),
        ("ann.b-c_d", "ann.b-c_d"),
        ("7up", "7up"),
        ("anna\u0308", "ann\u00e4"),
        ("अनीता", "अनीता"),
    ],
)
async def test_a_name_is_stored_in_the_spelling_of_the_hub(core: StubCore, typed: str, name: str) -> None:
    assert await Names(core).check(typed) == name


@pytest.mark.row("V38", "V09")
@pytest.mark.parametrize(
    "typed",
    ["", " ", "\0", "a\0b", "a\u200bb", "a\u202eb", "a/b", "a b", "a@b.test", "id:7", "-ann", ".", "..", "_x", "%2e%2e",
     "x" * 256, "x" * 10_000, "\ud800", "🦊", "a\nb", "<b>", "a\u3164b", "`id`", "$HOME", "a\\b", "\u0308ann"],
)  # fmt: skip
async def test_what_no_name_can_be_made_of(core: StubCore, typed: str) -> None:
    assert await refusal(Names(core), typed) == "name_invalid"


@pytest.mark.row("M02", "V38")
@pytest.mark.parametrize(
    "typed", ["admin", "Admin", "ａｄｍｉｎ", "аdmin", "hub", "api", "support", "dean", "Dean", "\u0501ean"]
)
async def test_reserved_words_and_what_looks_like_them(core: StubCore, typed: str) -> None:
    assert await refusal(Names(core, {"dean"}), typed) == "name_reserved"


@pytest.mark.row("M02")
async def test_behind_a_prefix_it_is_the_whole_hub_name_that_must_not_be_reserved(core: StubCore) -> None:
    core.free_name = lambda username: f"r{username}"  # type: ignore[method-assign]
    assert await refusal(Names(core), "oot") == "name_reserved"


@pytest.mark.row("V08", "V09")
async def test_a_name_that_the_hub_knows_or_its_configuration_speaks_of(core: StubCore) -> None:
    core.configured_names = {"boss"}
    assert await refusal(Names(core), " Boss") == "name_taken"


async def test_where_servers_run_as_system_users_a_name_is_one_that_the_system_does_not_have(core: StubCore) -> None:
    names = Names(core, system_users=True)
    assert await names.check("nobody-has-this-name") == "nobody-has-this-name"
    assert await refusal(names, "daemon") == "name_reserved"
    assert await Names(core).check("daemon") == "daemon"
    for unfit in ("a.b", "7up", "x" * 33, "jörg"):
        assert await refusal(names, unfit) == "name_invalid"


def test_the_words_of_the_hub_itself_are_reserved() -> None:
    assert {"hub", "api", "admin", "root"} <= RESERVED
