"""Rules of a provider that can never match, or contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from hubauth_core import ConfigError, Provider
from hubauth_core.rule_checks import ABOUT_GROUPS, check_rules


class Silent(Provider):
    """A source that tells who somebody is, and nothing else."""

    says_groups = False  # type: ignore[assignment]
    says_roles = False  # type: ignore[assignment]


@pytest.mark.parametrize("entry", ["ann", "ANN ", "id:7"])
@pytest.mark.parametrize("option", ["allowed_users", "admin_users"])
def test_nobody_is_both_let_in_and_kept_out(option: str, entry: str) -> None:
    rules: dict[str, Any] = {option: {"ann", "id:7"}, "blocked_users": {entry, "eve"}}
    with pytest.raises(ConfigError, match=option):
        check_rules(Provider("uni", **rules))
    check_rules(Provider("uni", **{**rules, "blocked_users": {"eve"}}))


@pytest.mark.parametrize("option", ABOUT_GROUPS)
def test_a_rule_about_groups_where_nothing_is_said_of_any(option: str) -> None:
    value: Any = {"staff": "staff"} if option == "group_map" else {"staff"}
    with pytest.raises(ConfigError, match=f"{option} can never match.*groups_claim"):
        check_rules(Silent("uni", **{option: value}))
    check_rules(Provider("uni", **{option: value}))


def test_a_role_map_where_nothing_is_said_of_groups_or_roles() -> None:
    with pytest.raises(ConfigError, match="role_map can never match"):
        check_rules(Silent("uni", role_map={"teacher": "grader"}))
    talking = type("Talking", (Silent,), {"says_roles": True})
    check_rules(talking("uni", role_map={"teacher": "grader"}))
