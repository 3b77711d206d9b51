"""Names that somebody may sign up under: plain, nobody's, and nothing that speaks for the hub or its administrators."""

from __future__ import annotations

import asyncio
import pwd
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from hubauth_core import Core, LoginRefused
from hubauth_core.plugin import name_key, normalise

RESERVED: Final = frozenset(
    {
        "abuse", "admin", "administrator", "all", "anonymous", "api", "auth", "everybody", "everyone", "guest",
        "help", "home", "hostmaster", "hub", "hubauth", "jupyter", "jupyterhub", "login", "logout", "me", "metrics",
        "moderator", "nobody", "none", "noreply", "null", "oauth2", "official", "operator", "owner", "postmaster",
        "public", "root", "security", "self", "server", "service", "services", "shared", "signup", "spawn", "staff",
        "static", "sudo", "superuser", "support", "sysadmin", "system", "team", "token", "undefined", "user", "users",
        "webmaster",
    }
)  # fmt: skip
"""Names that people would take for the hub itself, or for those who run it (row M02)."""

_SYSTEM_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
"""What useradd takes on every system."""


class NameRefused(LoginRefused):
    """Nobody may sign up under this name."""

    default_code = "name_reserved"


class Names:
    """Looks at names. `reserved`: further words of the administrator's; `system_users`: see the option."""

    def __init__(self, core: Core, reserved: Iterable[str] = (), *, system_users: bool = False) -> None:
        self._core = core
        self._reserved = frozenset(map(name_key, {*RESERVED, *reserved}))
        self._system_users = system_users

    async def check(self, typed: str) -> str:
        """The name as it will be stored, if nobody in the hub has it; another account here may.

        Raises LoginRefused: `name_invalid`, `name_reserved`, `name_reserved_prefix`, `name_taken`.
        """
        if not typed.strip():
            raise NameRefused("Choose a username.", code="name_invalid")
        name = normalise(typed.strip())
        if not _is_plain(name):
            raise NameRefused(
                "A username consists of letters, digits, dots, hyphens and underscores, and begins with a letter or "
                "a digit.",
                code="name_invalid",
            )
        hub_name = self._core.free_name(name)
        if self._reserved & {name_key(name), name_key(hub_name)}:
            raise NameRefused("This name is reserved. Choose another one.")
        if self._system_users:
            await _check_system_user(hub_name)
        return name


def _is_plain(name: str) -> bool:
    """Whether it is letters, marks and digits of any script, and `.`, `_`, `-` between them."""
    kinds = [unicodedata.category(each)[0] for each in name]
    inside = all(kind in "LMN" or each in "._-" for kind, each in zip(kinds, name, strict=True))
    return inside and kinds[0] in "LN"


async def _check_system_user(name: str) -> None:
    if not _SYSTEM_USER.fullmatch(name):
        raise NameRefused(
            "A username consists of the letters a to z, digits, hyphens and underscores here, begins with a letter, "
            "and has at most 32 characters.",
            code="name_invalid",
        )
    if await asyncio.to_thread(_is_system_user, name):
        raise NameRefused("This name is reserved. Choose another one.")


def _is_system_user(name: str) -> bool:
    """Asks the system, which may ask a directory far away."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
