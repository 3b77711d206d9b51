"""Values: secrets do not show, answers that are none are refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from hubauth_singleuser import Credential, Secret
from hubauth_singleuser.types import Connection

ANSWER: dict[str, Any] = {
    "provider": "github",
    "resource": "",
    "username": "octocat",
    "access_token": "gho_canary",
    "token_type": "Bearer",
    "scopes": ["repo"],
    "expires_at": 1_700_000_000,
    "something": "new",
}


def test_a_credential_does_not_show_its_token() -> None:
    credential = Credential.parse(ANSWER)
    assert credential.access_token.reveal() == "gho_canary"
    shown = f"{credential} {credential!r} {credential.access_token} {credential.access_token:>20} {[credential]}"
    assert "canary" not in shown
    assert "***" in shown


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_a_secret_does_not_leave_by_a_copy(take: Any) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        take(Secret("canary"))


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": ""},
        {"access_token": "two\nlines"},
        {"access_token": "tok\u00e9n"},
        {"access_token": None},
        {"scopes": "repo"},
        {"scopes": [1]},
        {"expires_at": "soon"},
        {"expires_at": True},
        {"username": 7},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_credential(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Credential.parse(ANSWER | wrong)


def test_a_connection_needs_its_name() -> None:
    with pytest.raises(ValueError, match="provider"):
        Connection.parse({})
