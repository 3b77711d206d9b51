"""Who does nothing for a while is signed out, in every browser."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from jupyterhub import orm

from hubauth_core.events import Audit
from hubauth_core.idle import Idle

NOW = datetime(2026, 5, 1, 12)
LOG = logging.getLogger("test")


@pytest.fixture
def session() -> Iterator[Any]:
    with orm.new_session_factory("sqlite:///:memory:")() as opened:
        for name, minutes in (("ann", 59), ("bob", 61), ("cleo", None)):
            row = orm.User(name=name)
            row.last_activity = None if minutes is None else NOW - timedelta(minutes=minutes)
            opened.add(row)
        opened.commit()
        yield opened
        opened.rollback()
        opened.get_bind().dispose()


def cookies(session: Any) -> dict[str, str]:
    return {row.name: row.cookie_id for row in session.query(orm.User)}


@pytest.mark.row("7.3.1")
async def test_sessions_of_whom_nobody_has_seen_for_an_hour_end_once(session: Any) -> None:
    events: list[Any] = []
    now = [NOW]
    idle = Idle(after=3600, session=lambda: session, audit=Audit(events.append, LOG), log=LOG, clock=lambda: now[0])
    before = cookies(session)
    await idle.look()
    after = cookies(session)
    assert [name for name in before if before[name] != after[name]] == ["bob"]
    assert [(event.kind, event.hub_user, event.reason) for event in events] == [("sessions_ended", "bob", "idle")]
    await idle.look()
    assert cookies(session) == after
    session.query(orm.User).filter_by(name="bob").one().last_activity = NOW
    session.commit()
    await idle.look()
    assert cookies(session) == after
    now[0] += timedelta(minutes=61)
    await idle.look()
    assert {name for name, cookie in cookies(session).items() if cookie == after[name]} == {"cleo"}


async def test_it_is_off_where_nothing_is_said(session: Any) -> None:
    before = cookies(session)
    await Idle(after=0, session=lambda: session, audit=Audit(lambda event: None, LOG), log=LOG).run()
    assert cookies(session) == before
