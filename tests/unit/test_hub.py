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
