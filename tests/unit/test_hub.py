"""The hub's own user table, as values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from jupyterhub import orm, roles

from hubauth_core.hub import JupyterHubUsers, hub_user, timestamp

NOON = datetime(2026, 5, 1, 12, 0, 0)
"""Naive, as the hub keeps times."""


@pytest.fixture
def session() -> Iterator[Any]:
    session = orm.new_session_factory("sqlite:///:memory:")()
    yield session
    session.close()


def add(session: Any, name: str, **more: Any) -> Any:
    row = orm.User(name=name, created=NOON, **more)
    session.add(row)
    session.commit()
    return row


def test_a_user_is_found_by_name_and_by_id_and_is_the_same_value(session: Any) -> None:
    row, users = add(session, "ann", admin=True), JupyterHubUsers(lambda: session)
    found = users.find("ann")
    assert found is not None
    assert (found.id, found.name, found.admin) == (row.id, "ann", True)
    assert found == users.by_id(row.id) == hub_user(row)
    assert found.created == datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp()


def test_roles_are_told_because_holders_are_adopted_by_name_only(session: Any) -> None:
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    row = add(session, "ann")
    roles.grant_role(session, row, "user")
    roles.grant_role(session, row, "admin")
    assert hub_user(row).roles == {"user", "admin"}


def test_who_is_not_there_is_none(session: Any) -> None:
    users = JupyterHubUsers(lambda: session)
    assert users.find("ann") is None
    assert users.by_id(7) is None
    assert list(users.everybody()) == []


def test_everybody_is_every_row(session: Any) -> None:
    for name in ("ann", "bob"):
        add(session, name)
    assert [user.name for user in JupyterHubUsers(lambda: session).everybody()] == ["ann", "bob"]


def test_the_session_is_looked_up_at_each_use() -> None:
    sessions = [orm.new_session_factory("sqlite:///:memory:")() for _ in range(2)]
    users = JupyterHubUsers(lambda: sessions[0])
    add(sessions[0], "ann")
    assert users.find("ann") is not None
    sessions.reverse()
    assert users.find("ann") is None
    for session in sessions:
        session.close()


def test_times_are_unix_seconds_whatever_the_database_makes_of_them() -> None:
    aware = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(NOON) == timestamp(aware) == 1777636800.0
