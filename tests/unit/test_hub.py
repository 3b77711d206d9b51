"""The hub's own user table as hubauth sees it, on the databases that a hub can have."""

from __future__ import annotations

import pytest
from jupyterhub import orm

from hubauth_core.hub import JupyterHubUsers, hub_user


@pytest.mark.row("V15")
def test_a_new_user_is_the_same_one_after_the_hub_has_restarted(empty_database: str) -> None:
    with orm.new_session_factory(empty_database)() as session:
        session.add(orm.User(name="alice"))
        session.commit()
        new = hub_user(session.query(orm.User).one())
        session.get_bind().dispose()
    with orm.new_session_factory(empty_database)() as session:
        later = JupyterHubUsers(lambda: session)
        assert later.find("alice") == later.by_id(new.id) == new
        assert [(user.id, user.created) for user in later.everybody()] == [(new.id, new.created)]
        session.get_bind().dispose()


def test_a_row_from_before_the_hub_kept_times_is_the_oldest() -> None:
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        user = orm.User(name="ann")
        session.add(user)
        session.commit()
        user.created = None
        session.commit()
        users = JupyterHubUsers(lambda: session)
        assert [each.created for each in (hub_user(user), *users.everybody())] == [0.0, 0.0]
        session.rollback()
        session.get_bind().dispose()


@pytest.mark.row("V12")
def test_a_role_that_comes_with_a_group_is_a_role() -> None:
    """Adoption leaves holders of roles alone, however they hold them."""
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        user, group = orm.User(name="ann"), orm.Group(name="ops")
        session.add_all([user, group])
        user.groups.append(group)
        user.roles.append(orm.Role(name="user"))
        group.roles.append(orm.Role(name="operator"))
        session.commit()
        assert hub_user(user).roles == {"user", "operator"}
        session.get_bind().dispose()


def test_who_has_a_running_server_is_named_once() -> None:
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        busy, idle, new = orm.User(name="busy"), orm.User(name="idle"), orm.User(name="new")
        session.add_all([busy, idle, new])
        for name in ("", "second"):
            session.add(orm.Spawner(user=busy, name=name, server=orm.Server()))
        session.add(orm.Spawner(user=idle, name=""))
        session.commit()
        users = JupyterHubUsers(lambda: session)
        assert [(user.id, user.name, user.created) for user in users.running()] == [
            (busy.id, "busy", hub_user(busy).created)
        ]
        session.rollback()
        session.get_bind().dispose()
