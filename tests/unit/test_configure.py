"""`configure(c)`: what stands there stays, and the hub takes the result."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import orm, roles, scopes
from jupyterhub.app import JupyterHub
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from hubauth_core import configure
from hubauth_core.configure import GRANTED, SCOPE, lacking, told_of

OURS = f"{SCOPE}!user"


def plain(c: Config) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The custom scopes, and the scopes of each role."""
    return dict(c.JupyterHub.custom_scopes), {role["name"]: list(role["scopes"]) for role in c.JupyterHub.load_roles}


def test_an_empty_configuration_gets_the_scope_and_both_roles() -> None:
    c = Config()
    configure(c)
    scopes, roles = plain(c)
    assert list(scopes) == [SCOPE]
    assert roles == {
        "user": ["self", OURS],
        "server": ["users:activity!user", "access:servers!server", OURS],
    }


def test_servers_may_be_left_out() -> None:
    c = Config()
    c.JupyterHub.load_roles = [{"name": "server", "scopes": ["users:activity!user"]}]
    configure(c, servers=False)
    _, roles = plain(c)
    assert roles == {"server": ["users:activity!user"], "user": ["self", OURS]}


def test_what_the_roles_had_by_default_they_keep() -> None:
    defaults = {role["name"]: role["scopes"] for role in roles.get_default_roles()}
    for name, granted in GRANTED.items():
        assert granted == [*defaults[name], OURS]


def test_what_stands_there_is_kept() -> None:
    c = Config()
    c.JupyterHub.custom_scopes = {"custom:mine:read": {"description": "Mine."}}
    c.JupyterHub.load_roles = [
        {"name": "user", "description": "Ours", "scopes": ["self", "shares!user"]},
        {"name": "server", "scopes": []},
        {"name": "grader", "users": ["ann"], "scopes": ["list:users"]},
    ]
    configure(c)
    scopes, roles = plain(c)
    assert set(scopes) == {"custom:mine:read", SCOPE}
    assert roles == {"user": ["self", "shares!user", OURS], "server": [OURS], "grader": ["list:users"]}
    assert c.JupyterHub.load_roles[0]["description"] == "Ours"
    assert c.JupyterHub.load_roles[2]["users"] == ["ann"]


def test_a_role_without_scopes_keeps_the_hubs_own() -> None:
    c = Config()
    c.JupyterHub.load_roles = [{"name": "server", "users": ["ann"]}]
    configure(c)
    assert plain(c)[1]["server"] == GRANTED["server"]


def test_what_was_appended_or_updated_is_kept_too() -> None:
    c = Config()
    c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", "shares!user"]})
    c.JupyterHub.custom_scopes.update({"custom:mine:read": {"description": "Mine."}})
    configure(c)
    scopes, roles = plain(c)
    assert set(scopes) == {"custom:mine:read", SCOPE}
    assert roles["user"] == ["self", "shares!user", OURS]


@pytest.mark.parametrize(
    ("roles", "extra", "missing"),
    [
        ([], (), ["user", "server"]),
        ([], (OURS,), ["server"]),
        ([{"name": "user", "scopes": ["self"]}], (OURS,), ["user", "server"]),
        ([{"name": "user", "scopes": ["self", OURS]}], (), ["server"]),
        ([{"name": "server", "scopes": [SCOPE]}, {"name": "user"}], (), ["user"]),
        ([{"name": "grader", "scopes": [OURS]}], (), ["user", "server"]),
    ],
)
def test_roles_without_the_scope_are_named(roles: list[Any], extra: tuple[str, ...], missing: list[str]) -> None:
    assert lacking(roles, extra) == missing


def test_after_configure_no_role_lacks_it() -> None:
    c = Config()
    configure(c)
    assert lacking(c.JupyterHub.load_roles) == []


def test_what_is_told_says_what_to_write() -> None:
    assert told_of(["server"]).startswith(f"The role server lacks {OURS}: their servers cannot ")
    assert told_of(["user", "server"]).startswith(f"The roles user and server lack {OURS}: people and their servers ")
    assert told_of(["user"]).endswith("from hubauth_core import configure; configure(c)")


def test_twice_is_once() -> None:
    c = Config()
    configure(c)
    once = deepcopy(plain(c))
    configure(c)
    assert plain(c) == once


def test_what_the_administrator_changes_afterwards_changes_no_other_hub() -> None:
    c, before = Config(), deepcopy(GRANTED)
    configure(c)
    c.JupyterHub.load_roles[0]["scopes"].append("shares!user")
    assert before == GRANTED


def test_the_roles_of_the_administrator_are_not_written_into() -> None:
    mine: dict[str, Any] = {"name": "user", "scopes": ["self"]}
    c = Config()
    c.JupyterHub.load_roles = [mine]
    configure(c)
    assert mine == {"name": "user", "scopes": ["self"]}


CONFIGURATION = """
from hubauth_core import configure
c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self", "shares!user"]}]
configure(c)
"""


@pytest.fixture
def _own_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes, "scope_definitions", dict(scopes.scope_definitions))


@pytest.mark.usefixtures("_own_scopes")
def test_the_hub_takes_scope_and_roles_from_a_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "jupyterhub_config.py").write_text(CONFIGURATION)
    hub = JupyterHub(config=PyFileConfigLoader("jupyterhub_config.py", path=str(tmp_path)).load_config())
    scopes.define_custom_scopes(hub.custom_scopes)
    session = orm.new_session_factory("sqlite:///:memory:")()
    for role in [*roles.get_default_roles(), *hub.load_roles]:
        roles.create_role(session, role)
    assert orm.Role.find(session, "user").scopes == ["self", "shares!user", OURS]
    assert orm.Role.find(session, "server").scopes == GRANTED["server"]
    session.close()
