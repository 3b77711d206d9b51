"""Roles of the hub: `role_map` leads to those that are there, and JupyterHub hears of those that it gives itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jupyterhub import orm, roles
from sqlalchemy.orm import Session

from hubauth_core import ConfigError, Provider
from hubauth_core.hub_roles import HubRoles


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """The hub's tables with its own roles and one of the configuration."""
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        for role in roles.get_default_roles():
            roles.create_role(session, role)
        roles.create_role(session, {"name": "grader", "description": "Grades", "scopes": ["list:users"]})
        yield session


@pytest.fixture
def hub_roles(session: Session) -> HubRoles:
    found = HubRoles()
    found.load(session)
    return found


def mapped(*roles: str) -> dict[str, Provider]:
    return {"uni": Provider("uni", role_map={"teacher": list(roles)})}


def test_a_role_that_is_none_stops_the_start_and_the_message_names_the_nearest(hub_roles: HubRoles) -> None:
    hub_roles.check(mapped("grader", "user"))
    with pytest.raises(ConfigError, match=r"no role 'graders'\. Did you mean 'grader'"):
        hub_roles.check(mapped("grader", "graders"))


@pytest.mark.parametrize("role", ["admin", "server", "token"])
def test_a_role_that_is_not_for_people_stops_the_start(hub_roles: HubRoles, role: str) -> None:
    with pytest.raises(ConfigError, match=f"'{role}' is no role for people"):
        hub_roles.check(mapped(role))


def test_a_role_is_told_in_full_and_one_that_was_not_there_is_not_told(hub_roles: HubRoles) -> None:
    assert hub_roles.told({"grader", "made-up"}) == [
        {"name": "grader", "description": "Grades", "scopes": ["list:users"]}
    ]


@pytest.mark.parametrize("admin", [True, False])
def test_what_the_hub_gives_itself_stays(hub_roles: HubRoles, admin: bool) -> None:
    def names(given: list[dict[str, Any]]) -> set[str]:
        complete = hub_roles.complete(given, admin=admin)
        assert len(complete) == len({role["name"] for role in complete})
        return {role["name"] for role in complete}

    own = {"user", "admin"} if admin else {"user"}
    assert names([]) == own
    assert names([{"name": "grader"}]) == own | {"grader"}
    assert names([{"name": "user"}]) == own
    assert names(hub_roles.told({"grader"})) == own | {"grader"}


def test_the_hub_writes_into_what_it_is_told_and_changes_nothing_here(hub_roles: HubRoles) -> None:
    for role in hub_roles.told({"grader"}):
        role["managed_by_auth"] = True
        role["scopes"].append("admin:users")
    assert hub_roles.told({"grader"})[0]["scopes"] == ["list:users"]
