"""Which entries a person is in, from a source that is asked about each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubauth_core.oauth2 import membership


@given(st.dictionaries(st.text(max_size=3), st.sampled_from([True, False, None])))
async def test_a_person_is_in_what_the_source_says_and_in_nothing_else(told: dict[str, bool | None]) -> None:
    asked: list[str] = []

    async def is_in(entry: str) -> bool | None:
        asked.append(entry)
        return told[entry]

    found = await membership(is_in, [*told, *told])
    assert found.inside == {entry for entry, answer in told.items() if answer is True}
    assert found.hidden == {entry for entry, answer in told.items() if answer is None}
    assert sorted(asked) == sorted(told), "each is asked about once"
