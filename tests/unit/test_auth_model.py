"""What the hub is told: rights as it has them, and no token in auth_state unless it was asked for."""

from __future__ import annotations

import json

import pytest

from hubauth_core import Credential, Decision, Identity, Secret, SignIn
from hubauth_core.auth_model import auth_state, rights, user_info

SCOPES = frozenset({"b", "a"})
CREDENTIAL = Credential(access_token=Secret("canary-access"), id_token=Secret("canary-id"), scopes=SCOPES)
SIGN_IN = SignIn(
    identity=Identity(provider="uni", subject="7", username="ann", claims={"sub": "7", "name": "Ann"}),
    credentials=(CREDENTIAL,),
)


@pytest.mark.parametrize("said", [None, False, True])
def test_none_leaves_what_the_hub_has(said: bool | None) -> None:
    assert rights(Decision(allowed=True, admin=said), groups=False) == {"admin": said}


def test_groups_are_there_only_where_the_hub_manages_them() -> None:
    decision = Decision(allowed=True, groups=frozenset({"b", "a"}))
    assert rights(decision, groups=True)["groups"] == ["a", "b"]
    assert rights(Decision(allowed=True), groups=True)["groups"] is None
    assert "groups" not in rights(decision, groups=False)


@pytest.mark.parametrize(
    ("avatar", "shown"),
    [("https://uni.example/7.png", True), ("javascript:alert(1)", False), ("//evil.example/", False), (None, False)],
)
def test_servers_show_a_name_and_a_picture_that_can_be_one(avatar: str | None, shown: bool) -> None:
    info = user_info(Identity(provider="uni", subject="7", username="ann", name="Ann Lee", avatar=avatar))
    assert (info["name"], info["display_name"]) == ("Ann Lee", "Ann Lee")
    assert ("avatar_url" in info) is shown
    assert user_info(Identity(provider="uni", subject="7", username="ann")) == {}


def test_auth_state_holds_who_it_is_and_no_token() -> None:
    state = auth_state(SIGN_IN, tokens=False)
    assert state == {"provider": "uni", "subject": "7", "claims": {"sub": "7", "name": "Ann"}}


def test_tokens_have_the_names_that_oauthenticator_gave_them() -> None:
    state = auth_state(SIGN_IN, tokens=True)
    assert (state["access_token"], state["id_token"]) == ("canary-access", "canary-id")
    assert "refresh_token" not in state
    assert state["scope"] == ["a", "b"]
    assert state["uni_user"] == {"sub": "7", "name": "Ann"}
    assert json.loads(json.dumps(state)) == state
