"""The contract: which hooks there are, and that none falls into pluggy's traps."""

from __future__ import annotations

import inspect
import re

import pytest

import hubauth_core
from hubauth_core.hookspecs import ANSWERS, BROADCAST, PROJECT, SPECS


@pytest.mark.parametrize("hook", sorted(SPECS))
def test_no_hook_stops_at_the_first_answer_because_a_coroutine_is_never_none(hook: str) -> None:
    assert not getattr(SPECS[hook], f"{PROJECT}_spec")["firstresult"]


@pytest.mark.row("B3")
def test_broadcasts_carry_no_credential_and_no_request() -> None:
    carried = {argument for hook in BROADCAST for argument in inspect.signature(SPECS[hook]).parameters}
    assert carried == {"provider", "identity", "granted_scopes", "answer", "event"}


@pytest.mark.parametrize("hook", sorted(set(SPECS) - {"hubauth_event", "hubauth_provider_type"}))
def test_every_call_names_its_provider(hook: str) -> None:
    assert next(iter(inspect.signature(SPECS[hook]).parameters)) == "provider"


@pytest.mark.parametrize("hook", sorted(SPECS))
def test_every_hook_says_what_it_answers_and_what_it_is_for(hook: str) -> None:
    assert hook in ANSWERS
    assert (SPECS[hook].__doc__ or "").strip()


def test_a_plugin_author_finds_every_type_of_the_contract_in_one_place() -> None:
    texts = [text for spec in SPECS.values() for text in inspect.get_annotations(spec).values()]
    named = set(re.findall(r"\b[A-Z]\w+", " ".join(texts)))
    assert {"Step", "RefreshedIdentity", "Challenge"} <= named
    assert named - set(hubauth_core.__all__) == {"Any", "None", "Sequence", "Set"}
