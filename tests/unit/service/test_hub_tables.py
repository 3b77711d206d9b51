"""What is read of the hub's own tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy import make_url

from hubauth_core.database import Database
from hubauth_core.errors import StoreError
from hubauth_core.hub import timestamp
from hubauth_core.service.hub_tables import HubTables


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jupyterhub.sqlite'}"


@pytest.fixture
def tables(url: str) -> Iterator[HubTables]:
    tables = HubTables(Database(make_url(url)))
    yield tables
    tables.close()


def test_users_are_found_by_name_and_known_by_id_and_time(url: str, tables: HubTables) -> None:
    session = orm.new_session_factory(url)()
    ann = orm.User(name="ann")
    session.add(ann)
    session.commit()
    found = tables.find("ann")
    assert found is not None
    assert (found.id, found.name, found.created) == (ann.id, "ann", timestamp(ann.created))
    assert tables.find("ANN") is tables.find("") is None
    session.delete(ann)
    session.commit()
    assert tables.find("ann") is None
    session.close()


def test_a_token_has_the_client_that_it_was_issued_to(url: str, tables: HubTables) -> None:
    session = orm.new_session_factory(url)()
    ann, client = orm.User(name="ann"), orm.OAuthClient(identifier="service-binder")
    session.add_all([ann, client, orm.OAuthClient(identifier="jupyterhub")])
    session.commit()
    for held_by in ("service-binder", "jupyterhub"):
        token = orm.APIToken.find(session, orm.APIToken.new(user=ann, client_id=held_by, oauth_client=None))
        assert tables.client_of(token.api_id) == held_by
    assert tables.client_of("a999") is tables.client_of("") is tables.client_of("None") is None
    session.close()


def test_a_database_without_the_tables_is_no_hubs(tables: HubTables) -> None:
    tables.check()
    with pytest.raises(StoreError):
        tables.find("ann")
