"""Users of this machine for hub users of every provider, by JupyterHub's own LocalAuthenticator.

What asks the system, or adds to it, may take long: it runs in a thread, one at a time, as the files behind it want it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, Final, TypeVar

from jupyterhub.auth import LocalAuthenticator

from .errors import LoginRefused, ProviderError

Answer = TypeVar("Answer")

CREATABLE: Final = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
"""Names to create: what useradd takes on every system. None begins with a hyphen, which would be an option."""

FIRST_PERSON: Final = 1000
"""The first uid of a person; those before are the system's own, `root` the first of them (Debian policy, 9.2.2)."""

NOBODY: Final = 65534


class SystemUsers:
    """Looks at users of the machine, and creates them."""

    def __init__(
        self,
        *,
        create: bool,
        require: bool,
        command: Sequence[str],
        uids: Mapping[str, int],
        groups: AbstractSet[str],
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self.create = create
        self._require = require
        further = {"add_user_cmd": list(command)} if command else {}
        self._local = LocalAuthenticator(
            create_system_users=create, uids=dict(uids), allowed_groups=set(groups), log=log, **further
        )
        self._groups = groups
        self._log = log
        self._thread = ThreadPoolExecutor(1, "hubauth-system-users")

    async def ensure(self, name: str) -> None:
        """See that the hub user `name` may have the machine's user of that name; create it where that is wanted.

        Raises LoginRefused `system_account`, `system_user_missing`, `name_invalid`; ProviderError `add_user_failed`.
        """
        if self.create or self._require:
            await self._in_thread(self._ensure, name)

    async def lets_in(self, name: str) -> bool:
        """Whether the machine's user of that name is in one of `allowed_system_groups`."""
        return bool(self._groups) and await self._in_thread(self._is_member, name)

    def _ensure(self, name: str) -> None:
        uid = self._uid(name)
        if uid is not None:
            _check_person(name, uid)
        elif not self.create:
            raise LoginRefused(
                f"This hub is for people who have an account on its machine, and {name!r} has none. Ask its "
                "administrators for one.",
                code="system_user_missing",
            )
        else:
            self._add(name)

    def _add(self, name: str) -> None:
        if not CREATABLE.fullmatch(name):
            raise LoginRefused(
                f"The username {name!r} cannot be one of this machine. Ask the administrator for another name.",
                code="name_invalid",
            )
        try:
            self._local.add_system_user(SimpleNamespace(name=name))
        except Exception as error:
            self._log.error("hubauth: the system user %r could not be created: %s", name, error)
            raise ProviderError(
                "Your account on this machine could not be made; the administrators see why.", code="add_user_failed"
            ) from None

    def _is_member(self, name: str) -> bool:
        uid = self._uid(name)
        if uid is None or not _is_person(uid):
            return False
        return bool(self._local.check_allowed_groups(name, None))

    def _uid(self, name: str) -> int | None:
        try:
            return int(self._local._getpwnam(name).pw_uid)
        except KeyError:
            return None

    async def _in_thread(self, work: Callable[[str], Answer], name: str) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, name)


def _is_person(uid: int) -> bool:
    return uid >= FIRST_PERSON and uid != NOBODY


def _check_person(name: str, uid: int) -> None:
    """Nobody becomes `root` or `daemon` by having that name elsewhere."""
    if not _is_person(uid):
        raise LoginRefused(
            f"The username {name!r} belongs to the system of this machine. Ask the administrator for another name.",
            code="system_account",
        )
