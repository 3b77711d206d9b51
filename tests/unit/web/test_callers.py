"""Whose token it is, and whom it is good for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jupyterhub import orm, scopes
from jupyterhub.scopes import needs_scope, parse_scopes
from tornado import web

from hubauth_core.configure import SCOPE
from hubauth_core.errors import CallRefused
from hubauth_core.web.callers import SCOPES, Caller, check_right, define_scopes, digest, holder_of


@pytest.fixture
def session() -> Iterator[Any]:
    """A hub's database: ann is in the group `staff`, ben in none."""
    session = orm.new_session_factory("sqlite:///:memory:")()
    ann, staff = orm.User(name="ann"), orm.Group(name="staff")
    staff.users.append(ann)
    session.add_all([ann, orm.User(name="ben"), staff])
    session.commit()
    yield session
    session.close()


HELD = {
    "nothing": ([], {"ann": 403, "ben": 403, "nobody": 403}),
    "another scope": (["admin:users", "read:users!user=ann"], {"ann": 403, "ben": 403}),
    "own": ([f"{SCOPE}!user=ann"], {"ann": 200, "ben": 404, "nobody": 404}),
    "two": ([f"{SCOPE}!user=ann", f"{SCOPE}!user=ben"], {"ann": 200, "ben": 200, "nobody": 404}),
    "group": ([f"{SCOPE}!group=staff"], {"ann": 200, "ben": 404, "nobody": 404}),
    "other group": ([f"{SCOPE}!group=guests"], {"ann": 404, "ben": 404}),
    "server": ([f"{SCOPE}!server=ann/"], {"ann": 404}),
    "service": ([f"{SCOPE}!service=ann"], {"ann": 404}),
    "everybody": ([SCOPE], {"ann": 200, "ben": 200, "nobody": 200}),
    "odd names": ([f"{SCOPE}!user=ann"], {"ann!user=ben": 404, "ann=": 404, "Ann": 404}),
}


@pytest.mark.row("10.3.2")
@pytest.mark.parametrize(("held", "expected"), HELD.values(), ids=HELD)
def test_scopes_and_their_filters_are_the_hubs(session: Any, held: list[str], expected: dict[str, int]) -> None:
    found = {}
    for name in expected:
        try:
            check_right(parse_scopes(held), name, session)
            found[name] = 200
        except CallRefused as error:
            found[name] = {"forbidden": 403, "not_found": 404}[error.code]
    assert found == expected


@pytest.mark.row("10.3.2")
@pytest.mark.parametrize(("held", "expected"), HELD.values(), ids=HELD)
def test_the_hubs_own_decorator_says_the_same(
    session: Any, held: list[str], expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "scope_definitions", {**scopes.scope_definitions, SCOPE: {"description": "x"}})

    class Handler:
        current_user, db, request = object(), session, type("Asked", (), {"path": "/"})
        expanded_scopes, parsed_scopes = set(held), parse_scopes(held)

        @needs_scope(SCOPE)
        def get(self, user_name: str) -> int:
            return 200

    def status(name: str) -> int:
        try:
            answered: int = Handler().get(name)
        except web.HTTPError as error:
            return error.status_code
        return answered

    assert {name: status(name) for name in expected} == expected


def test_who_may_ask_for_some_hears_the_same_of_others_and_of_nobody(session: Any) -> None:
    held = parse_scopes([f"{SCOPE}!user=ann"])
    told = set()
    for name in ("ben", "nobody"):
        with pytest.raises(CallRefused) as refused:
            check_right(held, name, session)
        told.add((refused.value.code, refused.value.sentence))
    assert len(told) == 1


@pytest.mark.parametrize(
    ("client_id", "holder"),
    [
        (None, ""),
        ("jupyterhub", ""),
        ("service-binder", "service:binder"),
        ("jupyterhub-user-ben", "server:ben"),
        ("jupyterhub-binder", "service:jupyterhub-binder"),
        ("grafana", "service:grafana"),
    ],
)
def test_a_token_that_was_given_to_a_client_is_held_by_it(client_id: str | None, holder: str) -> None:
    assert holder_of(client_id) == holder


def test_the_audit_trail_names_whoever_acts_for_somebody_else() -> None:
    ann = Caller(user="ann", key=b"", scopes={})
    assert (ann.acting_for("ann"), ann.acting_for("ben")) == ("", "ann")
    assert Caller(holder="service:binder", key=b"", scopes={}).acting_for("ann") == "service:binder"
    assert Caller(user="ann", holder="service:binder", key=b"", scopes={}).acting_for("ann") == "service:binder"


def test_a_digest_is_no_token() -> None:
    assert b"canary" not in digest("canary")
    assert digest("canary") == digest("canary") != digest("canary2")
    assert "canary" not in repr(Caller(key=b"canary", scopes={}))


def test_scopes_are_defined_once_also_where_the_configuration_has_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes, "scope_definitions", definitions := {SCOPE: {"description": "Ours."}})
    monkeypatch.setattr("hubauth_core.web.callers.scope_definitions", definitions)
    define_scopes()
    assert definitions[SCOPE] == {"description": "Ours."}
    del definitions[SCOPE]
    define_scopes()
    define_scopes()
    assert definitions.keys() == SCOPES.keys()
