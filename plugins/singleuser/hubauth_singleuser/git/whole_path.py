"""Where git finds the helper that the hub told it of: a login shell sets PATH anew, and our folder may be in none.

https://git-scm.com/docs/gitcredentials#_custom_helpers
"""

from __future__ import annotations

import shlex
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SHORT: Final = "hubauth"
"""What the hub writes; git makes `git-credential-hubauth` of it, and looks for that in PATH."""


def spelled_out(environment: Mapping[str, str], folder: Path | None = None) -> dict[str, str]:
    """The variables of `environment` that name the helper to git, with its whole path in place of the short name.

    `folder` is where commands of this installation are. None at all where the helper is not there.
    """
    helper = (folder or Path(sysconfig.get_path("scripts"))) / f"git-credential-{SHORT}"
    if not helper.exists():
        return {}
    return {
        f"GIT_CONFIG_VALUE_{number}": f"!{shlex.quote(str(helper))}"
        for number in range(_count(environment))
        if _names_helper(environment, number)
    }


def _names_helper(environment: Mapping[str, str], number: int) -> bool:
    name = environment.get(f"GIT_CONFIG_KEY_{number}", "").lower()
    is_helper = name.startswith("credential.") and name.endswith(".helper")
    return is_helper and environment.get(f"GIT_CONFIG_VALUE_{number}") == SHORT


def _count(environment: Mapping[str, str]) -> int:
    count = environment.get("GIT_CONFIG_COUNT", "")
    return int(count) if count.isdecimal() else 0
