"""Rules for accounts of the hub's own."""

from __future__ import annotations

from typing import Any

import pytest

from hubauth_core import ConfigError
from hubauth_core.rule_checks import check_rules
from hubauth_native.provider import NativeProvider


@pytest.mark.parametrize("rule", [{"allowed_groups": {"staff"}}, {"role_map": {"staff": "grader"}}])
def test_rules_about_groups_stop_the_start_because_accounts_are_in_none(rule: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="can never match"):
        check_rules(NativeProvider("local", **rule))
