"""What a hub user has open comes to an end: sessions, tokens, servers; of a real hub see the integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, roles

from hubauth_core.ending import delete_hub_user, end_access, end_sessions


class Spawner:
    """One server of a user."""

    def __init__(self, *, active: bool, pending: str | None = None) -> None:
        self.active, self.pending, self.api_token = active, pending, ""
        self.orm_spawner: Any = SimpleNamespace(server=None, started=None)
        self._stop_pending = False
        self._spawn_future = None


class User:
    """The hub's wrapper around a row, as far as servers go."""

    def __init__(self, orm_user: orm.User, spawners: dict[str, Spawner]) -> None:
        self.orm_user, self.spawners, self.stopped = orm_user, spawners, list[str]()

    async def stop(self, name: str) -> None:
        self.stopped.append(name)
        if name == "stuck":
            raise RuntimeError("this server does not stop")

    async def delete_spawners(self) -> None:
        self.spawners.clear()


class Users(dict[int, User]):
    def delete(self, user: User) -> None:
        del self[user.orm_user.id]


@pytest.fixture
def app() -> Iterator[Any]:
    """A hub with two users, each with a session and two tokens; ann has two servers, of which one runs."""
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        for role in roles.get_default_roles():
            roles.create_role(session, role)
        session.add(orm.OAuthClient(identifier="jupyterhub"))
        users = Users()
        for name in ("ann", "bob"):
            row = orm.User(name=name)
            session.add(row)
            session.commit()
            row.new_api_token(session_id=f"session-{name}")
            row.new_api_token()
            users[row.id] = User(row, {})
        users[1].spawners = {"": Spawner(active=True), "other": Spawner(active=False)}
        removed: list[str] = []

        async def delete_user(user: User, name: str) -> None:
            removed.append(name)

        async def forget(user: User) -> None:
            removed.append(f"user {user.orm_user.name}")

        proxy, authenticator = SimpleNamespace(delete_user=delete_user), SimpleNamespace(delete_user=forget)
        yield SimpleNamespace(db=session, users=users, proxy=proxy, authenticator=authenticator, removed=removed)
        session.rollback()
        session.get_bind().dispose()


def tokens(app: Any) -> list[str]:
    return [token.user.name for token in app.db.query(orm.APIToken)]


@pytest.mark.row("7.4.1", "V10")
def test_sessions_end_and_tokens_that_people_made_stay(app: Any) -> None:
    row = app.users[1].orm_user
    before = row.cookie_id
    end_sessions(app.db, row)
    assert row.cookie_id != before
    assert sorted(tokens(app)) == ["ann", "bob", "bob"]


async def test_access_ends_with_every_token_and_running_server(app: Any) -> None:
    before = app.users[1].orm_user.cookie_id
    await end_access(app, app.users[1].orm_user)
    assert app.users[1].orm_user.cookie_id != before
    assert tokens(app) == ["bob", "bob"]
    assert (app.removed, app.users[1].stopped) == ([""], [""])
    assert not app.users[1].spawners[""]._stop_pending


@pytest.mark.row("R22")
async def test_servers_may_go_on_with_the_tokens_they_live_by(app: Any) -> None:
    ann = app.users[1]
    ann.spawners[""].api_token = ann.orm_user.new_api_token()
    await end_access(app, ann.orm_user, servers=False)
    assert sorted(tokens(app)) == ["ann", "bob", "bob"]
    assert orm.APIToken.find(app.db, ann.spawners[""].api_token) is not None
    assert ann.stopped == []


@pytest.mark.row("R22")
async def test_after_a_restart_of_the_hub_a_servers_token_is_told_from_those_that_pretend(app: Any) -> None:
    ann, started = app.users[1], datetime(2026, 5, 1, 12)
    ann.spawners[""].orm_spawner = SimpleNamespace(server=SimpleNamespace(base_url="/user/ann/"), started=started)
    made = {}
    for minutes in (-60, -1, 5):
        text = ann.orm_user.new_api_token(note="Server at /user/ann/")
        made[minutes] = orm.APIToken.find(app.db, text)
        made[minutes].created = started + timedelta(minutes=minutes)
    app.db.commit()
    its_own = made[-1].id
    await end_access(app, ann.orm_user, servers=False)
    assert [token.id for token in app.db.query(orm.APIToken).filter_by(user_id=ann.orm_user.id)] == [its_own]


async def test_a_server_that_does_not_stop_keeps_no_token_and_can_be_stopped_again(app: Any) -> None:
    app.users[1].spawners = {"stuck": Spawner(active=True)}
    with pytest.raises(RuntimeError):
        await end_access(app, app.users[1].orm_user)
    assert tokens(app) == ["bob", "bob"]
    assert not app.users[1].spawners["stuck"]._stop_pending


async def test_a_hub_user_goes_as_the_hubs_own_api_lets_it_go(app: Any) -> None:
    await delete_hub_user(app, app.users[1].orm_user)
    assert list(app.users) == [2]
    assert app.removed == ["", "user ann"]
    assert tokens(app) == ["bob", "bob"]
