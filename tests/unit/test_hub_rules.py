"""Rules that hold for people of every provider: by group of the hub, and who is an administrator for how long."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hubauth_core import ConfigError, Decision, LoginRefused, Provider
from hubauth_core.hub_rules import BY_GROUP, applied, check


@dataclass
class Rules:
    """Hub-wide options."""

    manage_groups: bool = True
    manage_roles: bool = True
    allowed_users: set[str] = field(default_factory=set)
    blocked_users: set[str] = field(default_factory=set)
    admin_users: set[str] = field(default_factory=set)
    allowed_groups: set[str] = field(default_factory=set)
    required_groups: set[str] = field(default_factory=set)
    admin_groups: set[str] = field(default_factory=set)


@pytest.mark.row("V05")
def test_every_combination_of_hub_wide_rules() -> None:
    unset: set[str] = set()
    combinations = itertools.product(
        [unset, {"staff"}, {"club"}],  # allowed_groups
        [unset, {"staff"}, {"club"}, {"staff", "club"}],  # required_groups
        [unset, {"staff"}, {"club"}],  # admin_groups
        [unset, {"ann"}, {"bob"}],  # admin_users
        [True, False],  # the provider's rules let in
        [True, False, None],  # the provider makes administrator
        [None, unset, {"staff"}, {"Staff", "staff2"}],  # the groups that the provider says
    )
    for allowed, required, admins, listed, let_in, made, said in combinations:
        rules = Rules(allowed_groups=allowed, required_groups=required, admin_groups=admins, admin_users=listed)
        groups = None if said is None else frozenset(said)
        decision = Decision(allowed=let_in, admin=made, groups=groups)
        mine = groups or frozenset()
        if required - mine:
            with pytest.raises(LoginRefused) as refused:
                applied(rules, "ann", decision)
            assert refused.value.code == "group_missing"
            continue
        found = applied(rules, "ann", decision)
        assert found.allowed == (let_in or bool(mine & (allowed | admins)))
        if made or "ann" in listed or mine & admins:
            assert found.admin is True
        else:
            assert found.admin is (False if admins else made)
        assert found.groups == groups


def test_who_is_no_administrator_any_more_at_home_stays_one_where_the_hub_lists_them() -> None:
    no_more = Decision(allowed=True, admin=False)
    assert applied(Rules(), "ann", no_more).admin is False
    assert applied(Rules(admin_users={"ann"}), "ann", no_more).admin is True


def providers(**options: Mapping[str, Any]) -> dict[str, Provider]:
    return {name: Provider(name, **each) for name, each in options.items()}


ONE = providers(uni={})
TWO = providers(uni={"group_map": {"employees": ["staff", "people"]}}, corp={})


@pytest.mark.parametrize("option", BY_GROUP)
def test_groups_count_only_where_the_hub_manages_them(option: str) -> None:
    with pytest.raises(ConfigError, match=rf"{option} needs c.Authenticator.manage_groups"):
        check(Rules(manage_groups=False, **{option: {"staff"}}), ONE, several=False)  # type: ignore[arg-type]
    check(Rules(**{option: {"staff"}}), ONE, several=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("group", "reachable"),
    [
        ("staff", True),
        ("people", True),
        ("uni:chess", True),
        ("corp:employees", True),
        ("uni:employees", False),
        ("employees", False),
        ("chess", False),
        ("other:chess", False),
    ],
)
def test_a_group_into_which_no_provider_puts_anybody_stops_the_start(group: str, reachable: bool) -> None:
    rules = Rules(required_groups={group})
    if reachable:
        check(rules, TWO, several=True)
        return
    with pytest.raises(ConfigError, match=f"no provider puts anybody into the hub group '{group}'"):
        check(rules, TWO, several=True)
    check(rules, TWO, several=True, broken={"other"})  # it may, once it is mended


def test_a_provider_that_says_nothing_of_groups_puts_nobody_into_any() -> None:
    silent = type("Silent", (Provider,), {"says_groups": False})
    with pytest.raises(ConfigError, match="no provider puts anybody"):
        check(Rules(admin_groups={"staff"}), {"uni": silent("uni")}, several=False)


@pytest.mark.parametrize(
    ("options", "rules", "needs"),
    [
        ({"group_map": {"a": "b"}}, {"manage_groups": False}, "group_map of provider 'uni' needs .*manage_groups"),
        ({"role_map": {"a": "b"}}, {"manage_roles": False}, "role_map of provider 'uni' needs .*manage_roles"),
    ],
)
def test_a_map_to_what_the_hub_does_not_manage_stops_the_start(
    options: dict[str, Any], rules: dict[str, Any], needs: str
) -> None:
    with pytest.raises(ConfigError, match=needs):
        check(Rules(**rules), providers(uni=options), several=False)
    check(Rules(), providers(uni=options), several=False)


@pytest.mark.parametrize("option", ["allowed_users", "admin_users"])
def test_no_hub_user_is_both_let_in_and_kept_out(option: str) -> None:
    with pytest.raises(ConfigError, match=rf"c.Authenticator.{option} and blocked_users both name 'ann'"):
        check(Rules(blocked_users={"ANN"}, **{option: {"ann"}}), ONE, several=False)  # type: ignore[arg-type]
