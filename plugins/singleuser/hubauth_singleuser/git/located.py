"""git's setting for the helper, with the command's whole path in it.

The hub writes `credential.<address>.helper = hubauth`, because it does not know where the command is in the server. git
looks for it on PATH; terminals of Jupyter are login shells, and `/etc/profile` of many systems sets PATH anew, without
the environment that the server runs in.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

COMMAND: Final = "git-credential-hubauth"

SHORT: Final = "hubauth"

KEY: Final = re.compile(r"credential\.(.+\.)?helper", re.IGNORECASE)


def located(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of GIT_CONFIG_COUNT that should have another value, for whatever this server starts."""
    command = _command(environment)
    if command is None:
        return {}
    return {
        f"GIT_CONFIG_VALUE_{number}": f"!{shlex.quote(str(command))}"  # a command of the shell
        for number in range(_count(environment))
        if environment.get(f"GIT_CONFIG_VALUE_{number}") == SHORT
        and KEY.fullmatch(environment.get(f"GIT_CONFIG_KEY_{number}", ""))
    }


def _command(environment: Mapping[str, str]) -> Path | None:
    """Beside this Python, or else on PATH."""
    beside = Path(sysconfig.get_path("scripts"), COMMAND)
    found = str(beside) if beside.exists() else shutil.which(COMMAND, path=environment.get("PATH"))
    return Path(found).absolute() if found else None


def _count(environment: Mapping[str, str]) -> int:
    count = environment.get("GIT_CONFIG_COUNT", "")
    return int(count) if count.isdecimal() and len(count) < 4 else 0
