"""Values: frozen, and silent about secrets."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from hubauth_core import (
    Credential,
    Event,
    HubCall,
    HubUser,
    Identity,
    Redirect,
    Request,
    Rotated,
    Secret,
    SignIn,
    Transaction,
    Updated,
)
from hubauth_core.transaction import begin

CANARY = "canary-0ca9aa"
SECRET = Secret(CANARY)
CREDENTIAL = Credential(access_token=SECRET, refresh_token=SECRET, id_token=SECRET)
IDENTITY = Identity(provider="uni", subject="7", username="ann", claims={"token": CANARY})


@pytest.mark.row("B3")
@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{:>40}".format, "{!r:.99}".format, ascii])
def test_a_secret_never_prints_itself(shown: Callable[[object], str]) -> None:
    assert CANARY not in shown(SECRET)
    assert CANARY not in repr([SECRET, {"a": SECRET}, {SECRET}, CREDENTIAL])


def test_a_secret_in_a_log_line_stays_one(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("hubauth.test").error("%s %r %s", SECRET, SECRET, CREDENTIAL)
    assert "Secret(***) Secret(***)" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, copy.deepcopy, copy.copy])
def test_a_secret_is_not_written_by_accident(write: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as refused:
        write(SECRET)
    assert CANARY not in str(refused.value)


def test_a_secret_is_revealed_where_that_is_meant() -> None:
    assert SECRET.reveal() == CANARY
    assert Secret(CANARY) == SECRET
    assert hash(SECRET) == hash(Secret(CANARY))
    assert Secret("other") != SECRET
    assert SECRET != CANARY
    assert bool(SECRET)
    assert not Secret("")


@pytest.mark.row("B3")
@pytest.mark.parametrize(
    "value",
    [
        IDENTITY,
        CREDENTIAL,
        SignIn(identity=IDENTITY, credentials=(CREDENTIAL,), state={"token": CANARY}),
        Redirect(url=f"https://x.test/?state={CANARY}"),
        Request(query={"code": [CANARY]}, form={"password": [CANARY]}, handler=CANARY),
        Rotated(CREDENTIAL),
        Updated(IDENTITY, state={"token": CANARY}),
        HubCall(state={"token": CANARY}, handler=CANARY, spawner=CANARY),
        Transaction(
            provider="uni", state=CANARY, nonce=CANARY, verifier=SECRET, redirect_uri="", started_at=0, next_url=""
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_prints_a_secret(value: object) -> None:
    assert CANARY not in repr(value)


@pytest.mark.parametrize(
    "value",
    [IDENTITY, CREDENTIAL, Event(kind="x"), HubUser(id=1, name="a", created=0.0), Request(), Rotated(CREDENTIAL)],
)
def test_values_do_not_change(value: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, "other")


def test_the_empty_mapping_that_all_values_share_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        Request().query["code"] = ["x"]  # type: ignore[index]  # that is the point
    with pytest.raises(TypeError):
        begin("uni", redirect_uri="", next_url="").memo["a"] = "b"  # type: ignore[index]  # that is the point


def test_the_key_of_an_identity_is_provider_and_subject_byte_by_byte() -> None:
    assert IDENTITY.key == ("uni", "7")
    assert dataclasses.replace(IDENTITY, subject="aBc").key != dataclasses.replace(IDENTITY, subject="abc").key


@pytest.mark.row("X22")
def test_a_parameter_that_came_twice_is_no_parameter() -> None:
    request = Request(query={"state": ["a"], "code": ["x", "x"], "none": []})
    assert request.one("state") == "a"
    assert request.one("absent") is None
    assert request.one("none") is None
    with pytest.raises(ValueError, match="code was given 2 times"):
        request.one("code")
